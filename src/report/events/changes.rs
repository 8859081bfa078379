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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_that_differ_are_named_by_their_paths() {
        let before = json!({"name": "Ana", "same": [1], "tags": ["a"], "version": 1, "attributes": {"a/b": 1, "c": 2}});
        let after = json!({"name": "Eva", "same": [1], "tags": [], "version": 2, "attributes": {"a/b": 2, "c": 2}, "new": true});
        let change = |field: &str, before: Value, after: Value| FieldChange {
            field: field.to_owned(),
            before,
            after,
        };
        assert_eq!(
            between(Some(&before), Some(&after)),
            [
                change("attributes/a~1b", json!(1), json!(2)),
                change("name", json!("Ana"), json!("Eva")),
                change("new", json!(null), json!(true)),
                change("tags", json!(["a"]), json!([])),
            ]
        );
        assert_eq!(between(None, Some(&after)), []);
        assert_eq!(between(Some(&before), Some(&before)), []);
    }
}
