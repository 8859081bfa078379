//! The types of the activities of an enrollment, their attempts and launches.

use chrono::{DateTime, Utc};
use diesel::{Queryable, QueryableByName, Selectable, sql_types};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

pub use super::{
    outline::ActivityProgressState,
    runtime::report::{AttemptCompletion, AttemptSuccess},
};
use crate::{
    catalog::courses::modules::{ActivityKind, Criterion, ModuleRule, ScorePolicy},
    db::schema::attempts,
    enrollment::enrollments::model::EnrollmentState,
    http::Versioned,
    text_enum,
};

text_enum! {
    /// What kind of content an activity shows.
    LaunchedKind {
        /// A document, an image, a sound.
        File = "file",
        /// A text.
        Page = "page",
        /// A video with its captions.
        Video = "video",
        /// An address elsewhere.
        Link = "link",
        /// A SCORM package.
        Package = "package",
    }
}

text_enum! {
    /// What a launch is for.
    LaunchMode {
        /// Learning: what is done counts.
        Normal = "normal",
        /// Looking again at what was done: nothing is written.
        Review = "review",
        /// Testing: it goes on as for learners, and counts nowhere.
        Test = "test",
    }
}

/// The content that an activity shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActivityContent {
    /// The version of the content.
    pub content_version_id: Uuid,
    /// What kind of content it is.
    pub kind: LaunchedKind,
    /// What it is called.
    pub title: String,
    /// Its language.
    pub language: String,
}

/// An activity of an enrollment: what there is to do, and how far the learner is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EnrollmentActivity {
    /// Our id: the same in all versions of the course.
    pub id: Uuid,
    /// The module that it stands in.
    pub module_id: Uuid,
    /// What it is called.
    pub title: String,
    /// What kind of thing it is.
    pub kind: ActivityKind,
    /// The content that it shows, if it shows one.
    pub content: Option<ActivityContent>,
    /// What completes it. Null: the content decides, or nothing is recorded of it (`is_tracked`).
    pub criterion: Option<Criterion>,
    /// Whether Provost records what learners do with it.
    pub is_tracked: bool,
    /// Whether the module needs it.
    pub is_required: bool,
    /// How much it counts for the progress and the score of the course, beside others.
    pub weight: i32,
    /// How long it takes.
    pub minutes: Option<i32>,
    /// How far the learner is.
    pub state: ActivityProgressState,
    /// How much of it is done.
    #[schema(minimum = 0, maximum = 100)]
    pub progress_percent: i16,
    /// The score, of 100: of the attempt that `score_of` names.
    pub score: Option<f64>,
    /// Which attempt's score counts.
    pub score_of: ScorePolicy,
    /// How long the learner spent with it, as the content reports.
    pub seconds: i32,
    /// Where a video goes on.
    pub position_seconds: Option<i32>,
    /// The name that the learner gave when they declared to have read and understood.
    pub declared_as: Option<String>,
    /// Whether it cannot be opened yet.
    pub is_locked: bool,
    /// Why it is locked, in sentences.
    pub locked_because: Vec<String>,
    /// How many attempts the learner began.
    pub attempts_used: i32,
    /// How many attempts they may still begin; null: no limit.
    pub attempts_left: Option<i32>,
    /// When the learner first opened it.
    pub started_at: Option<DateTime<Utc>>,
    /// When its criterion was met.
    pub completed_at: Option<DateTime<Utc>>,
    /// Counts up with every change; the ETag. 0: nothing was done yet.
    pub version: i64,
}

impl Versioned for EnrollmentActivity {
    fn version(&self) -> i64 {
        self.version
    }
}

/// A module of an enrollment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EnrollmentModule {
    /// Our id: the same in all versions of the course.
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// What completes it.
    pub complete_when: ModuleRule,
    /// Whether each required activity is locked until those before it are completed.
    pub in_order: bool,
    /// Whether its rule is met.
    pub is_completed: bool,
    /// Whether other modules must be completed first.
    pub is_locked: bool,
    /// Which ones, in sentences.
    pub locked_because: Vec<String>,
    /// What there is to do, in order.
    pub activities: Vec<EnrollmentActivity>,
}

/// What a course consists of for one learner, and how far they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EnrollmentActivities {
    /// The enrollment.
    pub enrollment_id: Uuid,
    /// The version of the course that the learner takes.
    pub course_version_id: Uuid,
    /// What the course is called in that version.
    #[schema(example = "Fire safety")]
    pub title: String,
    /// The language that it is taught in: a BCP 47 primary tag.
    #[schema(example = "en")]
    pub language: String,
    /// How far the enrollment is.
    pub state: EnrollmentState,
    /// Whether activities are tracked: then progress follows from them, and learners do not tell it.
    pub is_tracked: bool,
    /// How much of the course is done now: the required activities by their weights.
    #[schema(minimum = 0, maximum = 100)]
    pub progress_percent: i16,
    /// The score of the course so far, of 100: the mean of the activities' scores by weight.
    pub score: Option<f64>,
    /// The modules, in order.
    pub modules: Vec<EnrollmentModule>,
}

