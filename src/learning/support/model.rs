//! The types of `/v1/launches`.

use chrono::{DateTime, Utc};
use diesel::{QueryableByName, sql_types};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{learning::model::LaunchMode, text_enum};

/// A launch that was made: when a learner opened an activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, QueryableByName)]
pub struct RecordedLaunch {
    /// Our id.
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
    /// The learner.
    #[diesel(sql_type = sql_types::Uuid)]
    pub user_id: Uuid,
    /// The enrollment.
    #[diesel(sql_type = sql_types::Uuid)]
    pub enrollment_id: Uuid,
    /// The activity.
    #[diesel(sql_type = sql_types::Uuid)]
    pub activity_id: Uuid,
    /// The attempt; null for content that does not report back.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub attempt_id: Option<Uuid>,
    /// The version of the course that the enrollment had.
    #[diesel(sql_type = sql_types::Uuid)]
    pub course_version_id: Uuid,
    /// The version of the content that it shows.
    #[diesel(sql_type = sql_types::Uuid)]
    pub content_version_id: Uuid,
    /// What it is for.
    #[diesel(sql_type = sql_types::Text)]
    pub mode: LaunchMode,
    /// Who asked for its address: a service account, or somebody who reviews; null: the learner.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub created_by: Option<Uuid>,
    /// When it was made.
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// Until when its address works, or worked.
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub expires_at: DateTime<Utc>,
    /// When the package last saved something; null: it never did.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    pub saved_at: Option<DateTime<Utc>>,
    /// When the package said that it is over; null: it did not, so that the next launch goes on with the attempt.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    pub terminated_at: Option<DateTime<Utc>>,
}

/// A launch with what happened in it, and why its activity counts or does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LaunchReport {
    /// The launch.
    #[serde(flatten)]
    pub launch: RecordedLaunch,
    /// Why the activity counts now, or does not.
    pub verdict: LaunchVerdict,
    /// What happened, in order. Entries are kept for 30 days.
    pub log: Vec<LaunchLogEntry>,
}

/// Why an activity counts now, or does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LaunchVerdict {
    /// Whether the activity is completed, in an enrollment that counts.
    pub counts: bool,
    /// Why, in sentences.
    pub words: Vec<String>,
}

/// Something that happened in a launch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LaunchLogEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// What kind of thing it is.
    pub kind: LaunchLogKind,
    /// What happened, in a sentence.
    pub words: String,
}

text_enum! {
    /// What kind of thing happened in a launch.
    LaunchLogKind {
        /// The address was made.
        Opened = "opened",
        /// The package changed its status.
        Status = "status",
        /// The package changed its score.
        Score = "score",
        /// The package said how it is left.
        Exit = "exit",
        /// The package said that it is over.
        Ended = "ended",
        /// What the attempt comes to changed.
        Attempt = "attempt",
        /// How far the learner is with the activity changed.
        Activity = "activity",
        /// The package saved its place or its data; told once, as of the last time.
        Saved = "saved",
        /// Something was refused.
        Refused = "refused",
        /// A newer launch took over.
        Superseded = "superseded",
        /// The window closed without the package ending.
        Suspended = "suspended",
        /// The address stopped working.
        Expired = "expired",
    }
}
