//! One row on its way from its cells to its key, its fields as JSON, and what is wrong with it.

use diesel::Insertable;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{
    mapping::ReferenceBy,
    read::{Issue, Named, Severity},
    record::Record,
    step::{self, Fault},
    target::{Empty, Field},
    value::{Cells, Value},
};
use crate::{db::schema::import_rows, text::fold};

/// A row of `import_rows`.
#[derive(Insertable)]
#[diesel(table_name = import_rows)]
#[diesel(treat_none_as_default_value = false)]
pub(super) struct NewRow {
    import_id: Uuid,
    line: i64,
    new_id: Option<Uuid>,
    key: Option<String>,
    fields: Json,
    folded: Json,
    refs: Json,
    action: Option<&'static str>,
    changes: Json,
    issues: Json,
}

const LONGEST_KEY: usize = 200;
const LONGEST_NAME: usize = 200;
const LONGEST_CODE: usize = 100;
/// What is left of a code for the number that a taken one gets.
const LONGEST_BASE: usize = 90;

/// A row that is being read.
#[derive(Default)]
pub(super) struct Reading {
    fields: Map<String, Json>,
    /// Those by which things are found.
    identifiers: Vec<String>,
    issues: Vec<Issue>,
}

impl Reading {
    pub(super) fn note(
        &mut self,
        column: Option<&str>,
        field: Option<&str>,
        fault: Fault,
        severity: Severity,
    ) {
        self.issues.push(Issue {
            column: column.map(str::to_owned),
            field: field.map(str::to_owned),
            code: fault.code.to_owned(),
            detail: fault.detail,
            severity,
        });
    }

    pub(super) fn refuse(&mut self, column: Option<&str>, field: Option<&str>, fault: Fault) {
        self.note(column, field, fault, Severity::Error);
    }

    pub(super) fn key(&mut self, value: &Value, cells: &Cells) -> Option<String> {
        let column = value.columns.as_deref();
        let fault = match value.text(cells) {
            Ok(Some(key)) if key.chars().count() <= LONGEST_KEY => return Some(key),
            Ok(Some(_)) => long_key(),
            Ok(None) => Fault::new("no_key", "the key is empty, so nobody can tell whose row this is"),
            Err(fault) => fault,
        };
        self.refuse(column, Some("key"), fault);
        None
    }

    pub(super) fn field(&mut self, field: &Field, value: &Value, cells: &Cells) {
        let dates = value.dates(cells);
        let read = if field.kind.is_list() {
            value.list(cells).and_then(|items| {
                let mut values = Vec::new();
                for item in &items {
                    let item = field.kind.read(item, dates)?;
                    if !values.contains(&item) {
                        values.push(item);
                    }
                }
                values.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                Ok(Some(Json::Array(values)))
            })
        } else {
            value
                .text(cells)
                .and_then(|text| text.map(|text| field.kind.read(&text, dates)).transpose())
        };
        let column = value.columns.as_deref();
        self.note_identifier(field);
        match (read, field.empty) {
            (Ok(Some(json)), _) => {
                self.fields.insert(field.name.to_string(), json);
            }
            (Ok(None), Empty::Null) => {
                self.fields.insert(field.name.to_string(), Json::Null);
            }
            (Ok(None), Empty::Blank) => {
                self.fields.insert(field.name.to_string(), json!(""));
            }
            (Ok(None), Empty::Left) => {}
            (Ok(None), Empty::Refused) => {
                self.refuse(
                    column,
                    Some(&field.name),
                    Fault::new("required", "must not be empty"),
                );
            }
            (Err(fault), _) => self.refuse(column, Some(&field.name), fault),
        }
    }

    pub(super) fn reference(&mut self, named: &Named, cells: &Cells) {
        let (name, from) = (named.name, named.from);
        let column = named.value.columns.as_deref();
        let levels = match named.value.list(cells) {
            Ok(levels) => levels,
            Err(fault) => return self.refuse(column, Some(name), fault),
        };
        let levels: Vec<_> = levels
            .into_iter()
            .filter(|level| !from.ignore.contains(level))
            .collect();
        let json = match (named.is_path, levels.first()) {
            (_, None) => Json::Null,
            (false, Some(text)) if from.by == ReferenceBy::Key && text.chars().count() > LONGEST_KEY => {
                return self.refuse(column, Some(name), long_key());
            }
            (false, Some(text)) => json!(text),
            (true, Some(_)) => match path(named, &levels) {
                Ok(path) => path,
                Err(fault) => return self.refuse(column, Some(name), fault),
            },
        };
        if !json.is_null() {
            named
                .made
                .iter()
                .for_each(|(field, value)| self.made(field, value, cells));
        }
        self.identifiers.push(name.to_owned());
        self.fields.insert(name.to_owned(), json);
    }

