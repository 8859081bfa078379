//! The types of `/v1/rules/{rule_id}/plans` and `/applications`.

use chrono::NaiveDate;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Date, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::model::UpdateRule;
use crate::{enrollment::target::Target, text_enum};

text_enum! {
    /// What happens to a requirement.
    PlannedChangeKind {
        /// It opens.
        Opens = "opens",
        /// An existing completion or waiver satisfies it at once.
        Satisfied = "satisfied",
        /// It was satisfied, and is open again.
        Reopens = "reopens",
        /// It had ended, and goes on.
        Resumes = "resumes",
        /// It ends.
        Ends = "ends",
        /// A date of it moves.
        Moves = "moves",
    }
}

text_enum! {
    /// What a plan makes of a rule.
    PlannedStatus {
        /// It is activated, or stays active.
        Active = "active",
        /// It is archived.
        Archived = "archived",
    }
}

/// A rule to be planned.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct PlanRule {
    /// Changes to the rule that the plan assumes; default: none.
    #[serde(default)]
    pub changes: Option<UpdateRule>,
    /// What becomes of the rule.
    #[serde(default = "active")]
    #[schema(default = "active")]
    pub becomes: PlannedStatus,
    /// Simulates another day: what the rule would do if it were that day, with the facts of today. Such a plan cannot be applied.
    #[serde(default)]
    pub day: Option<NaiveDate>,
}

/// A planned rule change to apply.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ApplyRule {
    /// The hash of the plan, which may not be that of a simulation.
    #[schema(min_length = 1, max_length = 100)]
    pub plan_hash: String,
    /// What is changed in the rule first: the same as was planned.
    #[serde(default)]
    pub changes: Option<UpdateRule>,
    /// What becomes of the rule: the same as was planned.
    #[serde(default = "active")]
    #[schema(default = "active")]
    pub becomes: PlannedStatus,
    /// The largest share of the rule's requirements, open and satisfied ones, that may end.
    #[serde(default = "default_allowance")]
    #[schema(minimum = 0, maximum = 100, default = 10)]
    pub allow_removals_percent: f64,
}

impl ApplyRule {
    /// What was planned.
    pub(super) fn as_plan(&self) -> PlanRule {
        PlanRule {
            changes: self.changes.clone(),
            becomes: self.becomes,
            day: None,
        }
    }
}

/// What activating, changing or archiving a rule would do now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RulePlan {
    /// The rule.
    pub rule_id: Uuid,
    /// The hash of this plan; it changes with the rule, with users' facts and with completions. That of a simulation begins with
    /// `simulated-` and cannot be applied.
    pub plan_hash: String,
    /// The day that it simulates; null for today.
    pub day: Option<NaiveDate>,
    /// People who would join the audience.
    pub joins: i64,
    /// People who would leave it.
    pub leaves: i64,
    /// Requirements that would open.
    pub opens: i64,
    /// Requirements that a completion would satisfy at once.
    pub satisfied: i64,
    /// Satisfied requirements that would be open again.
    pub reopens: i64,
    /// Ended requirements that would go on.
    pub resumes: i64,
    /// Requirements of the rule that would end, open and satisfied ones.
    pub ends: i64,
    /// Requirements of which a date would move.
    pub moves: i64,
    /// Open requirements among these changes that would be overdue at once.
    pub overdue: i64,
    /// Issues that would open: users of whom it would be required without a due date, until somebody decides.
    pub issues: i64,
    /// Requirements that the rule is a reason of now, open and satisfied ones; of cycles only the current one.
    pub live_requirements: i64,
    /// The share of `live_requirements` that would end: `ends` in percent of them.
    pub removals_percent: f64,
    /// How many of the changes that concern users whom the caller may see are in which org unit, the one with the most first, at most
    /// 1,000 units.
    pub org_units: Vec<PlannedOrgUnit>,
    /// The first hundred changes that concern users whom the caller may see; `GET /v1/rules/{rule_id}/plans/{plan_id}/changes` lists them all for a day.
    pub changes: Vec<PlannedChange>,
}

/// What a plan does to the users of an org unit, without the units below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, QueryableByName, ToSchema)]
pub struct PlannedOrgUnit {
    /// The unit; null for users without one.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub org_unit_id: Option<Uuid>,
    /// Its code.
    #[diesel(sql_type = Nullable<Text>)]
    pub code: Option<String>,
    /// Its name.
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    /// Requirements that would open.
    #[diesel(sql_type = BigInt)]
    pub opens: i64,
    /// Requirements that a completion would satisfy at once.
    #[diesel(sql_type = BigInt)]
    pub satisfied: i64,
    /// Satisfied requirements that would be open again.
    #[diesel(sql_type = BigInt)]
    pub reopens: i64,
    /// Ended requirements that would go on.
    #[diesel(sql_type = BigInt)]
    pub resumes: i64,
    /// Requirements of the rule that would end.
    #[diesel(sql_type = BigInt)]
    pub ends: i64,
    /// Requirements of which a date would move.
    #[diesel(sql_type = BigInt)]
    pub moves: i64,
}

/// A change that a plan foresees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, QueryableByName, ToSchema)]
pub struct PlannedChange {
    /// The user.
    #[diesel(sql_type = SqlUuid)]
    pub user_id: Uuid,
    /// The target.
    #[diesel(sql_type = Jsonb)]
    pub target: Target,
    /// The cycle.
    #[diesel(sql_type = Integer)]
    pub cycle: i32,
    /// What happens to it.
    #[diesel(sql_type = Text)]
    pub kind: PlannedChangeKind,
    /// When it would be due.
    #[diesel(sql_type = Nullable<Date>)]
    pub due_on: Option<NaiveDate>,
    /// Until when what satisfies it would count.
    #[diesel(sql_type = Nullable<Date>)]
    pub valid_until: Option<NaiveDate>,
    /// When the next cycle would open.
    #[diesel(sql_type = Nullable<Date>)]
    pub renews_on: Option<NaiveDate>,
}

fn active() -> PlannedStatus {
    PlannedStatus::Active
}

/// What may end unless the caller says otherwise.
pub(super) const DEFAULT_ALLOWANCE: f64 = 10.0;

pub(super) fn default_allowance() -> f64 {
    DEFAULT_ALLOWANCE
}
