//! The types of `/v1/attribute-definitions`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    db::schema::attribute_definitions,
    http::{Versioned, rules::rule},
    protected, stored, text_enum,
};

text_enum! {
    /// What values an attribute has.
    AttributeKind {
        /// Text, of at most 1,000 characters.
        String = "string",
        /// A number.
        Number = "number",
        /// True or false.
        Boolean = "boolean",
        /// A calendar day, `YYYY-MM-DD`.
        Date = "date",
    }
}

/// What administrators want to know about people beside what Provost knows anyway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = attribute_definitions)]
pub struct AttributeDefinition {
    /// Our id.
    pub id: Uuid,
    /// The member of a person's `attributes`; filters call it `attributes.{name}`. It stays.
    #[schema(example = "shift")]
    pub name: String,
    /// What people call it.
    #[schema(example = "Shift")]
    pub label: String,
    /// What values it has. This stays.
    pub kind: AttributeKind,
    /// Of a `string`: the only values that it may have; any, if none.
    pub allowed_values: Option<Vec<String>>,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived. Values stay and filters find them, but no new ones are taken.
    pub archived_at: Option<DateTime<Utc>>,
}

impl Versioned for AttributeDefinition {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(AttributeDefinition in attribute_definitions, name: "attribute definition", external: None,
    read: AttributesRead, covered: |scope| scope.global());

stored!(AttributeDefinition in "attribute_definitions", events: "attribute_definition",
    columns: ["label", "allowed_values"]);

/// An attribute to be defined.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = only_strings_have_lists, skip_on_field_errors = false))]
pub struct CreateAttributeDefinition {
    /// The member of a person's `attributes`.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,62}$")]
    pub name: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 200)]
    pub label: String,
    /// What values it has.
    pub kind: AttributeKind,
    /// Of a `string`: the only values that it may have.
    #[serde(default)]
    #[schema(schema_with = values_schema, required = false)]
    pub allowed_values: Option<Vec<String>>,
}

impl CreateAttributeDefinition {
    /// The definition that this makes.
    pub fn into_definition(self, id: Uuid, now: DateTime<Utc>) -> AttributeDefinition {
        AttributeDefinition {
            id,
            name: self.name,
            label: self.label,
            kind: self.kind,
            allowed_values: self.allowed_values,
            version: 1,
            created_at: now,
            updated_at: now,
            archived_at: None,
        }
    }
}

/// Changes to a definition: a field that is absent stays, null empties it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct UpdateAttributeDefinition {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub label: Option<String>,
    /// Of a `string`: the only values that it may have from now on; values that are there stay.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(schema_with = values_schema, required = false)]
    pub allowed_values: Option<Option<Vec<String>>>,
}

impl UpdateAttributeDefinition {
    /// The definition that this makes of `definition`.
    pub fn apply_to(self, definition: AttributeDefinition) -> AttributeDefinition {
        AttributeDefinition {
            label: self.label.unwrap_or(definition.label),
            allowed_values: self.allowed_values.unwrap_or(definition.allowed_values),
            ..definition
        }
    }
}

/// The longest value, in characters.
pub const LONGEST_VALUE: usize = 1_000;

fn only_strings_have_lists(new: &CreateAttributeDefinition) -> Result<(), ValidationError> {
    match (new.kind, &new.allowed_values) {
        (AttributeKind::String, _) | (_, None) => Ok(()),
        _ => rule("/allowed_values", "belongs to attributes of the kind string"),
    }
}

fn values_schema() -> utoipa::openapi::schema::Array {
    use utoipa::openapi::{
        ArrayBuilder, ObjectBuilder,
        schema::{SchemaType, Type},
    };
    let value = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(LONGEST_VALUE));
    ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(value)
        .min_items(Some(1))
        .max_items(Some(1000))
        .description(Some("Of a `string`: the only values that it may have from now on, any if null; values that are there stay."))
        .build()
}
