//! One operation of a PATCH on a resource.

use serde_json::{Map, Value, json};

use super::{Operation, PatchBudget, Path, Target, Verb};
use crate::{
    filter::{Attribute as FilterAttribute, Facts, Filter, FilterClock, Kind, Schema as FilterSchema},
    http::{ApiError, ApiResult, Code},
    scim::schema::{
        Resource, Schema,
        attribute::{Attribute, below, clear_primary, find, is_primary, read_members, refuse_too_many},
    },
};

/// Marks a value that no client gave, until an operation gives it one. No client sends such a member: U+0000 is refused.
pub const UNSAID: &str = "\0unsaid";

/// Does it.
pub fn apply(resource: &mut Resource, operation: Operation, budget: &mut PatchBudget) -> ApiResult<()> {
    let Operation { verb, path, value } = operation;
    match path {
        Path::Extension(schema) => extension(resource, verb, schema, value),
        Path::Foreign(foreign) => foreign.apply(resource, verb, value, budget),
        Path::Attribute(target) => match target.extension {
            Some(schema) => in_extension(resource, schema, |members| {
                attribute(members, verb, &target, value, budget)
            }),
            None => attribute(resource, verb, &target, value, budget),
        },
    }
}

fn in_extension(
    resource: &mut Resource,
    schema: &Schema,
    f: impl FnOnce(&mut Resource) -> ApiResult<()>,
) -> ApiResult<()> {
    let members = resource.entry(schema.urn).or_insert_with(|| json!({}));
    match members {
        Value::Object(members) => f(members),
        _ => Err(ApiError::internal(format!("{} is no object", schema.urn))),
    }
}

fn extension(resource: &mut Resource, verb: Verb, schema: &Schema, value: Value) -> ApiResult<()> {
    match (verb, value) {
        (_, Value::Null) => {
            resource.remove(schema.urn);
            Ok(())
        }
        // A value names what goes.
        (Verb::Remove, value) => {
            let named = value.as_object().into_iter().flat_map(Map::keys);
            if let Some(Value::Object(members)) = resource.get_mut(schema.urn) {
                for name in named {
                    members.retain(|known, _| !known.eq_ignore_ascii_case(name));
                }
            }
            Ok(())
        }
        (_, Value::Object(given)) => in_extension(resource, schema, |members| {
            for (name, value) in given {
                // Null takes away, which reading would pass over.
                let known = find(schema.attributes, &name);
                match known {
                    Some(known) if known.is_read_only => {}
                    Some(known) => set(members, known, value)?,
                    None => {
                        members.insert(name, value);
                    }
                }
            }
            Ok(())
        }),
        _ => Err(ApiError::field(schema.urn, "must be an object")),
    }
}

fn attribute(
    members: &mut Resource,
    verb: Verb,
    target: &Target,
    value: Value,
    budget: &mut PatchBudget,
) -> ApiResult<()> {
    let attribute = target.attribute;
    match (&target.filter, target.part, verb) {
        (Some(filter), ..) => values(members, verb, target, filter, value, budget),
        (None, Some(part), _) if attribute.is_multi_valued => {
            every(members, verb, (attribute, part), value, budget)
        }
        (None, Some(part), Verb::Remove) => {
            if let Some(Value::Object(parts)) = members.get_mut(attribute.name) {
                parts.remove(part.name);
            }
            Ok(())
        }
        (None, Some(part), _) => {
            let whole = members.entry(attribute.name).or_insert_with(|| json!({}));
            match whole {
                Value::Object(parts) => set(parts, part, value).map_err(|error| below(attribute.name, error)),
                _ => Err(ApiError::internal(format!("{} is no object", attribute.name))),
            }
        }
        (None, None, Verb::Remove) => remove(members, attribute, value, budget),
        (None, None, Verb::Add) if attribute.is_multi_valued => add(members, attribute, value, budget),
        (None, None, _) if attribute.parts().is_empty() || attribute.is_multi_valued => {
            set(members, attribute, value)
        }
        // Parts that are not named stay (RFC 7644, section 3.5.2.3).
        (None, None, _) => match (
            members.get_mut(attribute.name),
            attribute.read(attribute.unfold(value))?,
        ) {
            (Some(Value::Object(known)), Some(Value::Object(given))) => {
                known.extend(given);
                Ok(())
            }
            (_, Some(given)) => {
                members.insert(attribute.name.to_owned(), given);
                Ok(())
            }
            (_, None) => {
                members.remove(attribute.name);
                Ok(())
            }
        },
    }
}

