//! What filters may say about attribute definitions.

use super::model::AttributeKind;
use crate::filter::{Attribute, Column, Kind, Schema};

/// The attributes of attribute definitions.
pub static ATTRIBUTE_DEFINITIONS: Schema = Schema::new(&[
    Attribute {
        name: "id",
        kind: Kind::Id,
        column: Column::Scalar("attribute_definitions.id"),
        doc: "Our id.",
    },
    Attribute {
        name: "name",
        kind: Kind::String,
        column: Column::Scalar("attribute_definitions.name"),
        doc: "The member of a person's attributes.",
    },
    Attribute {
        name: "label",
        kind: Kind::String,
        column: Column::Scalar("attribute_definitions.label"),
        doc: "What people call it.",
    },
    Attribute {
        name: "kind",
        kind: Kind::Enum(AttributeKind::WORDS),
        column: Column::Scalar("attribute_definitions.kind"),
        doc: "What values it has.",
    },
    Attribute {
        name: "created_at",
        kind: Kind::Instant,
        column: Column::Scalar("attribute_definitions.created_at"),
        doc: "When it was added.",
    },
    Attribute {
        name: "archived_at",
        kind: Kind::Instant,
        column: Column::Scalar("attribute_definitions.archived_at"),
        doc: "When it was archived.",
    },
]);
