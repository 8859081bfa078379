//! What filters may say about completions.

use super::model::CompletionSource;
use crate::filter::{Attribute, Column, Kind, Schema};

const fn attribute(name: &'static str, kind: Kind, column: &'static str, doc: &'static str) -> Attribute {
    Attribute {
        name,
        kind,
        column: Column::Scalar(column),
        doc,
    }
}

/// The attributes of completions.
pub static COMPLETIONS: Schema = Schema::new(&[
    attribute("id", Kind::Id, "completions.id", "Our id."),
    attribute("user_id", Kind::Id, "completions.user_id", "Who."),
    attribute("course_id", Kind::Id, "completions.course_id", "What."),
    attribute(
        "course_version_id",
        Kind::Id,
        "completions.course_version_id",
        "Which version.",
    ),
    attribute(
        "enrollment_id",
        Kind::Id,
        "completions.enrollment_id",
        "The enrollment that it completed.",
    ),
    attribute(
        "occurred_at",
        Kind::Instant,
        "completions.occurred_at",
        "When it happened.",
    ),
    attribute(
        "recorded_at",
        Kind::Instant,
        "completions.recorded_at",
        "When it was recorded.",
    ),
    attribute(
        "source",
        Kind::Enum(CompletionSource::WORDS),
        "completions.source",
        "Who says so.",
    ),
    attribute("score", Kind::Number, "completions.score", "The score, of 100."),
    attribute(
        "valid_until",
        Kind::Date,
        "completions.valid_until",
        "The last day that it counts.",
    ),
    attribute(
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
