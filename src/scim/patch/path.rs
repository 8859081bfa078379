//! The paths of PATCH (RFC 7644, section 3.5.2): `name.familyName`, `emails[type eq "work"].value`,
//! `urn:…:enterprise:2.0:User:manager`.

use super::Foreign;
use crate::{
    http::{ApiError, ApiResult, Code},
    scim::schema::{
        ResourceType, Schema,
        attribute::{Attribute, find},
    },
};

/// What an operation is about.
#[derive(Debug, Clone)]
pub enum Path {
    /// All of an extension.
    Extension(&'static Schema),
    /// An attribute, or a part of it.
    Attribute(Target),
    /// What belongs to a schema that nobody knows here.
    Foreign(Foreign),
}

/// An attribute, or a part of it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The extension that it belongs to; none for the resource's own schema.
    pub extension: Option<&'static Schema>,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// Which of its values, as a filter.
    pub filter: Option<String>,
    /// Which part of it.
    pub part: Option<&'static Attribute>,
}

impl Path {
    /// Reads a path of resources of this type.
    pub fn read(resource_type: &ResourceType, text: &str) -> ApiResult<Self> {
        let (extension, rest) = split_urn(resource_type, text.trim());
        if let (Some(schema), "") = (extension, rest) {
            return Ok(Path::Extension(schema));
        }
        // What follows a URN that is known has none of its own.
        if resource_type.keeps_others
            && rest == text.trim()
            && let Some(foreign) = Foreign::read(resource_type, rest)
        {
            return Ok(Path::Foreign(foreign));
        }
        let (name, filter, part) = split(rest).ok_or_else(|| unknown(text))?;
        let attribute = match extension {
            Some(schema) => find(schema.attributes, name),
            None => resource_type.attribute(name),
        };
        let attribute = attribute.ok_or_else(|| unknown(text))?;
        let part = match part {
            Some(part) => Some(attribute.part(part).ok_or_else(|| unknown(text))?),
            None => None,
        };
        if filter.is_some() && !attribute.is_multi_valued {
            return Err(unknown(text));
        }
        Ok(Path::Attribute(Target {
            extension,
            attribute,
            filter: filter.map(str::to_owned),
            part,
        }))
    }

    /// Whether it leads to the resource's own attribute of that name, or to a part of it.
    pub fn is_about(&self, name: &str) -> bool {
        matches!(self, Path::Attribute(target) if target.extension.is_none() && target.attribute.name == name)
    }
}

/// The extension that a path begins with, and what follows. The URN of the schema itself is looked past.
fn split_urn<'a>(resource_type: &ResourceType, text: &'a str) -> (Option<&'static Schema>, &'a str) {
    let after = |urn: &str| {
        let (head, rest) = text.split_at_checked(urn.len())?;
        let rest = match rest {
            "" => rest,
            rest => rest.strip_prefix(':')?,
        };
        head.eq_ignore_ascii_case(urn).then_some(rest)
    };
    if let Some(rest) = after(resource_type.core.urn) {
        return (None, rest);
    }
    let found = resource_type
        .extensions
        .iter()
        .find_map(|schema| Some((*schema, after(schema.urn)?)));
    match found {
        Some((schema, rest)) => (Some(schema), rest),
        None => (None, text),
    }
}

/// The name, the filter in brackets and the part of `name[filter].part`.
fn split(text: &str) -> Option<(&str, Option<&str>, Option<&str>)> {
    let Some((name, rest)) = text.split_once('[') else {
        return Some(match text.split_once('.') {
            Some((name, part)) => (name, None, Some(part)),
            None => (text, None, None),
        });
    };
    let end = closing_bracket(rest)?;
    let (filter, rest) = (&rest[..end], &rest[end + 1..]);
    match rest {
        "" => Some((name, Some(filter), None)),
        rest => Some((name, Some(filter), Some(rest.strip_prefix('.')?))),
    }
}

/// Where the bracket is closed, outside of texts.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut in_text, mut escaped) = (false, false);
    text.char_indices().find_map(|(at, c)| {
        let closes = c == ']' && !in_text;
        if c == '"' && !escaped {
            in_text = !in_text;
        }
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })
}

fn unknown(text: &str) -> ApiError {
    ApiError::new(
        Code::InvalidPath,
        format!("There is no attribute {text:?}; /Schemas shows those that there are."),
    )
}
