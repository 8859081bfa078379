//! Faults of texts are told in words.

use std::collections::BTreeSet;

use provost::http::schema;
use serde_json::{Value, json};

use super::operations;

fn patterns(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            found.extend(schema["pattern"].as_str().map(str::to_owned));
            members.values().for_each(|member| patterns(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| patterns(item, found)),
        _ => {}
    }
}

#[test]
fn every_pattern_that_is_published_is_told_in_words() {
    let document = operations::document();
    let mut found = BTreeSet::new();
    patterns(document, &mut found);
    // The token endpoint reads a form and tells its faults as RFC 6749 has them.
    found.retain(|pattern| !pattern.contains("client_credentials"));
    assert!(found.len() > 20, "{found:?}");
    for pattern in found {
        let validator = schema::compile(&json!({"type": "string", "pattern": pattern})).unwrap();
        let mut unfit = ["\u{1}", "", "\n", "x".repeat(300).as_str()]
            .map(|text| schema::faults(&validator, &json!(text)));
        let faults = unfit.iter_mut().find(|faults| !faults.is_empty());
        let told = &faults.unwrap_or_else(|| panic!("{pattern} takes every text"))[0].detail;
        assert!(!told.contains(&pattern), "{told}");
    }
}
