//! The types of `/v1/attribute-definitions`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    app::Tx,
    bulk_row,
    db::schema::attribute_definitions,
    http::{ApiResult, rules::rule},
    resource,
    resource::{Create, Draft, NoExtra, Record, Resource, Row, Unique, Update, draft},
    text_enum,
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

/// A custom attribute of users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = attribute_definitions)]
pub struct AttributeDefinition {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: AttributeDefinitionFields,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived. Existing values stay and filters find them; new values are refused.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What callers write of a definition.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = attribute_definitions)]
#[validate(schema(function = only_strings_have_lists, skip_on_field_errors = false))]
pub struct AttributeDefinitionFields {
    /// Its name in a user's `attributes`; filters call it `attributes.{name}`. It cannot be changed.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,62}$", example = "shift")]
    #[record(fixed, sort)]
    pub name: String,
    /// Its display name.
    #[schema(min_length = 1, max_length = 200, example = "Shift")]
    pub label: String,
    /// The type of its values. It cannot be changed.
    #[record(fixed)]
    pub kind: AttributeKind,
    /// Of a `string`: the only values allowed from now on, or any if null; existing values stay.
    #[serde(default)]
    #[schema(schema_with = values_schema, required = false)]
    #[record(opaque)]
    pub allowed_values: Option<Vec<String>>,
}

/// An attribute to be defined.
pub type CreateAttributeDefinition = Create<AttributeDefinition>;

/// Changes to a definition.
pub type UpdateAttributeDefinition = Update<AttributeDefinition>;

bulk_row! {
    /// An attribute definition to create or update: either `create`, or `id` with `update`.
    BulkAttributeDefinitionRow: CreateAttributeDefinition, UpdateAttributeDefinition
}

resource!(AttributeDefinition in attribute_definitions, fields: AttributeDefinitionFields, name: "attribute definition",
    kind: "attribute_definition", external: None, read: AttributesRead, write: AttributesWrite,
    covered: |scope| scope.global(),
    archived: archived_at);

impl Resource for AttributeDefinition {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/attribute-definitions";
    const UNIQUE: &'static [Unique<Self>] = &[Unique::new("name", |definition| &definition.name)];

    fn check(tx: &mut Tx, drafts: &mut [Draft<Self>]) -> ApiResult<()> {
        draft::require_everywhere(tx, drafts, Self::WRITE, Draft::is_new)
    }
}

/// The longest value, in characters.
pub const LONGEST_VALUE: usize = 1_000;

fn only_strings_have_lists(new: &AttributeDefinitionFields) -> Result<(), ValidationError> {
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
        .description(Some(
            "Of a `string`: the only values allowed from now on, or any if null; existing values stay.",
        ))
        .build()
}
