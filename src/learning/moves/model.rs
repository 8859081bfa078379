//! The types of `/v1/courses/{course_id}/enrollment-moves`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::text_enum;

text_enum! {
    /// What becomes of an enrollment when a course has a new version.
    MoveChoice {
        /// It gets the new version.
        Move = "move",
        /// It keeps the version that it has.
        Stay = "stay",
    }
}

/// Which enrollments of a course move, and to what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct PlanEnrollmentMoves {
    /// The number of the published version to move to; the current one, if null.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub to_version: Option<i32>,
    /// What becomes of learners who have not begun.
    #[serde(default = "moves")]
    #[schema(default = "move")]
    pub not_started: MoveChoice,
    /// What becomes of learners who have begun. If they move, they keep what they did with activities that both versions have.
    #[serde(default = "stays")]
    #[schema(default = "stay")]
    pub in_progress: MoveChoice,
}

fn moves() -> MoveChoice {
    MoveChoice::Move
}

fn stays() -> MoveChoice {
    MoveChoice::Stay
}

/// Moves that were planned, to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ApplyEnrollmentMoves {
    /// What was planned.
    pub moves: PlanEnrollmentMoves,
    /// The `plan_hash` of the plan.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub plan_hash: String,
}

/// What moving enrollments would do, of those in the caller's scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EnrollmentMovePlan {
    /// The course.
    pub course_id: Uuid,
    /// The number of the version to move to.
    pub to_version: i32,
    /// How many enrollments move.
    pub moves: i64,
    /// How many of them are completed by that, with what was done already; completions and certificates follow.
    pub completes: i64,
    /// Those that move, by the version that they have now.
    pub versions: Vec<VersionMoves>,
    /// What to send to apply exactly this.
    pub plan_hash: String,
}

/// The enrollments that move from one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionMoves {
    /// The number of the version that they have now.
    pub from_version: i32,
    /// How many move that have not begun.
    pub not_started: i64,
    /// How many move that have begun.
    pub in_progress: i64,
    /// Activities that both versions have: what was done with them is kept.
    pub kept_activities: i64,
    /// Those of them that show other content in the new version. What is completed stays completed; attempts under way end, and do
    /// not count.
    pub replaced_activities: i64,
    /// Activities that only the new version has.
    pub new_activities: i64,
    /// Activities that only the old version has: what was done with them stays on record, and counts no more.
    pub dropped_activities: i64,
}

/// What came of moving enrollments.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct MovedEnrollments {
    /// How many moved.
    pub moved: i64,
    /// How many of them are completed by what was done already.
    pub completed: i64,
}