/// Gives an attribute a value, or takes it away where the value says that there is none.
fn set(members: &mut Resource, attribute: &Attribute, value: Value) -> ApiResult<()> {
    match attribute.read(attribute.unfold(value))? {
        Some(value) => members.insert(attribute.name.to_owned(), value),
        None => members.remove(attribute.name),
    };
    Ok(())
}

/// Takes an attribute away. A value names what goes: values of many, or parts of an object; one that names nothing takes
/// nothing away.
fn remove(
    members: &mut Resource,
    attribute: &Attribute,
    value: Value,
    budget: &mut PatchBudget,
) -> ApiResult<()> {
    match (attribute.is_multi_valued, value) {
        (true, value) if !value.is_null() => {
            let named = attribute.read(attribute.unfold(value))?;
            let (Some(Value::Array(named)), Some(Value::Array(known))) =
                (named, members.get_mut(attribute.name))
            else {
                return Ok(());
            };
            budget.spend(named.len() * known.len())?;
            known.retain(|value| !named.iter().any(|named| names(named, value)));
        }
        (false, value) if !attribute.parts().is_empty() && names_nothing(&value) => {}
        (false, Value::Object(named)) => {
            if let Some(Value::Object(parts)) = members.get_mut(attribute.name) {
                let known = named.keys().filter_map(|name| attribute.part(name));
                known.for_each(|part| drop(parts.remove(part.name)));
            }
        }
        _ => drop(members.remove(attribute.name)),
    }
    Ok(())
}

