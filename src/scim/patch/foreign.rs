//! PATCH of schemas that nobody knows here, such as Microsoft's `urn:…:CustomExtensionName:2.0:User`: their members are
//! kept as clients say them.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{PatchBudget, Verb, apply::names_nothing};
use crate::{
    http::{ApiError, ApiResult, Code},
    scim::schema::{Resource, ResourceType, attribute::refuse_too_many, split_urn},
};

/// A schema that nobody knows here, a member of it, or a part of that.
#[derive(Debug, Clone)]
pub struct Foreign {
    /// The names that lead there. The first is the URN; it is left out before members of the resource itself.
    names: Vec<String>,
}

impl Foreign {
    /// Reads a path after a URN.
    pub fn read(resource_type: &ResourceType, text: &str) -> Option<Self> {
        let is_of_scim = starts_with(text, "urn:ietf:params:scim:")
            && !starts_with(text, "urn:ietf:params:scim:schemas:extension:")
            && !starts_with(text, resource_type.core.urn);
        if text.contains('[') || text.ends_with(':') || is_of_scim {
            return None;
        }
        let (urn, rest) = split_urn(text)?;
        let members: Vec<&str> = match rest {
            "" => Vec::new(),
            rest if rest.contains(':') => return None,
            rest => rest.split('.').collect(),
        };
        if members.len() > 2 || members.iter().any(|name| name.is_empty()) {
            return None;
        }
        let urn = match resource_type.extension(urn) {
            Some(known) => Some(known.urn.to_owned()),
            None => (!resource_type.is_core(urn)).then(|| urn.to_owned()),
        };
        let members = members.into_iter().map(str::to_owned);
        Some(Foreign {
            names: urn.into_iter().chain(members).collect(),
        })
    }

    /// Does an operation.
    pub fn apply(
        &self,
        resource: &mut Resource,
        verb: Verb,
        value: Value,
        budget: &mut PatchBudget,
    ) -> ApiResult<()> {
        if let [urn] = self.names.as_slice()
            && starts_with(urn, "urn:")
            && verb != Verb::Remove
            && !(value.is_object() || value.is_null())
        {
            return Err(ApiError::field(urn, "must be an object"));
        }
        change(resource, &self.names, verb, value, budget)
    }
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn change(
    members: &mut Resource,
    names: &[String],
    verb: Verb,
    value: Value,
    budget: &mut PatchBudget,
) -> ApiResult<()> {
    let Some((first, rest)) = names.split_first() else {
        return Ok(());
    };
    let known = members.keys().find(|name| name.eq_ignore_ascii_case(first));
    let name = known.unwrap_or(first).clone();
    if rest.is_empty() {
        return change_member(members, name, verb, value, budget);
    }
    if verb == Verb::Remove && !members.contains_key(&name) {
        return Ok(());
    }
    let Value::Object(inner) = members.entry(name.clone()).or_insert_with(|| json!({})) else {
        return Err(ApiError::new(
            Code::NoTarget,
            format!("{name} is no object, so that it has no {}.", rest.join(".")),
        ));
    };
    change(inner, rest, verb, value, budget)?;
    if inner.is_empty() {
        members.remove(&name);
    }
    Ok(())
}

fn change_member(
    members: &mut Resource,
    name: String,
    verb: Verb,
    value: Value,
    budget: &mut PatchBudget,
) -> ApiResult<()> {
    match (verb, members.get_mut(&name), value) {
        // A value names what goes, as in the schemas that are known; one that names nothing takes nothing away.
        (Verb::Remove, Some(Value::Array(known)), gone) if !gone.is_null() => {
            let gone = match &gone {
                Value::Array(gone) => gone.as_slice(),
                one => std::slice::from_ref(one),
            };
            let gone: HashSet<&Value> = gone.iter().collect();
            known.retain(|value| !gone.contains(value));
        }
        (Verb::Remove, Some(Value::Object(known)), Value::Object(gone)) => {
            for name in gone.keys() {
                known.retain(|part, _| !part.eq_ignore_ascii_case(name));
            }
            if known.is_empty() {
                members.remove(&name);
            }
        }
        (Verb::Remove, _, gone) if names_nothing(&gone) => {}
        (Verb::Remove, ..) | (_, _, Value::Null) => {
            members.remove(&name);
        }
        // Parts that are not named stay, as in the schemas that are known.
        (_, Some(Value::Object(known)), Value::Object(given)) => {
            for (part, value) in given {
                change(known, &[part], verb, value, budget)?;
            }
            if known.is_empty() {
                members.remove(&name);
            }
        }
        (Verb::Add, Some(Value::Array(known)), given) => {
            let given = match given {
                Value::Array(given) => given,
                one => vec![one],
            };
            refuse_too_many(&name, known.len().max(given.len()))?;
            budget.spend(given.len() * known.len().max(given.len()))?;
            for value in given {
                if !known.contains(&value) {
                    known.push(value);
                }
            }
            refuse_too_many(&name, known.len())?;
        }
        (_, _, value) => {
            members.insert(name, value);
        }
    }
    Ok(())
}
