//! PATCH (RFC 7644, section 3.5.2), with what identity providers do: operations in any case, names with dots or URNs as
//! members of a value, values that are made where a filter finds none.

mod apply;
mod budget;
mod foreign;
mod path;

use serde_json::{Map, Value};

use super::schema::{Resource, ResourceType, is_added};
use crate::http::{ApiError, ApiResult, Code};
pub use apply::{PARTS, UNSAID};
use budget::PatchBudget;
use foreign::Foreign;
pub use path::{Path, Target};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Values are added to those that are there.
    Add,
    /// Values take the place of those that are there.
    Replace,
    /// Values are taken away.
    Remove,
}

/// One thing that is to be done.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The status.
    pub verb: Verb,
    /// The object.
    pub path: Path,
    /// With what.
    pub value: Value,
}

/// Operations at most in one PATCH.
const MOST_OPERATIONS: usize = 5_000;

/// The operations of a body, each about one attribute: a value without a path is taken apart. What clients cannot set is
/// passed over there, as in a whole resource; members that nobody knows are `others`, to be kept as they are.
pub fn read(resource_type: &ResourceType, body: Value) -> ApiResult<(Vec<Operation>, Resource)> {
    let Some(Value::Array(listed)) = member(body, "Operations") else {
        return Err(syntax("A PATCH has a list of Operations."));
    };
    if listed.len() > MOST_OPERATIONS {
        return Err(ApiError::new(
            Code::PayloadTooLarge,
            format!("Send at most {MOST_OPERATIONS} operations at once."),
        ));
    }
    let (mut operations, mut others) = (Vec::new(), Resource::new());
    for one in listed {
        let Value::Object(one) = one else {
            return Err(syntax("An operation is an object with op, path and value."));
        };
        read_one(resource_type, one, &mut operations, &mut others)?;
    }
    Ok((operations, others))
}

fn read_one(
    resource_type: &ResourceType,
    one: Map<String, Value>,
    operations: &mut Vec<Operation>,
    others: &mut Resource,
) -> ApiResult<()> {
    let (mut op, mut path, mut value) = (Value::Null, Value::Null, Value::Null);
    for (name, member) in one {
        match name.to_ascii_lowercase().as_str() {
            "op" => op = member,
            "path" => path = member,
            "value" => value = member,
            _ => {}
        }
    }
    let verb = match op.as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("add") => Verb::Add,
        Some("replace") => Verb::Replace,
        Some("remove") => Verb::Remove,
        _ => return Err(syntax("op is add, replace or remove.")),
    };
    match (path, value) {
        (Value::String(path), Value::Object(members))
            if verb != Verb::Remove && resource_type.is_core(path.trim()) =>
        {
            split_operation(resource_type, verb, members, operations, others)
        }
        (Value::String(path), value) if !path.is_empty() => {
            let path = Path::read(resource_type, &path).map_err(|error| read_only(&path).unwrap_or(error))?;
            if let Path::Attribute(target) = &path
                && let Some(name) = read_only_of(target)
            {
                return Err(cannot_change(&name));
            }
            operations.push(Operation { verb, path, value });
            Ok(())
        }
        (Value::Null | Value::String(_), Value::Object(members)) if verb != Verb::Remove => {
            split_operation(resource_type, verb, members, operations, others)
        }
        (Value::Null | Value::String(_), _) if verb == Verb::Remove => Err(ApiError::new(
            Code::NoTarget,
            "A remove needs the path of what it takes away.",
        )),
        _ => Err(syntax(
            "An operation has a path that is text, or a value that is an object of attributes.",
        )),
    }
}

/// The members of a value without a path, each as an operation. Their names may be paths themselves.
fn split_operation(
    resource_type: &ResourceType,
    verb: Verb,
    members: Map<String, Value>,
    operations: &mut Vec<Operation>,
    others: &mut Resource,
) -> ApiResult<()> {
    for (name, value) in members {
        if is_added(&name) {
            continue;
        }
        match (Path::read(resource_type, &name), value) {
            (_, Value::Object(own)) if resource_type.is_core(&name) => {
                split_operation(resource_type, verb, own, operations, others)?;
            }
            (Ok(Path::Attribute(target)), _) if read_only_of(&target).is_some() => {}
            (Ok(path), value) => operations.push(Operation { verb, path, value }),
            (Err(error), _) if name.contains('[') => return Err(error),
            (Err(_), value) => match Foreign::read(resource_type, &name) {
                // A member that nobody knows of a schema that is known.
                Some(foreign) => {
                    let path = Path::Foreign(foreign);
                    operations.push(Operation { verb, path, value });
                }
                None => {
                    others.insert(name, value);
                }
            },
        }
    }
    Ok(())
}

/// The resource after the operations.
pub fn apply(
    resource_type: &ResourceType,
    mut resource: Resource,
    (operations, others): (Vec<Operation>, Resource),
) -> ApiResult<Resource> {
    let mut budget = PatchBudget::default();
    for operation in operations {
        apply::apply(&mut resource, operation, &mut budget)?;
    }
    resource.extend(others);
    resource_type.read(Value::Object(resource))
}

/// A member of an object, its name in whatever case.
pub fn member(value: Value, name: &str) -> Option<Value> {
    let Value::Object(members) = value else {
        return None;
    };
    let found = members
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

/// What clients cannot change of what an operation is about.
fn read_only_of(target: &Target) -> Option<String> {
    let attribute = target.attribute;
    if attribute.is_read_only {
        return Some(attribute.name.to_owned());
    }
    let part = target.part.filter(|part| part.is_read_only)?;
    Some(format!("{}.{}", attribute.name, part.name))
}

fn read_only(path: &str) -> Option<ApiError> {
    is_added(path).then(|| cannot_change(path))
}

fn cannot_change(name: &str) -> ApiError {
    ApiError::new(Code::ReadOnly, format!("Clients cannot change {name}."))
}

fn syntax(detail: &'static str) -> ApiError {
    ApiError::new(Code::MalformedRequest, detail)
}
