//! `attributes` and `excludedAttributes` (RFC 7644, section 3.9).

use serde_json::{Map, Value};

use super::schema::split_urn;

/// Which attributes an answer holds.
#[derive(Debug, Clone, Default)]
pub struct Projection {
    wanted: Vec<Name>,
    unwanted: Vec<Name>,
}

/// An attribute or a part of one, in lower case.
#[derive(Debug, Clone, PartialEq)]
struct Name {
    /// The members that lead to it; none for all of the resource's own schema.
    path: Vec<String>,
}

impl Name {
    fn read(text: &str) -> Self {
        let text = text.trim().to_ascii_lowercase();
        // A URN holds dots and colons of its own; what follows it names an attribute of that schema.
        let path = match split_urn(&text) {
            Some((urn, rest)) => {
                let own = (!urn.contains(":schemas:core:")).then_some(urn);
                let rest = rest.split('.').filter(|part| !part.is_empty());
                own.into_iter().chain(rest).map(str::to_owned).collect()
            }
            None if text.starts_with("urn:") => vec![text],
            None => text.split('.').map(str::to_owned).collect(),
        };
        Name { path }
    }
}

/// What is always answered.
const ALWAYS: &[&str] = &["schemas", "id"];

impl Projection {
    /// By the names that a request gives.
    pub fn new(attributes: &[String], excluded: &[String]) -> Self {
        let read = |names: &[String]| names.iter().map(|name| Name::read(name)).collect();
        Projection {
            wanted: read(attributes),
            unwanted: read(excluded),
        }
    }

    /// Whether an answer holds anything of the attribute `name`.
    pub fn holds(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let starts = |one: &Name| one.path.first().is_none_or(|first| *first == name);
        let is_whole = |one: &Name| one.path.len() == 1 && starts(one);
        (self.wanted.is_empty() || self.wanted.iter().any(starts)) && !self.unwanted.iter().any(is_whole)
    }

    /// What is answered of a resource.
    pub fn of(&self, resource: Value) -> Value {
        let Value::Object(members) = resource else {
            return resource;
        };
        let mut kept = if self.wanted.is_empty() {
            members
        } else {
            let wanted: Vec<&[String]> = self.wanted.iter().map(|name| name.path.as_slice()).collect();
            let mut kept = Map::new();
            for (name, value) in members {
                let is_own = !name.starts_with("urn:");
                if ALWAYS.contains(&name.as_str()) || (is_own && wanted.iter().any(|path| path.is_empty())) {
                    kept.insert(name, value);
                } else if let Some(value) = only(&name, value, &wanted) {
                    kept.insert(name, value);
                }
            }
            kept
        };
        for name in &self.unwanted {
            without(&mut kept, &name.path, true);
        }
        Value::Object(kept)
    }
}

/// The requested parts of the member `name`.
fn only(name: &str, value: Value, wanted: &[&[String]]) -> Option<Value> {
    let name = name.to_ascii_lowercase();
    let further: Vec<&[String]> = wanted
        .iter()
        .filter_map(|path| path.split_first())
        .filter(|(first, _)| **first == name)
        .map(|(_, rest)| rest)
        .collect();
    if further.is_empty() {
        return None;
    }
    if further.iter().any(|rest| rest.is_empty()) {
        return Some(value);
    }
    let parts = |value: Value| match value {
        Value::Object(members) => {
            let kept = members
                .into_iter()
                .filter_map(|(name, value)| Some((name.clone(), only(&name, value, &further)?)));
            Value::Object(kept.collect())
        }
        value => value,
    };
    Some(match value {
        Value::Array(items) => items.into_iter().map(parts).collect(),
        value => parts(value),
    })
}

fn without(members: &mut Map<String, Value>, path: &[String], is_top: bool) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let Some(name) = members
        .keys()
        .find(|name| name.eq_ignore_ascii_case(first))
        .cloned()
    else {
        return;
    };
    if rest.is_empty() {
        if !(is_top && ALWAYS.contains(&name.as_str())) {
            members.remove(&name);
        }
        return;
    }
    match members.get_mut(&name) {
        Some(Value::Object(inner)) => without(inner, rest, false),
        Some(Value::Array(items)) => {
            for inner in items.iter_mut().filter_map(Value::as_object_mut) {
                without(inner, rest, false);
            }
        }
        _ => {}
    }
}