    fn note_identifier(&mut self, field: &Field) {
        if field.kind.is_identifier() {
            self.identifiers.push(field.name.to_string());
        }
    }

    /// The key forms of what things are found by.
    fn folded(&self) -> Json {
        let named = self.identifiers.iter().filter_map(|name| {
            let value = self.fields.get(name)?;
            Some((format!("{name}_folded"), fold_all(value)))
        });
        Json::Object(named.collect())
    }

    /// What cannot be used of one who may have to be made is left out: it is not the row's own.
    fn made(&mut self, field: &Field, value: &Value, cells: &Cells) {
        let dates = value.dates(cells);
        let text = value.text(cells);
        match text.and_then(|text| text.map(|text| field.kind.read(&text, dates)).transpose()) {
            Ok(Some(json)) => {
                self.note_identifier(field);
                self.fields.insert(field.name.to_string(), json);
            }
            Ok(None) => {}
            Err(fault) => {
                let column = value.columns.as_deref();
                self.note(column, Some(&field.name), fault, Severity::Warning);
            }
        }
    }

    pub(super) fn into_record(self) -> Record {
        Record {
            fields: self.fields,
            issues: self.issues,
        }
    }

    pub(super) fn into_row(self, import: Uuid, line: i64, key: Option<String>) -> NewRow {
        let refused = self.issues.iter().any(|issue| issue.severity == Severity::Error);
        let blank = self.issues.iter().any(|issue| issue.code == "blank_row");
        NewRow {
            import_id: import,
            line,
            new_id: Some(Uuid::now_v7()),
            key,
            folded: self.folded(),
            fields: Json::Object(self.fields),
            refs: json!({}),
            action: match (refused, blank) {
                (true, _) => Some("refuse"),
                (_, true) => Some("skip"),
                _ => None,
            },
            changes: json!({}),
            issues: json!(self.issues),
        }
    }
}

/// The key forms of all texts in `value`.
fn fold_all(value: &Json) -> Json {
    match value {
        Json::String(text) => fold(text).into(),
        Json::Array(items) => items.iter().map(fold_all).collect(),
        Json::Object(members) => {
            let members = members.iter();
            Json::Object(
                members
                    .map(|(name, value)| (name.clone(), fold_all(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

fn long_key() -> Fault {
    Fault::new(
        "too_long",
        format!("the key has more than {LONGEST_KEY} characters"),
    )
}

/// The levels with their codes. Where they are found by their names, what a level is called is its key, and its code is made
/// of all names down to it; one that is new has that code if nothing else has.
fn path(named: &Named, levels: &[String]) -> Result<Json, Fault> {
    let fault =
        |level: &str, detail: &str| Fault::new("not_valid", format!("\"{}\" {detail}", step::shown(level)));
    if named.from.by == ReferenceBy::Code {
        let level = |level: &String| match level.chars().count() <= LONGEST_CODE {
            true => Ok(json!({ "code": level, "name": level })),
            false => Err(fault(level, "is longer than 100 characters")),
        };
        return levels.iter().map(level).collect();
    }
    // What is no tree has the whole path as its name.
    let joined;
    let levels = match named.is_tree {
        true => levels,
        false => {
            joined = [levels.join(" / ")];
            &joined
        }
    };
    let mut words: Vec<String> = Vec::new();
    let mut path = Vec::new();
    for level in levels {
        if level.chars().count() > LONGEST_NAME {
            return Err(fault(level, "is longer than 200 characters"));
        }
        let own = fold(&step::slug(level));
        words.extend((!own.is_empty()).then_some(own));
        let code: String = words.join("-").chars().take(LONGEST_BASE).collect();
        let code = match code.trim_end_matches('-') {
            // Its name has neither letters nor digits.
            "" => named.name.replace('_', "-"),
            code => code.to_owned(),
        };
        path.push(json!({ "code": code, "name": level, "key": fold(level) }));
    }
    Ok(Json::Array(path))
}
