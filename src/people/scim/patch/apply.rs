//! One operation of a PATCH on a resource.

use serde_json::{Map, Value, json};

use super::{Operation, Path, Target, Verb};
use crate::{
    filter::{Attribute as FilterAttribute, Facts, Filter, FilterClock, Kind, Schema as FilterSchema},
    http::{ApiError, ApiResult, Code},
    people::scim::schema::{
        Resource, Schema,
        attribute::{Attribute, below, find, read_members, refuse_too_many},
    },
};

/// Does it.
pub fn apply(resource: &mut Resource, operation: Operation) -> ApiResult<()> {
    let Operation { verb, path, value } = operation;
    match path {
        Path::Extension(schema) => extension(resource, verb, schema, value),
        Path::Foreign(foreign) => foreign.apply(resource, verb, value),
        Path::Attribute(target) => match target.extension {
            Some(schema) => in_extension(resource, schema, |members| {
                attribute(members, verb, &target, value)
            }),
            None => attribute(resource, verb, &target, value),
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
        (Verb::Remove, _) | (_, Value::Null) => {
            resource.remove(schema.urn);
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

fn attribute(members: &mut Resource, verb: Verb, target: &Target, value: Value) -> ApiResult<()> {
    let attribute = target.attribute;
    match (&target.filter, target.part, verb) {
        (Some(filter), ..) => values(members, verb, target, filter, value),
        (None, Some(part), _) if attribute.is_multi_valued => every(members, verb, attribute, part, value),
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
        (None, None, Verb::Remove) => remove(members, attribute, value),
        (None, None, Verb::Add) if attribute.is_multi_valued => add(members, attribute, value),
        (None, None, _) if attribute.parts().is_empty() || attribute.is_multi_valued => {
            set(members, attribute, value)
        }
        // Parts that are not named stay (RFC 7644, section 3.5.2.3).
        (None, None, _) => match (members.get_mut(attribute.name), attribute.read(value)?) {
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
    match attribute.read(value)? {
        Some(value) => members.insert(attribute.name.to_owned(), value),
        None => members.remove(attribute.name),
    };
    Ok(())
}

/// Takes an attribute away; of one with many values those that the operation names, if it names some.
fn remove(members: &mut Resource, attribute: &Attribute, value: Value) -> ApiResult<()> {
    let named = match attribute.is_multi_valued {
        true => attribute.read(value)?,
        false => None,
    };
    let (Some(Value::Array(named)), Some(Value::Array(known))) = (named, members.get_mut(attribute.name))
    else {
        members.remove(attribute.name);
        return Ok(());
    };
    known.retain(|value| !named.iter().any(|named| same(named, value)));
    Ok(())
}

/// Adds values to those that are there: one that is there already is brought up to date.
fn add(members: &mut Resource, attribute: &Attribute, value: Value) -> ApiResult<()> {
    let Some(Value::Array(given)) = attribute.read(value)? else {
        return Ok(());
    };
    let known = list(members, attribute)?;
    for value in given {
        if value["primary"] == true {
            known.iter_mut().for_each(no_longer_primary);
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

fn no_longer_primary(value: &mut Value) {
    if let Value::Object(parts) = value
        && parts.contains_key("primary")
    {
        parts.insert("primary".into(), false.into());
    }
}

/// A part of every value; of one that is made for it where there is none.
fn every(
    members: &mut Resource,
    verb: Verb,
    attribute: &Attribute,
    part: &Attribute,
    value: Value,
) -> ApiResult<()> {
    let known = list(members, attribute)?;
    if known.is_empty() && verb != Verb::Remove {
        known.push(json!({}));
    }
    change_part(known.iter_mut(), verb, attribute, part, &value)
}

/// The values that a filter finds.
fn values(members: &mut Resource, verb: Verb, target: &Target, filter: &str, value: Value) -> ApiResult<()> {
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
    let finds = |value: &Value| filter.matches(&Facts::new(value.clone()), &clock);
    let known = list(members, attribute)?;
    match (verb, target.part) {
        (Verb::Remove, None) => {
            known.retain(|value| !finds(value));
            return Ok(());
        }
        (Verb::Remove, Some(part)) => {
            let found = known.iter_mut().filter(|value| finds(value));
            return change_part(found, verb, attribute, part, &value);
        }
        _ => {}
    }
    if !known.iter().any(finds) {
        known.push(made_for(&filter)?);
    }
    let found = known.iter_mut().filter(|value| finds(value));
    match target.part {
        Some(part) => change_part(found, verb, attribute, part, &value),
        None => merge(found, attribute, value),
    }
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

fn change_part<'a>(
    found: impl Iterator<Item = &'a mut Value>,
    verb: Verb,
    attribute: &Attribute,
    part: &Attribute,
    value: &Value,
) -> ApiResult<()> {
    for one in found {
        let Value::Object(parts) = one else { continue };
        if verb == Verb::Remove {
            parts.remove(part.name);
        } else {
            set(parts, part, value.clone()).map_err(|error| below(attribute.name, error))?;
        }
    }
    Ok(())
}

fn merge<'a>(
    found: impl Iterator<Item = &'a mut Value>,
    attribute: &Attribute,
    value: Value,
) -> ApiResult<()> {
    let given = match value {
        Value::Object(given) => given,
        value => Map::from_iter([("value".to_owned(), value)]),
    };
    let given = read_members(attribute.parts(), given).map_err(|error| below(attribute.name, error))?;
    for one in found {
        if let Value::Object(parts) = one {
            parts.extend(given.clone());
        }
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
