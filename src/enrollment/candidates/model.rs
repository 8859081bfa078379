//! The types of `/v1/courses/{course_id}/candidates`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{QueryableByName, sql_types};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    catalog::courses::{
        findings::CourseFinding,
        modules::{Module, Modules},
    },
    http::Versioned,
    text_enum,
};

text_enum! {
    /// What becomes of a candidate.
    CandidateState {
        /// Testers take it.
        Open = "open",
        /// It is a published version now.
        Published = "published",
        /// It was withdrawn.
        Withdrawn = "withdrawn",
    }
}

text_enum! {
    /// What a tester says of a candidate.
    Verdict {
        /// It may be published.
        Approved = "approved",
        /// It must not be published.
        Rejected = "rejected",
    }
}

/// A user who tests a candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, QueryableByName, ToSchema)]
pub struct CourseTester {
    /// The user.
    #[diesel(sql_type = sql_types::Uuid)]
    pub user_id: Uuid,
    /// Their test enrollment.
    #[diesel(sql_type = sql_types::Uuid)]
    pub enrollment_id: Uuid,
    /// What they say of it; null until they do.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub verdict: Option<Verdict>,
    /// What they noted.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub note: Option<String>,
    /// When they said so.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    pub decided_at: Option<DateTime<Utc>>,
}

/// A candidate for the next version of a course: a frozen copy of its working copy. It never changes, and is published as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CourseCandidate {
    /// Our id, which is that of the version.
    pub id: Uuid,
    /// The course.
    pub course_id: Uuid,
    /// The number that the version has within the course.
    pub number: i32,
    /// What becomes of it.
    pub state: CandidateState,
    /// The title.
    pub title: String,
    /// Modules and their activities, in order.
    #[schema(value_type = Vec<Module>)]
    pub modules: Modules,
    /// What testers should know.
    pub note: Option<String>,
    /// When it was frozen.
    pub frozen_at: DateTime<Utc>,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Who tests it.
    pub testers: Vec<CourseTester>,
}

/// A candidate, with what was found wrong with its contents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CourseCandidateWithFindings {
    /// The candidate.
    #[serde(flatten)]
    pub candidate: CourseCandidate,
    /// What was found wrong with its contents, the worst first: at most 500.
    pub findings: Vec<CourseFinding>,
}

impl Versioned for CourseCandidateWithFindings {
    fn version(&self) -> i64 {
        self.candidate.version()
    }
}

impl Versioned for CourseCandidate {
    /// Testers are only added, verdicts only given, and it closes once: each counts up.
    fn version(&self) -> i64 {
        let verdicts = self.testers.iter().filter(|tester| tester.verdict.is_some());
        let closed = self.state != CandidateState::Open;
        (1 + self.testers.len() + verdicts.count() + usize::from(closed)) as i64
    }
}

/// A candidate to freeze.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateCourseCandidate {
    /// What testers should know.
    #[serde(default)]
    #[schema(max_length = 2000, format = "multiline")]
    pub note: Option<String>,
    /// The users who test it. Each gets a test enrollment.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub tester_ids: Vec<Uuid>,
}

/// More testers of a candidate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct AddCourseTesters {
    /// The users. Those who test it already go on.
    #[schema(min_items = 1, max_items = 100)]
    pub user_ids: Vec<Uuid>,
}

/// What a tester says of a candidate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct GiveVerdict {
    /// Whether it may be published.
    pub verdict: Verdict,
    /// What they noted.
    #[serde(default)]
    #[schema(max_length = 5000, format = "multiline")]
    pub note: Option<String>,
}

/// How a candidate is published.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct PublishCourseCandidate {
    /// The last day on which completions of earlier versions count; a day that is past, if they count no longer. Null: they still
    /// count.
    #[serde(default)]
    pub earlier_count_until: Option<NaiveDate>,
    /// Publishes it although testers rejected it or have not decided.
    #[serde(default)]
    pub without_approval: bool,
}
