//! Who may import whom: never upward, and domains only those above them.

use std::collections::BTreeSet;

use super::routes::sources;

/// The domains, top to bottom: each may know those before it.
const DOMAINS: &[&str] = &[
    "access",
    "people",
    "catalog",
    "enrollment",
    "credential",
    "report",
];

/// Mechanisms that know no domain at all.
const PURE: &[&str] = &[
    "http",
    "db",
    "filter",
    "config.rs",
    "email.rs",
    "mail.rs",
    "metrics.rs",
    "text.rs",
    "instant.rs",
];

/// Mechanisms that know who calls (`app` and `access` know each other), and no other domain.
const WITH_CALLER: &[&str] = &["app", "ledger", "jobs", "operations", "import", "system"];

/// What stands at the top and is known by nobody but the others there.
const TOP: &[&str] = &["cli", "server", "contract"];

/// Modules that mention what stands at the top, each with its reason.
const EXCUSED: &[(&str, &str)] = &[];

fn may_know(folder: &str, other: &str) -> bool {
    let place = |name: &str| DOMAINS.iter().position(|domain| *domain == name);
    let is_top = TOP.contains(&folder.trim_end_matches(".rs")) || matches!(folder, "main.rs" | "lib.rs");
    if is_top {
        return true;
    }
    if TOP.contains(&other) {
        return false;
    }
    let Some(other_place) = place(other) else {
        return true;
    };
    if PURE.contains(&folder) {
        return false;
    }
    if WITH_CALLER.contains(&folder) {
        return other == "access";
    }
    match place(folder) {
        Some(own_place) => other_place <= own_place,
        // A folder that is in no list (notify) listens, and may know all.
        None => true,
    }
}

#[test]
fn imports_between_folders_keep_to_the_rule() {
    let mut faults = BTreeSet::new();
    for (file, text) in sources() {
        let folder = file
            .trim_start_matches("src/")
            .split('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        for other in mentioned(&text) {
            let excused = EXCUSED.contains(&(file.as_str(), other.as_str()));
            if other != folder && !may_know(&folder, &other) && !excused {
                faults.insert(format!("{file} knows crate::{other}"));
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
