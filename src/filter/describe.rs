//! Lists a schema's attributes for the API's documentation.

use serde::Serialize;
use utoipa::ToSchema;

use super::schema::{Attribute, Column, Schema, Type};

/// An attribute that a resource may be filtered by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttributeDescription {
    #[schema(example = "hired_on")]
    pub name: String,
    /// The type of its values.
    #[serde(rename = "type")]
    #[schema(example = "date")]
    pub value_type: &'static str,
    /// The allowed words, if there is a list of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// The operators that it takes.
    pub operators: Vec<&'static str>,
    pub description: String,
}

impl Schema {
    /// All attributes, those of complex ones under `{attribute}.{part}`.
    pub fn describe(&self) -> Vec<AttributeDescription> {
        let mut descriptions = Vec::new();
        for attribute in self.attributes {
            describe(attribute, &mut descriptions);
        }
        descriptions.extend(self.custom.iter().map(|custom| {
            let name = format!("attributes.{}", custom.name);
            described(name, custom.kind.value_type(), custom.kind.words(), &custom.doc)
        }));
        descriptions
    }

    /// All attributes as a Markdown table.
    pub fn to_markdown(&self) -> String {
        let mut table = String::from("| attribute | type | operators | meaning |\n|---|---|---|---|\n");
        for AttributeDescription {
            name,
            value_type,
            words,
            operators,
            description,
        } in self.describe()
        {
            let words: Vec<_> = words.iter().map(|word| format!("`{}`", cell(word))).collect();
            let value_type = if words.is_empty() {
                value_type.to_owned()
            } else {
                words.join(", ")
            };
            let row = format!(
                "| `{name}` | {value_type} | {} | {} |\n",
                operators.join(" "),
                cell(&description)
            );
            table.push_str(&row);
        }
        table
    }
}

fn describe(attribute: &Attribute, descriptions: &mut Vec<AttributeDescription>) {
    let Column::Complex { parts, .. } = attribute.column else {
        let kind = attribute.kind;
        descriptions.push(described(
            attribute.name.to_owned(),
            kind.value_type(),
            kind.words(),
            attribute.doc,
        ));
        return;
    };
    descriptions.push(AttributeDescription {
        name: attribute.name.to_owned(),
        value_type: "complex",
        words: Vec::new(),
        operators: vec!["[…]", "pr"],
        description: attribute.doc.to_owned(),
    });
    for part in parts {
        let name = format!("{}.{}", attribute.name, part.name);
        descriptions.push(described(
            name,
            part.kind.value_type(),
            part.kind.words(),
            part.doc,
        ));
    }
}

fn described(name: String, value_type: Type, words: Vec<String>, doc: &str) -> AttributeDescription {
    let operators = value_type
        .operators()
        .iter()
        .map(|operator| operator.as_str())
        .chain(["pr"])
        .collect();
    AttributeDescription {
        name,
        value_type: value_type.as_str(),
        words,
        operators,
        description: doc.to_owned(),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\r', '\n'], " ")
}
