//! What filters may say about enrollments.

use super::model::{EnrollmentSource, EnrollmentState};
use crate::filter::{Attribute, Column, Kind, Schema};

const fn attribute(name: &'static str, kind: Kind, column: &'static str, doc: &'static str) -> Attribute {
    Attribute {
        name,
        kind,
        column: Column::Scalar(column),
        doc,
    }
}

/// The attributes of enrollments.
pub static ENROLLMENTS: Schema = Schema::new(&[
    attribute("id", Kind::Id, "enrollments.id", "Our id."),
    attribute("user_id", Kind::Id, "enrollments.user_id", "Who."),
    attribute("course_id", Kind::Id, "enrollments.course_id", "What."),
    attribute(
        "course_version_id",
        Kind::Id,
        "enrollments.course_version_id",
        "Which version.",
    ),
    attribute(
        "state",
        Kind::Enum(EnrollmentState::WORDS),
        "enrollments.state",
        "How far they are.",
    ),
    attribute(
        "source",
        Kind::Enum(EnrollmentSource::WORDS),
        "enrollments.source",
        "Who made it.",
    ),
    attribute(
        "progress_percent",
        Kind::Integer,
        "enrollments.progress_percent",
        "How much is done.",
    ),
    attribute(
        "enrolled_at",
        Kind::Instant,
        "enrollments.enrolled_at",
        "When they were enrolled.",
    ),
    attribute(
        "ended_at",
        Kind::Instant,
        "enrollments.ended_at",
        "When it ended.",
    ),
    attribute(
        "created_at",
        Kind::Instant,
        "enrollments.created_at",
        "When it was added.",
    ),
    attribute(
        "updated_at",
        Kind::Instant,
        "enrollments.updated_at",
        "When it was last changed.",
    ),
]);
