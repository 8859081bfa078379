//! The types of `/v1/courses`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::{
    modules::{Module, Modules, are_sound},
    public,
};
use crate::{
    bulk_row,
    catalog::{tags, visibility},
    db::schema::courses,
    list_query,
    period::{LastingPeriod, Period},
    resource,
    resource::{Create, Record, Update},
    text_enum,
};

text_enum! {
    /// The status of a course.
    CourseStatus {
        /// Never published: only its authors see it.
        Draft = "draft",
        /// Learners can take it.
        Published = "published",
        /// Takes no new learners; history stays.
        Retired = "retired",
    }
}

text_enum! {
    /// How much a course asks for.
    CourseLevel {
        /// For beginners.
        Introductory = "introductory",
        /// Builds on the basics.
        Intermediate = "intermediate",
        /// For those who know the field.
        Advanced = "advanced",
    }
}

/// A course: the working copy from which the next version is published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = courses)]
pub struct Course {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: CourseFields,
    /// The status.
    pub status: CourseStatus,
    /// The current version, which new learners get; null if the course was never published.
    #[record(opaque)]
    pub current_version_id: Option<Uuid>,
    /// The number of the current version.
    #[schema(example = 1)]
    #[record(opaque)]
    pub current_version_number: Option<i32>,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[record(sort)]
    pub updated_at: DateTime<Utc>,
    /// When it was retired.
    pub retired_at: Option<DateTime<Utc>>,
}

/// What callers write of a course.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = courses)]
pub struct CourseFields {
    /// A short name for programs; unique.
    #[schema(min_length = 1, max_length = 200, pattern = r"^\S+$", example = "FIRE-101")]
    #[record(folded, sort)]
    pub code: String,
    /// The title.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S", example = "Fire safety")]
    #[record(sort)]
    pub title: String,
    /// One or two sentences.
    #[serde(default)]
    #[schema(default = "", max_length = 5000, format = "multiline")]
    pub summary: String,
    /// The long description.
    #[serde(default)]
    #[schema(default = "", max_length = 20000, format = "multiline")]
    #[record(opaque)]
    pub description: String,
    /// The language that it is taught in: a BCP 47 primary tag. The search knows its words by it.
    #[schema(pattern = "^[a-z]{2,3}$", example = "en")]
    #[record(kind = Exact)]
    pub language: String,
    /// The category that it is in.
    #[serde(default)]
    pub category_id: Option<Uuid>,
    /// Tags, in lower case and alphabetical order.
    #[serde(default, deserialize_with = "tags::normalized")]
    #[schema(max_items = 50, schema_with = tags::schema)]
    #[record(opaque)]
    pub tags: Vec<String>,
    /// Who made it.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub provider: Option<String>,
    /// How much it asks for.
    #[serde(default)]
    pub level: Option<CourseLevel>,
    /// How long it takes.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub duration_minutes: Option<i32>,
    /// The effort that it asks for.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub credits: Option<f64>,
    /// How long a completion is valid; null if it does not expire.
    #[serde(default)]
    #[schema(value_type = Option<LastingPeriod>)]
    #[record(opaque)]
    pub validity_period: Option<Period>,
    /// Modules and their activities, in order.
    #[serde(default)]
    #[schema(value_type = Vec<Module>, max_items = 200)]
    #[validate(custom(function = are_sound))]
    #[record(opaque)]
    pub modules: Modules,
}

/// A course to create, as a draft.
pub type CreateCourse = Create<Course>;

/// Changes to a course's working copy.
pub type UpdateCourse = Update<Course>;

bulk_row! {
    /// A course to create or update: either `create`, or `id` with `update`.
    BulkCourseRow: CreateCourse, UpdateCourse
}

resource!(Course in courses, fields: CourseFields, name: "course", kind: "course", external: Some("course"),
    read: CoursesRead, write: CoursesWrite,
    covered: |scope| scope.courses("courses.id"),
    visible: |scope| visibility::courses(scope), reduced: public::reduce,
    new: { status: CourseStatus::Draft, current_version_id: None, current_version_number: None },
    archived: retired_at as "retired");

/// The fields in which a copy of a course differs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CloneCourse {
    /// The copy's code; unique.
    #[schema(min_length = 1, max_length = 200, pattern = r"^\S+$", example = "FIRE-102")]
    pub code: String,
    /// The copy's title; the course's, if absent.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S", nullable = false)]
    pub title: Option<String>,
    /// The copy's category; the course's, if absent.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<Uuid>)]
    pub category_id: Option<Option<Uuid>>,
}

/// All modules and activities of a course.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CourseOutline {
    /// Modules and their activities, in order.
    #[schema(value_type = Vec<Module>, max_items = 200)]
    #[validate(custom(function = are_sound))]
    pub modules: Modules,
}

list_query! {
    /// The parameters of the list of courses.
    ListCourses,
    /// The order; a leading `-` turns it round. With `q` also `relevance`, best first, which is the default then.
    sort,
    {
        /// Words to search for in titles, codes, tags, providers, summaries and descriptions, in any form that the course's
        /// language gives them, with or without accents; `"…"` for a phrase, `-` before what must not occur, `or` between
        /// alternatives.
        #[param(max_length = 500, example = "fire safety")]
        q: Option<String>,
        /// Only courses in this language.
        #[param(pattern = "^[a-z]{2,3}$", example = "en")]
        language: Option<String>,
        /// What to show inside each row.
        #[param(max_length = 200)]
        expand: Option<String>,
    }
}
