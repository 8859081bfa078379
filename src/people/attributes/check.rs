//! Whether values fit their attributes' definitions. Called by all code that writes users: the API, imports.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    model::{AttributeDefinition, AttributeKind, LONGEST_VALUE},
    store,
};
use crate::{
    app::Tx,
    http::{ApiResult, FieldError},
    text, years,
};

/// The definitions in force, by name.
#[derive(Debug, Clone, Default)]
pub struct Definitions(HashMap<String, AttributeDefinition>);

impl Definitions {
    /// Those in force now.
    pub fn load(tx: &mut Tx) -> ApiResult<Self> {
        let live = store::live(tx)?.into_iter();
        Ok(Definitions(
            live.map(|definition| (definition.name.clone(), definition))
                .collect(),
        ))
    }

    /// Whether there is an attribute of that name, and it is text.
    pub fn is_text(&self, name: &str) -> bool {
        let definition = self.0.get(name);
        definition.is_some_and(|definition| definition.kind == AttributeKind::String)
    }

    /// What is wrong with `values`, which stand at the pointer `at`. Null takes a value away, which is always right.
    pub fn faults(&self, values: &Map<String, Value>, at: &str) -> Vec<FieldError> {
        let given = values.iter().filter(|(_, value)| !value.is_null());
        given
            .filter_map(|(name, value)| {
                let fault = match self.0.get(name) {
                    Some(definition) => fault(definition, value)?,
                    None => {
                        "is not defined; define it under /v1/attribute-definitions, or leave it out".into()
                    }
                };
                let name = name.replace('~', "~0").replace('/', "~1");
                Some(FieldError::new(format!("{at}/{name}"), fault))
            })
            .collect()
    }
}

fn fault(definition: &AttributeDefinition, value: &Value) -> Option<String> {
    match (definition.kind, value) {
        (AttributeKind::String, Value::String(text)) => match &definition.allowed_values {
            Some(allowed) if !allowed.contains(text) => {
                Some(format!("must be one of {}", allowed.join(", ")))
            }
            _ if text.chars().count() > LONGEST_VALUE => {
                Some(format!("must have at most {LONGEST_VALUE} characters"))
            }
            _ if !text::is_lines(text) => {
                Some("must not hold control characters but tabs and line breaks".into())
            }
            _ => None,
        },
        (AttributeKind::Number, Value::Number(_)) | (AttributeKind::Boolean, Value::Bool(_)) => None,
        (AttributeKind::Date, Value::String(text)) if years::is_day(text) => None,
        (AttributeKind::String, _) => Some("must be a string".into()),
        (AttributeKind::Number, _) => Some("must be a number".into()),
        (AttributeKind::Boolean, _) => Some("must be true or false".into()),
        (AttributeKind::Date, _) => Some(format!("must be {}", years::WORDS)),
    }
}
