//! What the schemas lack as utoipa makes them, and which bodies may be left out: for the document and for the check of
//! bodies alike. And lines, as schemas tell them: their outer spaces go.

use serde_json::{Value, json};

use super::formats;
use crate::text;

/// How files are read: these texts are compared with what stands in a file, so they are taken as they are.
const VERBATIM: &[&str] = &[
    "CsvFormat",
    "ImportMapping",
    "KeyMapping",
    "PartMapping",
    "ReferenceMapping",
    "ImportStep",
    "ValueMapping",
];

/// Completes the schema of the type called `name`. Each form of a union has a name of its own, which generated clients
/// call its type by, and takes no unknown members, which utoipa says of structs only. Of texts that requests bring it
/// says what they may hold: see [`limit_texts`].
pub fn complete(name: &str, schema: &mut Value) {
    complete_forms(name, schema);
    let is_strict = |schema: &Value| schema["additionalProperties"] == false;
    let mut forms = schema["oneOf"].as_array().into_iter().flatten();
    let is_of_requests = is_strict(schema) || forms.any(is_strict);
    if is_of_requests && !VERBATIM.contains(&name) {
        limit_texts(schema);
    }
}

/// Gives every text its pattern, and integers of 32 bits their bounds. A text is one line, and one that must not be empty
/// shows something; the format `multiline` is for text of several lines, `verbatim` for what is given back as it came. Texts of other formats and
/// patterns have rules of their own.
fn limit_texts(schema: &mut Value) {
    let is_text = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "string"),
        kind => kind == "string",
    };
    if is_text {
        return limit_text(schema);
    }
    if schema["format"] == "int32" {
        limit_integer(schema);
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(limit_texts);
    }
    for name in ["items", "additionalProperties"] {
        schema.get_mut(name).into_iter().for_each(limit_texts);
    }
    for name in ["oneOf", "anyOf", "allOf"] {
        let forms = schema.get_mut(name).and_then(Value::as_array_mut);
        forms.into_iter().flatten().for_each(limit_texts);
    }
}

/// An integer of 32 bits holds no more than that.
fn limit_integer(schema: &mut Value) {
    for (bound, most) in [("minimum", i32::MIN), ("maximum", i32::MAX)] {
        if schema[bound].is_null() {
            schema[bound] = json!(most);
        }
    }
}

fn limit_text(schema: &mut Value) {
    let is_required = schema["minLength"].as_u64().is_some_and(|least| least > 0);
    let pattern = match (schema["format"].as_str(), schema["pattern"].as_str()) {
        (None, None) if !schema["enum"].is_null() || !schema["const"].is_null() => return,
        (None, None) if is_required => text::NAME,
        (None, None) => text::ONE_LINE,
        (None, Some(r"\S")) => text::NAME,
        (None, Some(r"^\S+$")) => text::WORD,
        (Some(format), None) if formats::OF_LINES.contains(&format) => text::ONE_LINE,
        (Some("multiline"), _) if is_required => text::VISIBLE_LINES,
        (Some("multiline"), _) => text::LINES,
        (Some("verbatim"), _) => "",
        _ => return,
    };
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    if matches!(
        members.get("format").and_then(Value::as_str),
        Some("multiline" | "verbatim")
    ) {
        members.remove("format");
    }
    if !pattern.is_empty() {
        members.insert("pattern".into(), pattern.into());
    }
    if pattern == text::WORD {
        members.insert("format".into(), formats::WORD.into());
    }
}

fn complete_forms(name: &str, schema: &mut Value) {
    let forms = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    for form in forms.into_iter().flatten() {
        if let Some(word) = constant(form) {
            let parts = word.split('_').map(capitalized);
            form["title"] = json!(format!("{name}{}", parts.collect::<String>()));
        }
        if form["properties"].is_object() {
            form["additionalProperties"] = json!(false);
        }
    }
}

/// Whether a body of this schema may be left out: an object all of whose members may be left out.
pub fn is_optional_body(schema: &Value) -> bool {
    let needs_none = |word: &str| schema[word].as_array().is_none_or(|members| members.is_empty());
    schema["type"] == "object"
        && schema["minProperties"].as_u64().unwrap_or_default() == 0
        && ["required", "oneOf", "anyOf", "allOf"]
            .into_iter()
            .all(needs_none)
}

/// The word that tells a form from the others.
fn constant(form: &Value) -> Option<String> {
    let properties = form.get("properties").and_then(Value::as_object);
    let mut properties = properties.into_iter().flat_map(|properties| properties.values());
    properties.find_map(|property| match property["enum"].as_array().map(Vec::as_slice) {
        Some([Value::String(word)]) => Some(word.clone()),
        _ => None,
    })
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
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
