//! What filters may say about rules.

use super::model::RuleStatus;
use crate::filter::{Attribute, Column, Kind, Schema};

/// The attributes of rules.
pub static RULES: Schema = Schema::new(&[
    Attribute {
        name: "id",
        kind: Kind::Id,
        column: Column::Scalar("rules.id"),
        doc: "Our id.",
    },
    Attribute {
        name: "code",
        kind: Kind::Exact,
        column: Column::Scalar("rules.code"),
        doc: "The short name.",
    },
    Attribute {
        name: "name",
        kind: Kind::String,
        column: Column::Scalar("rules.name"),
        doc: "The name.",
    },
    Attribute {
        name: "status",
        kind: Kind::Enum(RuleStatus::WORDS),
        column: Column::Scalar("rules.status"),
        doc: "What it does.",
    },
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
    Attribute {
        name: "created_at",
        kind: Kind::Instant,
        column: Column::Scalar("rules.created_at"),
        doc: "When it was added.",
    },
    Attribute {
        name: "updated_at",
        kind: Kind::Instant,
        column: Column::Scalar("rules.updated_at"),
        doc: "When it was last changed.",
    },
]);
