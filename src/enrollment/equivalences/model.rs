//! The types of `/v1/course-equivalences`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    bulk_row,
    catalog::courses::model::Course,
    db::{Sql, schema::course_equivalences},
    http::rules::rule,
    resource,
    resource::{Create, Record, Update},
    sql,
};

/// Says that completions of one course also count for another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = course_equivalences)]
pub struct CourseEquivalence {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: CourseEquivalenceFields,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived: completions count for their own course only.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What callers write of a course equivalence.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = course_equivalences)]
#[validate(schema(function = names_two_courses, skip_on_field_errors = false))]
pub struct CourseEquivalenceFields {
    /// The course that completions of the other one count for, too.
    #[record(fixed)]
    pub course_id: Uuid,
    /// The course whose completions count.
    #[record(fixed)]
    pub equivalent_id: Uuid,
    /// Whether completions of `course_id` count for `equivalent_id`, too.
    #[serde(default)]
    #[schema(default = false)]
    pub is_mutual: bool,
    /// Why, for those who ask later.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 1000,
        format = "multiline",
        example = "The course of 2024 has the same content."
    )]
    #[record(opaque)]
    pub note: Option<String>,
}

/// A course equivalence to be added.
pub type CreateCourseEquivalence = Create<CourseEquivalence>;

/// Changes to a course equivalence.
pub type UpdateCourseEquivalence = Update<CourseEquivalence>;

bulk_row! {
    /// A course equivalence to create or update: either `create`, or `id` with `update`.
    BulkCourseEquivalenceRow: CreateCourseEquivalence, UpdateCourseEquivalence
}

// The scope must cover the courses whose requirements it bears on: the first, and if it is mutual, both.
resource!(CourseEquivalence in course_equivalences, fields: CourseEquivalenceFields, name: "course equivalence",
    kind: "course_equivalence", external: None, read: CoursesRead, write: CoursesWrite,
    covered: |scope| Sql::all([
        scope.courses("course_equivalences.course_id"),
        Sql::any([sql!("NOT course_equivalences.is_mutual"), scope.courses("course_equivalences.equivalent_id")]),
    ]),
    visible: |scope| sql!(
        "(SELECT count(*) FROM courses WHERE {visible}
            AND courses.id IN (course_equivalences.course_id, course_equivalences.equivalent_id)) = 2",
        visible = Course::visible(scope),
    ),
    archived: archived_at);

fn names_two_courses(equivalence: &CourseEquivalenceFields) -> Result<(), ValidationError> {
    match equivalence.course_id == equivalence.equivalent_id {
        true => rule("/equivalent_id", "must be another course than course_id"),
        false => Ok(()),
    }
}
