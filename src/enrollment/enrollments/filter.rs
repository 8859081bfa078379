//! What filters may say about enrollments.

use super::model::{EnrollmentSource, EnrollmentState};
use crate::filter::{Attribute, Kind, Schema};

/// The attributes of enrollments.
pub static ENROLLMENTS: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "enrollments.id", "Our id."),
    Attribute::scalar("user_id", Kind::Id, "enrollments.user_id", "Who."),
    Attribute::scalar("course_id", Kind::Id, "enrollments.course_id", "What."),
    Attribute::scalar(
        "course_version_id",
        Kind::Id,
        "enrollments.course_version_id",
        "Which version.",
    ),
    Attribute::scalar(
        "state",
        Kind::Enum(EnrollmentState::WORDS),
        "enrollments.state",
        "How far they are.",
    ),
    Attribute::scalar(
        "source",
        Kind::Enum(EnrollmentSource::WORDS),
        "enrollments.source",
        "Who made it.",
    ),
    Attribute::scalar(
        "progress_percent",
        Kind::Integer,
        "enrollments.progress_percent",
        "How much is done.",
    ),
    Attribute::scalar(
        "enrolled_at",
        Kind::Instant,
        "enrollments.enrolled_at",
        "When they were enrolled.",
    ),
    Attribute::scalar(
        "ended_at",
        Kind::Instant,
        "enrollments.ended_at",
        "When it ended.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "enrollments.created_at",
        "When it was added.",
    ),
    Attribute::scalar(
        "updated_at",
        Kind::Instant,
        "enrollments.updated_at",
        "When it was last changed.",
    ),
]);
