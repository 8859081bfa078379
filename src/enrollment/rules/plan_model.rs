//! The types of `/v1/rules/{rule_id}/plans` and `/applications`.

use chrono::NaiveDate;
use diesel::{
    QueryableByName,
    sql_types::{Date, Nullable, Text, Uuid as SqlUuid},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::model::UpdateRule;
use crate::text_enum;

text_enum! {
    /// What happens to a requirement.
    PlannedChangeKind {
        /// It opens.
        Opens = "opens",
        /// An existing completion satisfies it at once.
        Satisfied = "satisfied",
        /// It ends.
        Ends = "ends",
        /// Its due date moves.
        Moves = "moves",
    }
}

/// A rule to be planned.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct PlanRule {
    /// Changes to the rule that the plan assumes; default: none.
    #[serde(default)]
    pub changes: Option<UpdateRule>,
}

/// A planned rule change to apply.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ApplyRule {
    /// The hash of the plan.
    #[schema(min_length = 1, max_length = 64)]
    pub plan_hash: String,
    /// What is changed in the rule first: the same as was planned.
    #[serde(default)]
    pub changes: Option<UpdateRule>,
    /// The largest share of the rule's requirements, open and satisfied ones, that may end.
    #[serde(default = "default_allowance")]
    #[schema(minimum = 0, maximum = 100, default = 10)]
    pub allow_removals_percent: f64,
}

/// What activating or changing a rule would do now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RulePlan {
    /// The hash of this plan; it changes with the rule, with users' facts and with completions.
    pub plan_hash: String,
    /// People who would join the audience.
    pub joins: i64,
    /// People who would leave it.
    pub leaves: i64,
    /// Requirements that would open.
    pub opens: i64,
    /// Requirements that a completion would satisfy at once.
    pub satisfied: i64,
    /// Requirements of the rule that would end, open and satisfied ones.
    pub ends: i64,
    /// Requirements whose due date would move.
    pub moves: i64,
    /// Requirements that the rule is a reason of now, open and satisfied ones; of cycles only the current one.
    pub live_requirements: i64,
    /// The share of `live_requirements` that would end: `ends` in percent of them.
    pub removals_percent: f64,
    /// The first hundred changes.
    pub changes: Vec<PlannedChange>,
}

/// A change that a plan foresees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, QueryableByName)]
pub struct PlannedChange {
    /// The user.
    #[diesel(sql_type = SqlUuid)]
    pub user_id: Uuid,
    /// The course.
    #[diesel(sql_type = SqlUuid)]
    pub course_id: Uuid,
    /// What happens to it.
    #[diesel(sql_type = Text)]
    pub kind: PlannedChangeKind,
    /// When it would be due.
    #[diesel(sql_type = Nullable<Date>)]
    pub due_on: Option<NaiveDate>,
}

fn default_allowance() -> f64 {
    10.0
}
