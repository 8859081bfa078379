//! What filters may say about rules.

use super::model::RuleStatus;
use crate::filter::{Attribute, Column, Kind, Schema};

/// The attributes of rules.
pub static RULES: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "rules.id", "Our id."),
    Attribute::scalar("code", Kind::Folded, "rules.code", "The short name."),
    Attribute::scalar("name", Kind::String, "rules.name", "The name."),
    Attribute::scalar(
        "status",
        Kind::Enum(RuleStatus::WORDS),
        "rules.status",
        "What it does.",
    ),
    Attribute {
        name: "course_id",
        kind: Kind::Id,
        column: Column::Exists {
            from: "rule_courses rc",
            on: "rc.rule_id = rules.id",
            value: "rc.course_id",
        },
        doc: "The courses that it asks for.",
    },
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "rules.created_at",
        "When it was added.",
    ),
    Attribute::scalar(
        "updated_at",
        Kind::Instant,
        "rules.updated_at",
        "When it was last changed.",
    ),
]);
