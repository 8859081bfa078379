//! Which modules may import which: each knows only the modules before it in one list, so that there are no circles.

use std::collections::{BTreeMap, BTreeSet};

use super::routes::sources;

/// The rooms of `src`, from the bottom to the top: each may know those before it. The first lines know nothing of Provost,
/// the next no domain; then come the domains, and at last what lists them.
const ROOMS: &[&str] = &[
    "years",
    "pace",
    "period",
    "instant",
    "text",
    "email",
    "urls",
    "mail",
    "config",
    "metrics",
    "db",
    "filter",
    "http",
    //
    "authz",
    "app",
    "operations",
    "jobs",
    "ledger",
    "resource",
    "files",
    "import",
    "system",
    //
    "access",
    "people",
    "scim",
    "catalog",
    "enrollment",
    "learning",
    "credential",
    "report",
    //
    "routes",
    "contract",
    "server",
    "cli",
    "main",
];

/// The room of a file: `src/app/tx.rs` and `src/app.rs` are of `app`.
fn room(file: &str) -> String {
    let path = file.trim_start_matches("src/");
    let room = path.split('/').next().unwrap_or_default();
    room.trim_end_matches(".rs").to_owned()
}

fn place(room: &str) -> Option<usize> {
    ROOMS.iter().position(|known| *known == room)
}

#[test]
fn each_room_knows_only_those_before_it() {
    let sources: Vec<_> = sources()
        .into_iter()
        .filter(|(file, _)| file != "src/lib.rs")
        .collect();
    // What a macro writes belongs to the room that it is of.
    let mut macros: BTreeMap<String, String> = BTreeMap::new();
    for (file, text) in &sources {
        let exported = text.split("#[macro_export]\nmacro_rules! ").skip(1);
        macros.extend(exported.filter_map(|text| Some((head(text)?, room(file)))));
    }
    let mut faults = BTreeSet::new();
    for (file, text) in &sources {
        let own = room(file);
        let Some(own_place) = place(&own) else {
            faults.insert(format!("{own} has no place among the rooms"));
            continue;
        };
        for name in mentioned(text) {
            let other = macros.get(&name).unwrap_or(&name);
            // Names of no room are of `lib.rs`.
            if place(other).is_some_and(|place| place > own_place) {
                faults.insert(format!("{file} knows crate::{name}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The modules of the crate that a source file names outside its comments and macros' `$crate`.
fn mentioned(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c == '$' || c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(heads(group)),
            None => names.extend(head(rest)),
        }
    }
    names
}

fn head(text: &str) -> Option<String> {
    let name: String = text
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

/// The first names of each part of a `{…}` group, nested groups left out.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.extend(head(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.extend(head(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn nested_imports_are_seen() {
    let text = "use crate::{\n app::{Tx, Wake},\n sql,\n};\n// crate::report\nfn f() { crate::people::g(); $crate::db::x }";
    let names: Vec<_> = mentioned(text).into_iter().collect();
    assert_eq!(names, ["app", "people", "sql"]);
}
