//! The types of `/v1/courses`.

use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::modules::{Module, Modules, links_lead_somewhere};
use crate::{
    catalog::visibility,
    db::schema::courses,
    http::{FieldError, ListQuery, Parameters, Versioned},
    period::{LastingPeriod, Period},
    protected, text_enum,
};

text_enum! {
    /// Where a course stands.
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

/// A course: the working copy that the next published version is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = courses)]
pub struct Course {
    /// Our id.
    pub id: Uuid,
    /// A short name for programs; unique.
    #[schema(example = "FIRE-101")]
    pub code: String,
    /// Where it stands.
    pub status: CourseStatus,
    /// The title.
    #[schema(example = "Fire safety")]
    pub title: String,
    /// One or two sentences.
    pub summary: String,
    /// What it is about, at length.
    pub description: String,
    /// The language that it is taught in: a BCP 47 primary tag.
    #[schema(example = "en")]
    pub language: String,
    /// The category that it is in.
    pub category_id: Option<Uuid>,
    /// Tags, in lower case and alphabetical order.
    #[schema(example = json!(["fire", "safety"]))]
    pub tags: Vec<String>,
    /// Who made it.
    pub provider: Option<String>,
    /// How much it asks for.
    pub level: Option<CourseLevel>,
    /// How long it takes.
    pub duration_minutes: Option<i32>,
    /// What it counts.
    pub credits: Option<f64>,
    /// How long a completion counts; for ever, if null.
    pub validity_period: Option<Period>,
    /// What it consists of, in order.
    #[schema(value_type = Vec<Module>)]
    pub modules: Modules,
    /// The version that learners who enroll now get; null if it was never published.
    pub current_version_id: Option<Uuid>,
    /// That version's number.
    #[schema(example = 1)]
    pub current_version_number: Option<i32>,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was retired.
    pub retired_at: Option<DateTime<Utc>>,
}

impl Versioned for Course {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(Course in courses, name: "course", external: Some("course"), read: CoursesRead,
    covered: |scope| scope.courses("courses.id"),
    visible: |scope| visibility::courses(scope));

/// A course to be added, as a draft.
#[derive(Debug, Clone, Serialize, Deserialize, Insertable, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = courses)]
pub struct CreateCourse {
    /// A short name for programs; unique.
    #[schema(min_length = 1, max_length = 200, pattern = r"^\S+$", example = "FIRE-101")]
    pub code: String,
    /// The title.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S", example = "Fire safety")]
    pub title: String,
    /// One or two sentences.
    #[serde(default)]
    #[schema(default = "", max_length = 5000, format = "multiline")]
    pub summary: String,
    /// What it is about, at length.
    #[serde(default)]
    #[schema(default = "", max_length = 20000, format = "multiline")]
    pub description: String,
    /// The language that it is taught in: a BCP 47 primary tag. The search knows its words by it.
    #[schema(pattern = "^[a-z]{2,3}$", example = "en")]
    pub language: String,
    /// The category that it is in.
    #[serde(default)]
    pub category_id: Option<Uuid>,
    /// Tags; case, order and repeats do not count.
    #[serde(default, deserialize_with = "normalized")]
    #[schema(max_items = 50, schema_with = tags_schema)]
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
    /// What it counts.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub credits: Option<f64>,
    /// How long a completion counts; for ever, if null.
    #[serde(default)]
    #[schema(value_type = Option<LastingPeriod>)]
    pub validity_period: Option<Period>,
    /// What it consists of, in order.
    #[serde(default)]
    #[schema(value_type = Vec<Module>, max_items = 200)]
    #[validate(custom(function = links_lead_somewhere))]
    pub modules: Modules,
}

/// Changes to a course's working copy: a field that is absent stays, null empties it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, AsChangeset, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = courses)]
pub struct UpdateCourse {
    /// A short name for programs; unique.
    #[schema(min_length = 1, max_length = 200, pattern = r"^\S+$", nullable = false)]
    pub code: Option<String>,
    /// The title.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S", nullable = false)]
    pub title: Option<String>,
    /// One or two sentences.
    #[schema(max_length = 5000, format = "multiline", nullable = false)]
    pub summary: Option<String>,
    /// What it is about, at length.
    #[schema(max_length = 20000, format = "multiline", nullable = false)]
    pub description: Option<String>,
    /// The language that it is taught in: a BCP 47 primary tag.
    #[schema(pattern = "^[a-z]{2,3}$", nullable = false)]
    pub language: Option<String>,
    /// The category that it is in.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<Uuid>)]
    pub category_id: Option<Option<Uuid>>,
    /// All the tags; case, order and repeats do not count.
    #[serde(default, deserialize_with = "normalized_some")]
    #[schema(schema_with = tags_schema, required = false)]
    pub tags: Option<Vec<String>>,
    /// Who made it.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub provider: Option<Option<String>>,
    /// How much it asks for.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<CourseLevel>)]
    pub level: Option<Option<CourseLevel>>,
    /// How long it takes.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1_000_000)]
    pub duration_minutes: Option<Option<i32>>,
    /// What it counts.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_000_000)]
    pub credits: Option<Option<f64>>,
    /// How long a completion counts; for ever, if null.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<LastingPeriod>)]
    pub validity_period: Option<Option<Period>>,
    /// All that it consists of, in order.
    #[schema(value_type = Vec<Module>, max_items = 200, required = false)]
    #[validate(custom(function = links_lead_somewhere))]
    pub modules: Option<Modules>,
}

/// What sets a copy of a course apart.
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

/// The parameters of the list of courses.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListCourses {
    /// Rows a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// The order; a leading `-` turns it round. With `q` also `relevance`, best first, which is the default then.
    #[param(example = "-created_at")]
    pub sort: Option<String>,
    /// Which rows, in the filter language.
    #[param(max_length = 4096)]
    pub filter: Option<String>,
    /// Words to search for in titles, codes, tags, providers, summaries and descriptions, in any form that the course's
    /// language gives them, with or without accents; `"…"` for a phrase, `-` before what must not occur, `or` between
    /// alternatives.
    #[param(max_length = 500, example = "fire safety")]
    pub q: Option<String>,
    /// Only courses in this language.
    #[param(pattern = "^[a-z]{2,3}$", example = "en")]
    pub language: Option<String>,
    /// What is wrong with the parameters so far.
    #[serde(skip)]
    pub faults: Vec<FieldError>,
}

impl Parameters for ListCourses {
    fn fault_collector(&mut self) -> Option<&mut Vec<FieldError>> {
        Some(&mut self.faults)
    }
}

impl ListCourses {
    /// What it has in common with other lists.
    pub fn common(&self) -> ListQuery {
        ListQuery {
            limit: self.limit,
            cursor: self.cursor.clone(),
            sort: self.sort.clone(),
            filter: self.filter.clone(),
            faults: self.faults.clone(),
        }
    }
}

/// Tags as they are kept: trimmed, in lower case, each once, in order.
pub fn normalize_tags<'a>(tags: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut tags: Vec<String> = tags
        .into_iter()
        .map(|tag| {
            tag.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .to_lowercase()
        })
        .filter(|tag| !tag.is_empty())
        .collect();
    tags.sort();
    tags.dedup();
    tags
}

fn normalized<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let tags = Vec::<String>::deserialize(deserializer)?;
    Ok(normalize_tags(tags.iter().map(String::as_str)))
}

fn normalized_some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    normalized(deserializer).map(Some)
}

fn tags_schema() -> utoipa::openapi::schema::Array {
    use utoipa::openapi::{ArrayBuilder, ObjectBuilder, schema::Type};
    let tag = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(100))
        .pattern(Some(r"\S"));
    ArrayBuilder::new()
        .items(tag)
        .max_items(Some(50))
        .description(Some("All the tags; case, order and repeats do not count."))
        .build()
}
