//! What the declaration of a kind of event says of its payload.

use provost::ledger::EventKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

#[derive(Serialize, Deserialize, ToSchema)]
struct Thing {
    name: String,
    #[serde(default)]
    tags: Vec<Option<f64>>,
}

const RENAMED: EventKind =
    EventKind::new("thing.renamed", "thing", "The thing was renamed.").after::<Thing>();

#[test]
fn a_payload_has_the_members_of_its_type_and_no_others() {
    let check = |after: Value| RENAMED.check(None, Some(&after)).err().unwrap_or_default();

    assert_eq!(check(json!({"name": "a", "tags": [1, null]})), "");
    assert_eq!(check(json!({"name": "a"})), "after/tags is missing");
    assert_eq!(
        check(json!({"name": "a", "tags": [], "search": "a"})),
        "after/search is not declared"
    );
    assert!(check(json!({"tags": []})).starts_with("after is no Thing: missing field `name`"));
    assert!(check(json!({"name": 1, "tags": []})).starts_with("after is no Thing: invalid type"));
    assert_eq!(RENAMED.check(None, None), Err("after is missing".to_owned()));
    let both = RENAMED.check(Some(&json!({})), None);
    assert_eq!(both, Err("before is not declared".to_owned()));
}
