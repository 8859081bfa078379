//! Shapes that generators of clients for other languages cannot take. Fault 20.

use std::collections::BTreeSet;

use serde_json::Value;

use super::operations;

/// A type that a generator makes: a schema of the document, or a titled form of a union.
struct Model {
    name: String,
    schema: Value,
}

fn models() -> Vec<Model> {
    let document = operations::document();
    let mut models = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for form in subschemas(schema) {
            if let Some(title) = form["title"].as_str() {
                models.push(Model {
                    name: title.to_owned(),
                    schema: form.clone(),
                });
            }
        }
        models.push(Model {
            name: name.clone(),
            schema: schema.clone(),
        });
    }
    assert!(models.len() > 100);
    models
}

/// The schemas inside a schema, of which a property may be called `default` or `enum`.
fn subschemas(schema: &Value) -> Vec<&Value> {
    let named = ["properties", "$defs"]
        .iter()
        .filter_map(|key| schema[*key].as_object())
        .flat_map(|members| members.values());
    let listed = ["oneOf", "anyOf", "allOf"]
        .iter()
        .filter_map(|key| schema[*key].as_array())
        .flatten();
    let single = ["items", "additionalProperties"]
        .iter()
        .filter_map(|key| schema.get(*key))
        .filter(|one| one.is_object());
    let inner: Vec<_> = named.chain(listed).chain(single).collect();
    let deeper: Vec<_> = inner.iter().flat_map(|one| subschemas(one)).collect();
    inner.into_iter().chain(deeper).collect()
}

fn pascal_case(name: &str) -> String {
    name.split(|c: char| !c.is_alphanumeric())
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        })
        .collect()
}

fn has_enum(schema: &Value) -> bool {
    schema["enum"].is_array() || subschemas(schema).iter().any(|inner| inner["enum"].is_array())
}

/// Rust: a model and the enum of its property would be two definitions of one name.
#[test]
fn no_schema_is_named_like_the_enum_of_its_own_property() {
    for Model { name, schema } in models() {
        let schemas = [&schema].into_iter().chain(subschemas(&schema));
        for (property, inner) in schemas.filter_map(|one| one["properties"].as_object()).flatten() {
            assert!(
                pascal_case(property) != name || !has_enum(inner),
                "{name}.{property}: rename the schema"
            );
        }
    }
}

/// Go: `X` gets the functions `NewX` and `NewXWithDefaults`, and a type `NullableX`.
#[test]
fn no_schema_is_named_like_what_is_generated_for_another() {
    let names: BTreeSet<String> = models().into_iter().map(|model| model.name).collect();
    for name in &names {
        for generated in [
            format!("New{name}"),
            format!("New{name}WithDefaults"),
            format!("Nullable{name}"),
        ] {
            assert!(
                !names.contains(&generated),
                "{generated} beside {name}: rename it"
            );
        }
    }
}

/// Go and Java: a default that is or holds an object is printed as no code of theirs, or loses members.
#[test]
fn no_default_holds_an_object() {
    for Model { name, schema } in models() {
        for one in [&schema].into_iter().chain(subschemas(&schema)) {
            let default = &one["default"];
            let holds_object = default.is_object()
                || default
                    .as_array()
                    .is_some_and(|items| items.iter().any(|item| !item.is_string()));
            assert!(!holds_object, "{name}: describe the default {default} in words");
        }
    }
}

/// A generic type of ours is no name for a type of a client.
#[test]
fn no_schema_is_named_like_a_container() {
    for Model { name, .. } in models() {
        assert!(
            !["BTreeMap", "HashMap", "Vec", "Value"].contains(&name.as_str()),
            "{name}"
        );
    }
}
