//! What an event changed, member by member.

use provost::report::events::{changes::between, model::FieldChange};
use serde_json::{Value, json};

#[test]
fn members_that_differ_are_named_by_their_paths() {
    let before =
        json!({"name": "Ana", "same": [1], "tags": ["a"], "version": 1, "attributes": {"a/b": 1, "c": 2}});
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
