//! What a course consists of: modules of activities, kept with the course as JSON.

use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::ValidationError;

use crate::{
    http::{FieldError, rules::complaints},
    json_column, text_enum,
};

text_enum! {
    /// What kind of thing an activity is.
    ActivityKind {
        /// An address elsewhere that learners open.
        Link = "link",
        /// Something to read.
        Document = "document",
        /// Something to watch.
        Video = "video",
        /// Something that tests what was learnt.
        Assessment = "assessment",
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// What it is called.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S", example = "Fire doors")]
    pub title: String,
    /// What kind of thing it is.
    pub kind: ActivityKind,
    /// Where it is; a link must have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        pattern = r"^https?://[^\s\u0000-\u001f\u007f-\u009f]+$",
        max_length = 2000,
        example = "https://learn.example.com/fire-doors",
        nullable = false
    )]
    pub url: Option<String>,
    /// How long it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000, nullable = false)]
    pub minutes: Option<i32>,
}

/// A part of a course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// What it is called.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S", example = "Before a fire")]
    pub title: String,
    /// What there is to do, in order.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub activities: Vec<Activity>,
}

/// The modules of a course, in order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(transparent)]
#[diesel(sql_type = Jsonb)]
pub struct Modules(pub Vec<Module>);

json_column!(Modules);

/// A rule for bodies: a link must lead to an address.
pub fn links_lead_somewhere(modules: &Modules) -> Result<(), ValidationError> {
    let activities = modules.0.iter().enumerate().flat_map(|(module, of)| {
        let activities = of.activities.iter().enumerate();
        activities.map(move |(index, activity)| (format!("/modules/{module}/activities/{index}"), activity))
    });
    let lost =
        activities.filter(|(_, activity)| activity.kind == ActivityKind::Link && activity.url.is_none());
    complaints(lost.map(|(at, _)| FieldError::new(format!("{at}/url"), "is required of a link")))
}
