//! What the schemas of tagged unions lack as utoipa makes them, for the document and for the check of bodies alike.

use serde_json::{Value, json};

/// Completes the schema of the type called `name`, if it is a union: each of its forms has a name of its own, which generated
/// clients call its type by, and takes no unknown members, which utoipa says of structs only.
pub fn complete(name: &str, schema: &mut Value) {
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
