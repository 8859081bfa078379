//! What filters may say about attribute definitions.

use super::model::AttributeKind;
use crate::filter::{Attribute, Kind, Schema};

/// The attributes of attribute definitions.
pub static ATTRIBUTE_DEFINITIONS: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "attribute_definitions.id", "Our id."),
    Attribute::scalar(
        "name",
        Kind::String,
        "attribute_definitions.name",
        "The member of a person's attributes.",
    ),
    Attribute::scalar(
        "label",
        Kind::String,
        "attribute_definitions.label",
        "What people call it.",
    ),
    Attribute::scalar(
        "kind",
        Kind::Enum(AttributeKind::WORDS),
        "attribute_definitions.kind",
        "What values it has.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "attribute_definitions.created_at",
        "When it was added.",
    ),
    Attribute::scalar(
        "archived_at",
        Kind::Instant,
        "attribute_definitions.archived_at",
        "When it was archived.",
    ),
]);
