//! The document is whole.

use std::collections::{BTreeMap, BTreeSet};

use provost::{authz::Permission, contract};
use serde_json::Value;

use super::{
    operations::{self, resolve},
    routes::sources,
};

/// The committed document is the code's. `make openapi` writes it.
#[test]
fn the_committed_document_is_the_codes() {
    let committed = std::fs::read_to_string("openapi/provost.json").unwrap_or_default();
    assert!(
        committed == contract::text(),
        "openapi/provost.json is stale: run `make openapi`"
    );
}

/// Who may call without a permission.
const OTHER_CALLERS: &[&str] = &["any caller"];

#[test]
fn every_operation_has_an_id_a_summary_a_tag_and_its_permission() {
    let mut faults = Vec::new();
    let mut ids = BTreeSet::new();
    for operation in operations::all() {
        let at = format!("{} {}", operation.method, operation.path);
        if operation.id.is_empty() || !ids.insert(operation.id.clone()) {
            faults.push(format!(
                "{at}: the operation id {:?} is missing or taken",
                operation.id
            ));
        }
        if operation.value["summary"].as_str().unwrap_or_default().is_empty() {
            faults.push(format!("{at}: no summary"));
        }
        if operation.value["tags"]
            .as_array()
            .is_none_or(|tags| tags.len() != 1)
        {
            faults.push(format!("{at}: not exactly one tag"));
        }
        let permission = operation.permission();
        let known = Permission::from_name(permission).is_some() || OTHER_CALLERS.contains(&permission);
        if (operation.path.starts_with("/v1/") || operation.is_scim()) && !known {
            faults.push(format!("{at}: x-permission is {permission:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Fault 21.
#[test]
fn every_tag_is_declared_with_a_description_and_used() {
    let document = operations::document();
    let declared: BTreeMap<_, _> = document["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|tag| {
            let text = |key: &str| tag[key].as_str().unwrap_or_default().to_owned();
            (text("name"), text("description"))
        })
        .collect();
    let used: BTreeSet<_> = operations::all()
        .iter()
        .filter_map(|operation| operation.value["tags"][0].as_str().map(str::to_owned))
        .collect();

    assert_eq!(used, declared.keys().cloned().collect());
    for (tag, description) in declared {
        assert!(description.ends_with('.'), "{tag} is not described");
    }
}

/// Fault 17: whatever answers CSV takes the same parameters for it.
#[test]
fn every_csv_can_have_a_byte_order_mark() {
    let mut csvs = 0;
    for operation in operations::all() {
        let answers_csv = !operation.value["responses"]["200"]["content"]["text/csv"].is_null();
        let parameters = operation.value["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for name in ["format", "bom"] {
            let takes = parameters.iter().any(|parameter| parameter["name"] == name);
            assert_eq!(takes, answers_csv, "{}: {name}", operation.id);
        }
        csvs += usize::from(answers_csv);
    }
    assert!(csvs >= 3);
}

#[test]
fn no_reference_dangles() {
    let document = operations::document();
    for reference in references(document) {
        assert!(
            document.pointer(reference.trim_start_matches('#')).is_some(),
            "{reference} names nothing"
        );
    }
}

fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).map(str::to_owned);
            members.values().flat_map(references).chain(own).collect()
        }
        _ => BTreeSet::new(),
    }
}

#[test]
fn unknown_members_of_bodies_are_refused() {
    let document = operations::document();
    let mut seen = BTreeSet::new();
    let mut open = Vec::new();
    for operation in operations::all() {
        if let Some(schema) = operation.json_body() {
            find_open(document, schema, &operation.id, &mut seen, &mut open);
        }
    }
    assert!(
        open.is_empty(),
        "these take unknown members; deny_unknown_fields:\n{}",
        open.join("\n")
    );
}

fn find_open(
    document: &Value,
    schema: &Value,
    name: &str,
    seen: &mut BTreeSet<String>,
    open: &mut Vec<String>,
) {
    if let Some(reference) = schema["$ref"].as_str() {
        if seen.insert(reference.to_owned()) {
            find_open(document, resolve(document, schema), reference, seen, open);
        }
        return;
    }
    if schema["properties"].is_object() && schema["additionalProperties"] != false {
        open.push(name.to_owned());
    }
    let members = schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(|members| members.values());
    let variants = ["oneOf", "anyOf"]
        .iter()
        .filter_map(|key| schema[*key].as_array())
        .flatten();
    for part in members.chain(variants).chain(schema.get("items")) {
        find_open(document, part, name, seen, open);
    }
}

/// Two types of one name would overwrite each other in the document without a word.
#[test]
fn schema_names_are_unique() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in sources() {
        for name in schema_types(&text) {
            places.entry(name).or_default().push(file.clone());
        }
    }
    places.retain(|_, files| files.len() > 1);
    assert!(places.is_empty(), "types of one name: {places:#?}");
}

/// The types of a source file that have a schema.
fn schema_types(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut derives, mut in_enum) = (false, false);
    for line in text.lines().map(str::trim) {
        derives |= line.contains("ToSchema") && !line.starts_with("use ") && !line.contains("impl");
        in_enum |= line.starts_with("text_enum! {") || line.starts_with("crate::text_enum! {");
        let words: Vec<_> = line.split_whitespace().collect();
        let at = words.iter().position(|word| matches!(*word, "struct" | "enum"));
        let declared = at
            .and_then(|at| words.get(at + 1))
            .filter(|_| derives && !line.starts_with("//"));
        let word = words
            .first()
            .filter(|_| in_enum && line.ends_with('{') && words.len() == 2 && !line.contains('!'));
        if let Some(name) = declared.or(word) {
            names.push(name.trim_end_matches(|c: char| !c.is_alphanumeric()).to_owned());
            (derives, in_enum) = (false, false);
        }
    }
    names
}
