//! What filters may say about completions.

use super::model::CompletionSource;
use crate::filter::{Attribute, Column, Kind, Schema};

/// The attributes of completions.
pub static COMPLETIONS: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "completions.id", "Our id."),
    Attribute::scalar("user_id", Kind::Id, "completions.user_id", "Who."),
    Attribute::scalar("course_id", Kind::Id, "completions.course_id", "What."),
    Attribute::scalar(
        "course_version_id",
        Kind::Id,
        "completions.course_version_id",
        "Which version.",
    ),
    Attribute::scalar(
        "enrollment_id",
        Kind::Id,
        "completions.enrollment_id",
        "The enrollment that it completed.",
    ),
    Attribute::scalar(
        "occurred_at",
        Kind::Instant,
        "completions.occurred_at",
        "When it happened.",
    ),
    Attribute::scalar(
        "occurred_on",
        Kind::Date,
        "completions.occurred_on",
        "The day on which it happened, in the person's time zone.",
    ),
    Attribute::scalar(
        "recorded_at",
        Kind::Instant,
        "completions.recorded_at",
        "When it was recorded.",
    ),
    Attribute::scalar(
        "source",
        Kind::Enum(CompletionSource::WORDS),
        "completions.source",
        "The source of the evidence.",
    ),
    Attribute::scalar("score", Kind::Number, "completions.score", "The score, of 100."),
    Attribute::scalar(
        "valid_until",
        Kind::Date,
        "completions.valid_until",
        "The last day on which it counts.",
    ),
    Attribute::scalar(
        "supersedes_id",
        Kind::Id,
        "completions.supersedes_id",
        "The completion that it corrects.",
    ),
    Attribute {
        name: "superseded_by_id",
        kind: Kind::Id,
        column: Column::Exists {
            from: "completions s",
            on: "s.user_id = completions.user_id AND s.supersedes_id = completions.id",
            value: "s.id",
        },
        doc: "Its correction.",
    },
]);
