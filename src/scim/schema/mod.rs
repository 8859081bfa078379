//! The schemas of SCIM's users and groups: what their attributes are called and hold. Bodies are read by them, and
//! `/Schemas` shows them.

pub mod attribute;
mod definitions;

use serde_json::{Map, Value, json};

use crate::http::{ApiError, ApiResult};
use attribute::{Attribute, below, find, read_members};

pub use definitions::{EXTERNAL_ID, GROUP, USER};

/// A resource without what SCIM itself adds (`schemas`, `id`, `meta`): its attributes under their proper names.
pub type Resource = Map<String, Value>;

/// The schema of users.
pub const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// What enterprises add to it.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// What Provost adds to it.
pub const PROVOST_USER: &str = "urn:ietf:params:scim:schemas:extension:provost:2.0:User";
/// The schema of groups.
pub const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// A schema: attributes under a name of its own.
#[derive(Debug)]
pub struct Schema {
    /// Its URN.
    pub urn: &'static str,
    /// Its display name.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Its attributes.
    pub attributes: &'static [Attribute],
}

/// A kind of resource.
#[derive(Debug)]
pub struct ResourceType {
    /// Its name: `User`.
    pub name: &'static str,
    /// Where its resources are: `/Users`.
    pub endpoint: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Its own schema.
    pub core: &'static Schema,
    /// What is added to it, each below its URN.
    pub extensions: &'static [&'static Schema],
    /// Whether what no schema names is kept.
    pub keeps_others: bool,
}

impl ResourceType {
    /// A body as a resource; everything that clients cannot set is left out of it.
    pub fn read(&self, body: Value) -> ApiResult<Resource> {
        let Value::Object(members) = body else {
            return Err(ApiError::field("", "The body must be an object."));
        };
        let (mut own, mut resource) = (Map::new(), Resource::new());
        for (name, value) in members {
            if let Some(extension) = self.extension(&name) {
                if let Some(read) = read_extension(extension, value)? {
                    resource.insert(extension.urn.to_owned(), read);
                }
            } else if self.is_core(&name) {
                // Some clients say the resource's own attributes below its URN.
                if !value.is_null() {
                    resource.extend(self.read(value).map_err(|error| below(self.core.urn, error))?);
                }
            } else if EXTERNAL_ID.name.eq_ignore_ascii_case(&name) {
                let id = EXTERNAL_ID.read(value)?;
                resource.extend(id.map(|id| (EXTERNAL_ID.name.to_owned(), id)));
            } else if !is_added(&name) {
                own.insert(name, value);
            }
        }
        resource.extend(read_members(self.core.attributes, own)?);
        Ok(resource)
    }

    /// The extension of this URN.
    pub fn extension(&self, urn: &str) -> Option<&'static Schema> {
        self.extensions
            .iter()
            .copied()
            .find(|extension| extension.urn.eq_ignore_ascii_case(urn))
    }

    /// Whether it is the URN of the schema itself.
    pub fn is_core(&self, urn: &str) -> bool {
        self.core.urn.eq_ignore_ascii_case(urn)
    }

    /// The attribute of the schema itself that has this name.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        if EXTERNAL_ID.name.eq_ignore_ascii_case(name) {
            return Some(&EXTERNAL_ID);
        }
        find(self.core.attributes, name)
    }

    /// The schemas that a resource says it has: its own, and those of the extensions that it has something of.
    pub fn schemas_of(&self, resource: &Resource) -> Value {
        let others = resource.keys().filter(|name| name.starts_with("urn:"));
        std::iter::once(self.core.urn.to_owned())
            .chain(others.cloned())
            .collect()
    }
}

fn read_extension(extension: &'static Schema, value: Value) -> ApiResult<Option<Value>> {
    let read = match value {
        Value::Object(members) => {
            read_members(extension.attributes, members).map_err(|error| below(extension.urn, error))?
        }
        Value::Null => return Ok(None),
        _ => return Err(ApiError::field(extension.urn, "must be an object")),
    };
    Ok((!read.is_empty()).then_some(Value::Object(read)))
}

/// Refuses a message whose `schemas` are no list of URNs.
pub fn check_schemas(message: &Value) -> ApiResult<()> {
    let members = message.as_object().into_iter().flatten();
    let schemas = members.filter(|(name, _)| name.eq_ignore_ascii_case("schemas"));
    for (_, schemas) in schemas.filter(|(_, schemas)| !schemas.is_null()) {
        let are_texts = schemas
            .as_array()
            .is_some_and(|items| items.iter().all(Value::is_string));
        if !are_texts {
            return Err(ApiError::field("schemas", "must be a list of URNs"));
        }
    }
    Ok(())
}

/// The URN that a name begins with, and what follows it, of whatever schema: it ends with the kind of resource that follows
/// its version, as in `urn:…:core:2.0:User:name.givenName`.
pub fn split_urn(name: &str) -> Option<(&str, &str)> {
    let is_urn = name
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    let words: Vec<&str> = name.split(':').collect();
    let version = words.iter().rposition(|word| is_version(word))?;
    let urn = words.get(..version + 2).filter(|_| is_urn)?;
    let end = urn.iter().map(|word| word.len() + 1).sum::<usize>() - 1;
    let (urn, rest) = name.split_at_checked(end)?;
    Some((urn, rest.strip_prefix(':').unwrap_or(rest)))
}

/// `2.0`
fn is_version(word: &str) -> bool {
    let mut numbers = word.split('.');
    word.contains('.')
        && numbers.all(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether SCIM adds a member of this name to every resource.
pub fn is_added(name: &str) -> bool {
    ["schemas", "id", "meta"]
        .iter()
        .any(|added| added.eq_ignore_ascii_case(name))
}

impl Schema {
    /// As `/Schemas` shows it.
    pub fn describe(&self, base: &str) -> Value {
        let attributes: Vec<_> = self.attributes.iter().map(Attribute::describe).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.urn, "name": self.name, "description": self.doc, "attributes": attributes,
            "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{}", self.urn) },
        })
    }
}

/// The text at a path of names; none where it is empty.
pub fn text_at<'a>(resource: &'a Resource, path: &[&str]) -> Option<&'a str> {
    let (first, rest) = path.split_first()?;
    let value = rest
        .iter()
        .try_fold(resource.get(*first)?, |value, name| value.get(*name))?;
    value.as_str().filter(|text| !text.is_empty())
}

/// Sets the text at a path of names, or takes it away.
pub fn set_text(resource: &mut Resource, path: &[&str], text: Option<String>) {
    match (path, text) {
        ([name], Some(text)) => {
            resource.insert((*name).to_owned(), text.into());
        }
        ([name], None) => {
            resource.remove(*name);
        }
        ([name, rest @ ..], text) => {
            let inner = resource.entry(*name).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            if let Value::Object(members) = inner {
                set_text(members, rest, text);
                if members.is_empty() {
                    resource.remove(*name);
                }
            }
        }
        ([], _) => {}
    }
}
