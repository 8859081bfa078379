//! The type of `/v1/courses/{course_id}/versions`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{NullableExpressionMethods, Queryable, Selectable, dsl::AssumeNotNull};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    catalog::courses::{
        findings::CourseFinding,
        modules::{Module, Modules},
    },
    db::schema::course_versions,
    http::Versioned,
    period::Period,
};

/// A published version of a course; it never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = course_versions)]
pub struct CourseVersion {
    /// Our id.
    pub id: Uuid,
    /// The course.
    pub course_id: Uuid,
    /// Counts up from 1 within the course.
    pub number: i32,
    /// The title.
    pub title: String,
    /// One or two sentences.
    pub summary: String,
    /// The long description.
    pub description: String,
    /// The language that it is taught in: a BCP 47 primary tag.
    pub language: String,
    /// How long it takes.
    pub duration_minutes: Option<i32>,
    /// The effort that it asks for.
    pub credits: Option<f64>,
    /// How long a completion is valid; null if it does not expire.
    pub validity_period: Option<Period>,
    /// Modules and their activities, in order.
    #[schema(value_type = Vec<Module>)]
    pub modules: Modules,
    /// The last day on which completions of earlier versions count; null if they still count.
    pub earlier_count_until: Option<NaiveDate>,
    /// When it was published.
    #[diesel(
        select_expression = course_versions::published_at.assume_not_null(),
        select_expression_type = AssumeNotNull<course_versions::published_at>,
    )]
    pub published_at: DateTime<Utc>,
}

/// A version of a course that was just published, with what was found wrong with its contents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CourseVersionWithFindings {
    /// The version.
    #[serde(flatten)]
    pub version: CourseVersion,
    /// What was found wrong with its contents and does not block publishing, the worst first: at most 500.
    pub findings: Vec<CourseFinding>,
}

/// What publishing says of the versions before.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct PublishCourse {
    /// The last day on which completions of earlier versions count; a day that is past, if they count no longer. Null: they still
    /// count.
    #[serde(default)]
    pub earlier_count_until: Option<NaiveDate>,
    /// The number of an earlier version to publish once more, as the next version; null publishes the working copy.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub version_number: Option<i32>,
}

impl Versioned for CourseVersion {
    fn version(&self) -> i64 {
        self.number.into()
    }
}

impl Versioned for CourseVersionWithFindings {
    fn version(&self) -> i64 {
        self.version.version()
    }
}
