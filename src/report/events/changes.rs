//! What differs between the payloads of an event.

use serde_json::{Map, Value};

use super::model::FieldChange;

/// Members that differ with every change.
const ALWAYS_DIFFERENT: &[&str] = &["version", "updated_at"];

/// The members that differ in the order of their names, those of objects within objects too; none where there is nothing to compare.
pub fn between(before: Option<&Value>, after: Option<&Value>) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    if let (Some(Value::Object(before)), Some(Value::Object(after))) = (before, after) {
        compare(before, after, "", &mut changes);
        changes.retain(|change| !ALWAYS_DIFFERENT.contains(&change.field.as_str()));
        changes.sort_by(|one, other| one.field.cmp(&other.field));
    }
    changes
}

fn compare(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    within: &str,
    changes: &mut Vec<FieldChange>,
) {
    let added = after.keys().filter(|name| !before.contains_key(*name));
    for name in before.keys().chain(added) {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        // As JSON Pointer (RFC 6901) escapes it.
        let field = format!("{within}{}", name.replace('~', "~0").replace('/', "~1"));
        match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                compare(old, new, &format!("{field}/"), changes);
            }
            _ => changes.push(FieldChange {
                field,
                before: old.cloned().unwrap_or_default(),
                after: new.cloned().unwrap_or_default(),
            }),
        }
    }
}
