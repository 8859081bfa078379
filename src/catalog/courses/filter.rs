//! What filters may say about courses.

use super::model::{CourseLevel, CourseStatus};
use crate::filter::{Attribute, Column, Kind, Schema};

macro_rules! attributes {
    ($($name:literal $kind:expr, $column:expr, $doc:literal;)*) => {
        &[$(Attribute { name: $name, kind: $kind, column: $column, doc: $doc }),*]
    };
}

const fn scalar(column: &'static str) -> Column {
    Column::Scalar(column)
}

/// The attributes of courses.
pub static COURSES: Schema = Schema::new(attributes! {
    "id" Kind::Id, scalar("courses.id"), "Our id.";
    "code" Kind::Folded, scalar("courses.code"), "The code.";
    "status" Kind::Enum(CourseStatus::WORDS), scalar("courses.status"), "Where it stands.";
    "title" Kind::String, scalar("courses.title"), "The title.";
    "summary" Kind::String, scalar("courses.summary"), "The summary.";
    "language" Kind::Exact, scalar("courses.language"), "The language that it is taught in.";
    "category_id" Kind::Id, scalar("courses.category_id"), "The category that it is in.";
    "category" Kind::Folded, Column::Exists {
        from: "categories c",
        on: "c.id = courses.category_id",
        value: "c.code",
    }, "The code of its category.";
    "tags" Kind::String, Column::Exists {
        from: "unnest(courses.tags) AS tag",
        on: "TRUE",
        value: "tag",
    }, "Its tags.";
    "provider" Kind::String, scalar("courses.provider"), "Who made it.";
    "level" Kind::Enum(CourseLevel::WORDS), scalar("courses.level"), "How much it asks for.";
    "duration_minutes" Kind::Integer, scalar("courses.duration_minutes"), "How long it takes.";
    "credits" Kind::Number, scalar("courses.credits"), "What it counts.";
    "published_at" Kind::Instant,
        scalar("(SELECT v.published_at FROM course_versions v WHERE v.id = courses.current_version_id)"),
        "When its current version was published.";
    "created_at" Kind::Instant, scalar("courses.created_at"), "When it was added.";
    "updated_at" Kind::Instant, scalar("courses.updated_at"), "When it was last changed.";
    "retired_at" Kind::Instant, scalar("courses.retired_at"), "When it was retired.";
});
