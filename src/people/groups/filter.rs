//! What filters may say about groups.

use super::model::GroupKind;
use crate::filter::{Attribute, Column, Kind, Schema};

/// The attributes of groups.
pub static GROUPS: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "groups.id", "Our id."),
    Attribute::scalar("code", Kind::Folded, "groups.code", "What filters call it."),
    Attribute::scalar("name", Kind::Folded, "groups.name", "What people call it."),
    Attribute::scalar(
        "kind",
        Kind::Enum(GroupKind::WORDS),
        "groups.kind",
        "Where its members come from.",
    ),
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
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "groups.created_at",
        "When it was added.",
    ),
    Attribute::scalar(
        "updated_at",
        Kind::Instant,
        "groups.updated_at",
        "When it was last changed.",
    ),
    Attribute::scalar(
        "archived_at",
        Kind::Instant,
        "groups.archived_at",
        "When it was archived.",
    ),
]);