/// Whether the value of a `remove` is there and names nothing: `""`, `[]`, `{}`, or a list of such.
pub(super) fn names_nothing(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(|item| item.is_null() || names_nothing(item)),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Whether what is to go names this value: the same value, or all the parts that are told where no value is.
fn names(named: &Value, value: &Value) -> bool {
    match named.as_object() {
        Some(parts) if !parts.contains_key("value") => {
            parts.iter().all(|(name, part)| value.get(name) == Some(part))
        }
        _ => same(named, value),
    }
}

/// Adds values to those that are there: one that is there already is brought up to date.
fn add(
    members: &mut Resource,
    attribute: &Attribute,
    value: Value,
    budget: &mut PatchBudget,
) -> ApiResult<()> {
    let Some(Value::Array(given)) = attribute.read(attribute.unfold(value))? else {
        return Ok(());
    };
    let known = list(members, attribute)?;
    budget.spend(given.len() * known.len().max(given.len()))?;
    for value in given {
        if is_primary(&value) {
            known.iter_mut().for_each(clear_primary);
        }
        match known.iter_mut().find(|known| same(&value, known)) {
            Some(present) => *present = value,
            None => known.push(value),
        }
    }
    refuse_too_many(attribute.name, known.len())
}

/// Whether both are the same value of an attribute with many: for the same purpose, where both say for what.
fn same(one: &Value, other: &Value) -> bool {
    let purposes = (&one["type"], &other["type"]);
    let same_purpose = purposes.0 == purposes.1 || purposes.0.is_null() || purposes.1.is_null();
    match (&one["value"], &other["value"]) {
        (Value::Null, Value::Null) => one == other,
        (one, other) => one == other && same_purpose,
    }
}

/// A part of every value; of one that is made for it where there is none.
fn every(
    members: &mut Resource,
    verb: Verb,
    (attribute, part): (&Attribute, &Attribute),
    value: Value,
    budget: &mut PatchBudget,
) -> ApiResult<()> {
    let known = list(members, attribute)?;
    if known.is_empty() && verb != Verb::Remove {
        known.push(json!({}));
    }
    budget.spend(known.len())?;
    let all: Vec<usize> = (0..known.len()).collect();
    change(known, &all, verb, (attribute, Some(part)), value, budget)
}

/// The values that a filter finds.
fn values(
    members: &mut Resource,
    verb: Verb,
    target: &Target,
    filter: &str,
    value: Value,
    budget: &mut PatchBudget,
) -> ApiResult<()> {
    let attribute = target.attribute;
    let filter = Filter::parse(filter, &PARTS).map_err(|faults| {
        ApiError::new(
            Code::InvalidPath,
            format!("The filter of the path cannot be read: {faults}."),
        )
    })?;
    // Nothing here is about time.
    let clock = FilterClock {
        today: Default::default(),
        now: Default::default(),
    };
    let finds = |value: &Value| filter.matches(&Facts::of(value), &clock);
    let known = list(members, attribute)?;
    // A filter that says more takes longer.
    budget.spend(known.len() * filter.source().len().div_ceil(32))?;
    if verb == Verb::Remove && target.part.is_none() {
        // A value beside the filter names which of those that it finds go.
        let named = match value {
            Value::Null => None,
            value => Some(attribute.read(attribute.unfold(value))?),
        };
        if let Some(Some(Value::Array(named))) = &named {
            budget.spend(named.len() * known.len())?;
        }
        let is_named = |value: &Value| match &named {
            None => true,
            Some(Some(Value::Array(named))) => named.iter().any(|named| names(named, value)),
            Some(_) => false,
        };
        known.retain(|value| !(finds(value) && is_named(value)));
        return Ok(());
    }
    let mut found: Vec<usize> = (0..known.len()).filter(|at| finds(&known[*at])).collect();
    if found.is_empty() && verb != Verb::Remove {
        refuse_too_many(attribute.name, known.len() + 1)?;
        found.push(known.len());
        known.push(made_for(&filter)?);
    }
    change(known, &found, verb, (attribute, target.part), value, budget)
}

/// A value that the filter finds, where it says what that is: providers expect it to be made.
fn made_for(filter: &Filter) -> ApiResult<Value> {
    let parts = filter.equalities().ok_or_else(|| {
        ApiError::new(
            Code::NoTarget,
            format!("No value fits the filter [{}].", filter.source()),
        )
    })?;
    let parts = parts.into_iter().map(|(name, value)| (name.to_owned(), value));
    Ok(Value::Object(parts.collect::<Map<_, _>>()))
}

/// Changes those of the values that were found: a part of them, or what is named of the whole.
fn change(
    known: &mut [Value],
    found: &[usize],
    verb: Verb,
    (attribute, part): (&Attribute, Option<&Attribute>),
    value: Value,
    budget: &mut PatchBudget,
) -> ApiResult<()> {
    let value = match value {
        Value::Array(mut items) if items.len() == 1 => items.remove(0),
        value => value,
    };
    let read = match (part, value) {
        (Some(_), _) if verb == Verb::Remove => Ok(Map::new()),
        (Some(part), value) => part.read(part.unfold(value)).map(|value| {
            let named = value.map(|value| (part.name.to_owned(), value));
            named.into_iter().collect()
        }),
        (None, Value::Object(given)) => read_members(attribute.parts(), given),
        (None, value) => read_members(attribute.parts(), Map::from_iter([("value".to_owned(), value)])),
    };
    let given: Resource = read.map_err(|error| below(attribute.name, error))?;
    budget.spend(found.len().saturating_sub(1) * json!(given).to_string().len())?;
    for at in found {
        if let Value::Object(parts) = &mut known[*at] {
            if let Some(part) = part {
                parts.remove(part.name);
            }
            if part.is_some_and(|part| part.name == "value") || given.contains_key("value") {
                parts.remove(UNSAID);
            }
            parts.extend(given.clone());
        }
    }
    let primary = found.iter().copied().find(|at| is_primary(&known[*at]));
    if let Some(primary) = primary {
        let others = known.iter_mut().enumerate().filter(|(at, _)| *at != primary);
        others.for_each(|(_, other)| clear_primary(other));
    }
    Ok(())
}

fn list<'a>(members: &'a mut Resource, attribute: &Attribute) -> ApiResult<&'a mut Vec<Value>> {
    let known = members.entry(attribute.name).or_insert_with(|| json!([]));
    known
        .as_array_mut()
        .ok_or_else(|| ApiError::internal(format!("{} is no list", attribute.name)))
}

macro_rules! part {
    ($name:literal, $kind:ident) => {
        FilterAttribute::scalar($name, Kind::$kind, $name, "A part of a value.")
    };
}

/// What filters in paths may name.
pub static PARTS: FilterSchema = FilterSchema::new(&[
    part!("value", String),
    part!("type", String),
    part!("display", String),
    part!("primary", Bool),
    part!("$ref", String),
    part!("formatted", String),
    part!("streetAddress", String),
    part!("locality", String),
    part!("region", String),
    part!("postalCode", String),
    part!("country", String),
])
.with_boolean_texts();
