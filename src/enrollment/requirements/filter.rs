//! What filters may say about requirements.

use super::model::{EndReason, RequirementStatus};
use crate::db::Fixed;
use crate::filter::{Attribute, Column, Kind, Schema};

/// Where a requirement stands, over `requirements` and `clock`, a row that holds today.
pub const STATUS: Fixed = Fixed(
    "(CASE
    WHEN requirements.ended_at IS NOT NULL THEN 'ended'
    WHEN requirements.satisfied_at IS NOT NULL AND requirements.valid_until < clock.today THEN 'expired'
    WHEN requirements.satisfied_at IS NOT NULL THEN 'satisfied'
    WHEN requirements.opens_on > clock.today THEN 'upcoming'
    WHEN requirements.due_on < clock.today THEN 'overdue'
    ELSE 'open' END)",
);

/// The attributes of requirements.
pub static REQUIREMENTS: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "requirements.id", "Our id."),
    Attribute::scalar("user_id", Kind::Id, "requirements.user_id", "Who."),
    Attribute::scalar("course_id", Kind::Id, "requirements.course_id", "What."),
    Attribute::scalar(
        "cycle",
        Kind::Integer,
        "requirements.cycle",
        "Counts the requirements of a person for a course.",
    ),
    Attribute::scalar(
        "status",
        Kind::Enum(RequirementStatus::WORDS),
        STATUS.0,
        "Its status today.",
    ),
    Attribute::scalar(
        "opens_on",
        Kind::Date,
        "requirements.opens_on",
        "The first day on which it counts.",
    ),
    Attribute::scalar("due_on", Kind::Date, "requirements.due_on", "By when."),
    Attribute::scalar(
        "satisfied_at",
        Kind::Instant,
        "requirements.satisfied_at",
        "When its completion happened.",
    ),
    Attribute::scalar(
        "valid_until",
        Kind::Date,
        "requirements.valid_until",
        "The last day that its completion counts.",
    ),
    Attribute::scalar(
        "ended_at",
        Kind::Instant,
        "requirements.ended_at",
        "When it ended.",
    ),
    Attribute::scalar(
        "end_reason",
        Kind::Enum(EndReason::WORDS),
        "requirements.end_reason",
        "Why it ended.",
    ),
    Attribute {
        name: "rule_id",
        kind: Kind::Id,
        column: Column::Exists {
            from: "requirement_reasons rr",
            on: "rr.user_id = requirements.user_id AND rr.requirement_id = requirements.id AND rr.ended_at IS NULL",
            value: "rr.rule_id",
        },
        doc: "The rules that ask for it.",
    },
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "requirements.created_at",
        "When it was added.",
    ),
    Attribute::scalar(
        "updated_at",
        Kind::Instant,
        "requirements.updated_at",
        "When it was last changed.",
    ),
]);
