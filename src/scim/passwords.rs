//! What a password is to SCIM, and bodies without them. People sign in by their provider or set a password here, so that
//! those which clients send are taken out of a body as it comes in ([`super::call::ScimBody`]): nothing behind it can
//! keep, answer, record or log what it never had.

use serde_json::{Map, Value};

/// The members of a request that hold its content: they stay, even empty, so that the rest is read as usual.
const FRAMES: &[&str] = &["Operations", "data"];

/// A body without its passwords, under whatever name they are in it. What holds nothing else goes with them: an attribute
/// that is emptied of its password is not one to be emptied.
pub fn without_passwords(body: Value) -> Value {
    let empty = emptied(&body);
    strip(body).unwrap_or(empty)
}

fn strip(value: Value) -> Option<Value> {
    match value {
        Value::Object(members) if is_about_password(&members) => None,
        Value::Object(members) => strip_members(members).map(Value::Object),
        Value::Array(items) => {
            let was_empty = items.is_empty();
            let kept: Vec<_> = items.into_iter().filter_map(strip).collect();
            (was_empty || !kept.is_empty()).then_some(Value::Array(kept))
        }
        other => Some(other),
    }
}

fn strip_members(members: Map<String, Value>) -> Option<Map<String, Value>> {
    let was_empty = members.is_empty();
    let is_operation = has(&members, "op") || has(&members, "path");
    let mut kept = Map::new();
    for (name, value) in members {
        if is_password(&name) {
            continue;
        }
        let empty = emptied(&value);
        match strip(value) {
            Some(value) => {
                kept.insert(name, value);
            }
            None if FRAMES.iter().any(|frame| name.eq_ignore_ascii_case(frame)) => {
                kept.insert(name, empty);
            }
            // Without its value a replacement would take away what it is about.
            None if is_operation && name.eq_ignore_ascii_case("value") => return None,
            None => {}
        }
    }
    (was_empty || !kept.is_empty()).then_some(kept)
}

/// Whether it is an operation of a PATCH whose path leads to a password.
fn is_about_password(members: &Map<String, Value>) -> bool {
    let leads_there = |(name, value): (&String, &Value)| {
        name.eq_ignore_ascii_case("path") && value.as_str().is_some_and(is_password)
    };
    members.iter().any(leads_there) && (has(members, "op") || has(members, "value"))
}

/// Whether the name of an attribute, or a path, speaks of a password: by itself, after a URN, as a part, or in a filter,
/// in any case. Texts in quotes are values and no names.
fn is_password(name: &str) -> bool {
    let is_named = |text: &str| {
        let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
        words.any(|word| word.eq_ignore_ascii_case("password"))
    };
    name.split('"').step_by(2).any(is_named)
}

fn has(members: &Map<String, Value>, wanted: &str) -> bool {
    members.keys().any(|name| name.eq_ignore_ascii_case(wanted))
}

fn emptied(value: &Value) -> Value {
    match value {
        Value::Array(_) => Value::Array(Vec::new()),
        _ => Value::Object(Map::new()),
    }
}
