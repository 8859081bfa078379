//! JSON as it is read.

use proptest::prelude::*;
use provost::{http::json::Strict, text::normalize};
use serde_json::{Value, json};

#[test]
fn a_name_that_repeats_is_refused_however_deep() {
    for text in [r#"{"a": 1, "a": 1}"#, r#"[{"b": {"a": 1, "\u0061": 2}}]"#] {
        let error = serde_json::from_str::<Strict>(text).unwrap_err();
        assert!(error.to_string().contains(r#"the name "a" twice"#), "{error}");
    }
    assert!(serde_json::from_str::<Strict>("{\"\u{e9}\": 1, \"e\u{301}\": 1}").is_err());
}

fn nfc() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| normalize(&text).into_owned())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        nfc().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(nfc(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn all_other_json_is_read_as_ever(value in any_json()) {
        let text = value.to_string();
        let Strict(read) = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read, serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn text_is_read_in_nfc(text in any::<String>()) {
        let Strict(read) = serde_json::from_str(&Value::from(text.as_str()).to_string()).unwrap();
        prop_assert_eq!(read, Value::from(normalize(&text)));
    }
}
