//! Bodies that do not fit their schema, made to fit it: what is faulty is left out or, where something must stand, takes
//! any value that may. So the rest can be looked at, and everything that is wrong is told at once. Nothing that was
//! repaired is ever written: see [`super::body::BodyFaults`].

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::text;

/// Mends `value` at `pointer`; `document` holds its schema at `$ref` and the schemas that this names.
pub fn mend(document: &Value, value: &mut Value, pointer: &str) {
    let Some((parent_pointer, name)) = pointer.rsplit_once('/') else {
        return;
    };
    let Some(parent_schema) = schema_at(document, value, parent_pointer) else {
        return;
    };
    let name = unescape(name);
    let example =
        || member(document, parent_schema, &name).map_or(Value::Null, |schema| example(document, schema));
    match value.pointer_mut(parent_pointer) {
        Some(Value::Object(members)) if is_required(parent_schema, &name) => {
            members.insert(name.clone(), example());
        }
        Some(Value::Object(members)) => {
            members.remove(&name);
        }
        Some(Value::Array(items)) => {
            if let Some(item) = name.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                *item = example();
            }
        }
        _ => {}
    }
}

/// Takes the outer spaces of every text of one line, where `schema` says that it is one.
pub fn trim_lines(document: &Value, schema: &Value, value: &mut Value) {
    let schema = form(document, schema, value);
    match value {
        Value::String(line)
            if [text::ONE_LINE, text::NAME]
                .iter()
                .any(|one| schema["pattern"] == *one) =>
        {
            *line = text::trim(line).to_owned();
        }
        Value::Array(items) => {
            for item in items {
                if let Some(schema) = member(document, schema, "") {
                    trim_lines(document, schema, item);
                }
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                if let Some(schema) = member(document, schema, name) {
                    trim_lines(document, schema, value);
                }
            }
        }
        _ => {}
    }
}

fn unescape(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

/// The schema of what stands at `pointer`.
fn schema_at<'a>(document: &'a Value, value: &Value, pointer: &str) -> Option<&'a Value> {
    let mut at = value;
    let mut schema = form(document, document, at);
    for name in pointer.split('/').skip(1) {
        let name = unescape(name);
        at = match at {
            Value::Array(items) => items.get(name.parse::<usize>().ok()?)?,
            other => other.get(&name)?,
        };
        schema = form(document, member(document, schema, &name)?, at);
    }
    Some(schema)
}

/// The schema behind references, and of several forms the one that `value` is meant to have.
fn form<'a>(document: &'a Value, schema: &'a Value, value: &Value) -> &'a Value {
    let mut schema = schema;
    loop {
        let next = match (schema["$ref"].as_str(), forms(schema)) {
            (Some(reference), _) => document.pointer(reference.trim_start_matches('#')),
            (None, Some(forms)) => {
                let mut some = forms.iter().filter(|form| form["type"] != "null");
                let first = some.clone().next();
                some.find(|form| has_constants(self::form(document, form, value), value))
                    .or(first)
            }
            (None, None) => None,
        };
        match next {
            Some(next) => schema = next,
            None => return schema,
        }
    }
}

fn forms(schema: &Value) -> Option<&Vec<Value>> {
    ["oneOf", "anyOf"]
        .iter()
        .find_map(|name| schema[*name].as_array())
}

/// Whether `value` has the one word of each member that may have only one.
fn has_constants(schema: &Value, value: &Value) -> bool {
    let constants = schema["properties"].as_object().into_iter().flatten();
    constants
        .filter_map(|(name, schema)| match schema["enum"].as_array()?.as_slice() {
            [only] => Some((name, only)),
            _ => None,
        })
        .all(|(name, only)| value.get(name) == Some(only))
}

/// The schema of a member or item.
fn member<'a>(document: &'a Value, schema: &'a Value, name: &str) -> Option<&'a Value> {
    let parts = schema["allOf"].as_array().into_iter().flatten();
    schema["properties"]
        .get(name)
        .or_else(|| schema.get("items"))
        .or_else(|| schema.get("additionalProperties").filter(|rest| rest.is_object()))
        .or_else(|| {
            parts
                .into_iter()
                .find_map(|part| member(document, form(document, part, &Value::Null), name))
        })
}

fn is_required(schema: &Value, name: &str) -> bool {
    let names = schema["required"].as_array();
    names.is_some_and(|names| names.iter().any(|required| required == name))
}

/// Some value of the schema.
fn example(document: &Value, schema: &Value) -> Value {
    let schema = form(document, schema, &Value::Null);
    if let Some(first) = schema["enum"].as_array().and_then(|words| words.first()) {
        return first.clone();
    }
    if let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)) {
        return example.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().unwrap_or(&Value::Null),
        kind => kind,
    };
    match (kind.as_str(), schema["format"].as_str()) {
        (Some("string"), Some("uuid")) => json!(Uuid::now_v7()),
        (Some("string"), Some("date")) => json!("2000-01-01"),
        (Some("string"), Some("date-time")) => json!("2000-01-01T00:00:00Z"),
        (Some("string"), _) => json!(format!("x{}", Uuid::now_v7().simple())),
        (Some("integer" | "number"), _) => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        (Some("boolean"), _) => json!(false),
        (Some("array"), _) => json!([]),
        (Some("object"), _) => {
            let required = schema["required"].as_array().into_iter().flatten();
            let members = required.filter_map(|name| {
                let name = name.as_str()?;
                Some((
                    name.to_owned(),
                    example(document, member(document, schema, name)?),
                ))
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}