/// What is on record about an activity of an enrollment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, QueryableByName, ToSchema)]
pub struct ActivityRecord {
    /// The learner.
    #[diesel(sql_type = sql_types::Uuid)]
    pub user_id: Uuid,
    /// The enrollment.
    #[diesel(sql_type = sql_types::Uuid)]
    pub enrollment_id: Uuid,
    /// The activity.
    #[diesel(sql_type = sql_types::Uuid)]
    pub activity_id: Uuid,
    /// How far the learner is.
    #[diesel(sql_type = sql_types::Text)]
    pub state: ActivityProgressState,
    /// How much of it is done.
    #[diesel(sql_type = sql_types::SmallInt)]
    pub progress_percent: i16,
    /// The score, of 100.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Double>)]
    pub score: Option<f64>,
    /// How long the learner spent with it.
    #[diesel(sql_type = sql_types::Integer)]
    pub seconds: i32,
    /// Where a video goes on.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Integer>)]
    pub position_seconds: Option<i32>,
    /// The name that the learner gave when they declared to have read and understood.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub declared_as: Option<String>,
    /// How many attempts were granted beside those of the course.
    #[diesel(sql_type = sql_types::SmallInt)]
    pub attempts_granted: i16,
    /// When the learner first opened it.
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// When its criterion was met.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    pub completed_at: Option<DateTime<Utc>>,
    /// When somebody corrected or reset it: attempts that began before count no more.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    pub corrected_at: Option<DateTime<Utc>>,
    /// Counts up with every change.
    #[diesel(sql_type = sql_types::BigInt)]
    pub version: i64,
}

/// An attempt at content that reports back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = attempts)]
pub struct Attempt {
    /// Our id.
    pub id: Uuid,
    /// The learner.
    pub user_id: Uuid,
    /// The enrollment.
    pub enrollment_id: Uuid,
    /// The activity.
    pub activity_id: Uuid,
    /// The version of the content that it is at.
    pub content_version_id: Uuid,
    /// Counts the attempts at the activity.
    pub number: i32,
    /// What it is for.
    pub mode: LaunchMode,
    /// Whether it reported that it is complete.
    pub completion: AttemptCompletion,
    /// Whether it reported success.
    pub success: AttemptSuccess,
    /// The score that it reported, of 100.
    pub score: Option<f64>,
    /// How much of it is done.
    #[schema(minimum = 0, maximum = 100)]
    pub progress_percent: i16,
    /// How long it took.
    pub seconds: i32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
    /// When it ended; null: it goes on where it was left.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A launch to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateLaunch {
    /// `normal` begins another attempt at what is completed; `review` shows the last one. Default: `review` for what is completed,
    /// `normal` otherwise.
    #[serde(default)]
    pub mode: Option<RequestedMode>,
}

text_enum! {
    /// What a launch is to be for.
    RequestedMode {
        /// Learning.
        Normal = "normal",
        /// Looking again at what was done.
        Review = "review",
    }
}

/// A launch: the address under which a learner opens an activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Launch {
    /// Our id; null for an address elsewhere.
    pub id: Option<Uuid>,
    /// What to open, or to put into a frame. The address is the permission: show it to this learner only.
    pub url: String,
    /// Until when it can be opened; null for an address elsewhere.
    pub expires_at: Option<DateTime<Utc>>,
    /// The attempt that it goes on with; null for what does not report back.
    pub attempt_id: Option<Uuid>,
    /// What it is for.
    pub mode: LaunchMode,
}

/// A declaration to have read and understood.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateDeclaration {
    /// The learner's name, as they write it.
    #[schema(min_length = 1, max_length = 200, example = "Ana Silva")]
    pub name: String,
}

/// A confirmation that a learner did something.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateConfirmation {
    /// The score, of 100, if there is one.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub score: Option<f64>,
    /// What was seen.
    #[serde(default)]
    #[schema(max_length = 2000, format = "multiline")]
    pub note: Option<String>,
}

/// A correction of what is on record about an activity.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CorrectActivity {
    /// How far the learner is.
    #[serde(default)]
    #[schema(nullable = false)]
    pub state: Option<CorrectedState>,
    /// The score, of 100; null takes it away.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
    pub score: Option<Option<f64>>,
    /// Why it is corrected.
    #[schema(min_length = 1, max_length = 2000, format = "multiline")]
    pub reason: String,
}

text_enum! {
    /// How far a learner is, by a correction.
    CorrectedState {
        /// Begun.
        InProgress = "in_progress",
        /// Its criterion counts as met.
        Completed = "completed",
        /// It counts as failed.
        Failed = "failed",
    }
}

/// A reset: the present attempt ends, and the next launch begins another.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ResetActivity {
    /// Why.
    #[schema(min_length = 1, max_length = 2000, format = "multiline")]
    pub reason: String,
}

/// More attempts for a learner.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct GrantAttempts {
    /// How many more.
    #[schema(minimum = 1, maximum = 100, example = 1)]
    pub count: i16,
    /// Why.
    #[schema(min_length = 1, max_length = 2000, format = "multiline")]
    pub reason: String,
}
