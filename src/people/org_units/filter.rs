//! What filters may say about org units.

use crate::filter::{Attribute, Column, Kind, Schema};

/// The attributes of org units.
pub static ORG_UNITS: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "org_units.id", "Our id."),
    Attribute::scalar("code", Kind::Folded, "org_units.code", "What filters call it."),
    Attribute::scalar("name", Kind::Folded, "org_units.name", "What people call it."),
    Attribute::scalar(
        "parent_id",
        Kind::Id,
        "org_units.parent_id",
        "The unit that it is part of, itself.",
    ),
    Attribute::scalar(
        "time_zone",
        Kind::String,
        "org_units.time_zone",
        "IANA time zone, where it is not inherited.",
    ),
    Attribute {
        name: "within",
        kind: Kind::Folded,
        column: Column::Exists {
            from: "org_unit_closure c JOIN org_units o ON o.id = c.ancestor_id",
            on: "c.descendant_id = org_units.id",
            value: "o.code",
        },
        doc: "Its code, or that of any unit above it: `within eq \"emea\"` finds a whole subtree.",
    },
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "org_units.created_at",
        "When it was added.",
    ),
    Attribute::scalar(
        "updated_at",
        Kind::Instant,
        "org_units.updated_at",
        "When it was last changed.",
    ),
    Attribute::scalar(
        "archived_at",
        Kind::Instant,
        "org_units.archived_at",
        "When it was archived.",
    ),
]);
