//! What filters may say about groups.

use super::model::GroupKind;
use crate::filter::{Attribute, Column, Kind, Schema};

/// The attributes of groups.
pub static GROUPS: Schema = Schema::new(&[
    Attribute {
        name: "id",
        kind: Kind::Id,
        column: Column::Scalar("groups.id"),
        doc: "Our id.",
    },
    Attribute {
        name: "code",
        kind: Kind::String,
        column: Column::Scalar("groups.code"),
        doc: "What filters call it.",
    },
    Attribute {
        name: "name",
        kind: Kind::String,
        column: Column::Scalar("groups.name"),
        doc: "What people call it.",
    },
    Attribute {
        name: "kind",
        kind: Kind::Enum(GroupKind::WORDS),
        column: Column::Scalar("groups.kind"),
        doc: "Where its members come from.",
    },
    Attribute {
        name: "member_id",
        kind: Kind::Id,
        column: Column::Exists {
            from: "group_members m",
            on: "m.group_id = groups.id",
            value: "m.user_id",
        },
        doc: "A person who is in it.",
    },
    Attribute {
        name: "created_at",
        kind: Kind::Instant,
        column: Column::Scalar("groups.created_at"),
        doc: "When it was added.",
    },
    Attribute {
        name: "updated_at",
        kind: Kind::Instant,
        column: Column::Scalar("groups.updated_at"),
        doc: "When it was last changed.",
    },
    Attribute {
        name: "archived_at",
        kind: Kind::Instant,
        column: Column::Scalar("groups.archived_at"),
        doc: "When it was archived.",
    },
]);
