//! What filters may say about org units.

use crate::filter::{Attribute, Column, Kind, Schema};

/// The attributes of org units.
pub static ORG_UNITS: Schema = Schema::new(&[
    Attribute {
        name: "id",
        kind: Kind::Id,
        column: Column::Scalar("org_units.id"),
        doc: "Our id.",
    },
    Attribute {
        name: "code",
        kind: Kind::String,
        column: Column::Scalar("org_units.code"),
        doc: "What filters call it.",
    },
    Attribute {
        name: "name",
        kind: Kind::String,
        column: Column::Scalar("org_units.name"),
        doc: "What people call it.",
    },
    Attribute {
        name: "parent_id",
        kind: Kind::Id,
        column: Column::Scalar("org_units.parent_id"),
        doc: "The unit that it is part of, itself.",
    },
    Attribute {
        name: "within",
        kind: Kind::String,
        column: Column::Exists {
            from: "org_unit_closure c JOIN org_units o ON o.id = c.ancestor_id",
            on: "c.descendant_id = org_units.id",
            value: "o.code",
        },
        doc: "Its code, or that of any unit above it: `within eq \"emea\"` finds a whole subtree.",
    },
    Attribute {
        name: "created_at",
        kind: Kind::Instant,
        column: Column::Scalar("org_units.created_at"),
        doc: "When it was added.",
    },
    Attribute {
        name: "updated_at",
        kind: Kind::Instant,
        column: Column::Scalar("org_units.updated_at"),
        doc: "When it was last changed.",
    },
    Attribute {
        name: "archived_at",
        kind: Kind::Instant,
        column: Column::Scalar("org_units.archived_at"),
        doc: "When it was archived.",
    },
]);
