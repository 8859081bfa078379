//! The types of `/v1/requirements`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    Insertable, Queryable, QueryableByName, Selectable,
    sql_types::{Jsonb, Text},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::{deciding::DecidingReasons, store};
use crate::{
    authz::{CallContext, Permission, Protected, Scope},
    bulk_row,
    db::{
        Condition, Sql,
        schema::{requirement_reasons, requirements},
    },
    enrollment::target::Target,
    http::Versioned,
    instant, list_query,
    resource::Record,
    text_enum,
};

text_enum! {
    /// The status of a requirement, computed from its dates.
    RequirementStatus {
        /// Opens on a later day.
        Upcoming = "upcoming",
        /// Not completed, and not past the due date.
        Open = "open",
        /// Not completed, and past the due date. Users who are absent are not late: theirs are open.
        Overdue = "overdue",
        /// Completed, and the completion is valid.
        Satisfied = "satisfied",
        /// Satisfied by a waiver.
        Waived = "waived",
        /// Completed or waived, but no longer.
        Expired = "expired",
        /// It has no live reason.
        Ended = "ended",
    }
}

text_enum! {
    /// Why a requirement ended.
    EndReason {
        /// Its person left the rule's audience.
        LeftAudience = "left_audience",
        /// The rule asks for this target no more.
        RuleChanged = "rule_changed",
        /// The rule was archived.
        RuleArchived = "rule_archived",
        /// The manual reason was removed.
        Withdrawn = "withdrawn",
        /// Its person was archived.
        UserLeft = "user_left",
        /// An override released its person.
        Released = "released",
        /// The completion that satisfied it did not happen, and a later cycle goes on.
        EvidenceGone = "evidence_gone",
    }
}

text_enum! {
    /// What asks for a requirement.
    ReasonKind {
        /// A rule.
        Rule = "rule",
        /// Somebody, by hand.
        Person = "person",
    }
}

/// A requirement: a user must hold a valid completion of a course. Each cycle is a requirement of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, QueryableByName, ToSchema, Record)]
#[diesel(table_name = requirements)]
pub struct Requirement {
    /// Our id.
    pub id: Uuid,
    /// Who.
    pub user_id: Uuid,
    /// What.
    #[diesel(sql_type = Jsonb)]
    #[record(computed = "target_json(§course_id, §path_id)")]
    pub target: Target,
    /// Counts the requirements of this person for this target.
    #[schema(example = 1)]
    pub cycle: i32,
    /// Its status today.
    #[diesel(sql_type = Text)]
    #[record(elsewhere)]
    pub status: RequirementStatus,
    /// The first day on which it counts.
    pub opens_on: NaiveDate,
    /// The due date: the earliest of its live reasons.
    pub due_on: Option<NaiveDate>,
    /// When the completion that satisfies it happened, or the waiver began.
    pub satisfied_at: Option<DateTime<Utc>>,
    /// The completion that satisfies it.
    pub completion_id: Option<Uuid>,
    /// The waiver that satisfies it.
    pub waiver_id: Option<Uuid>,
    /// The last day on which that counts: the earliest of its reasons, but for rules that the user left with
    /// `keep_until_satisfied`. Null if it does not expire.
    pub valid_until: Option<NaiveDate>,
    /// The day on which the next cycle opens.
    pub renews_on: Option<NaiveDate>,
    /// When its last reason ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A requirement as events tell of it: what is stored. Its status follows from the dates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Record)]
#[diesel(table_name = requirements)]
pub struct StoredRequirement {
    /// Our id.
    pub id: Uuid,
    /// Who.
    pub user_id: Uuid,
    /// What.
    #[record(computed = "target_json(§course_id, §path_id)")]
    pub target: Target,
    /// Counts the requirements of this person for this target.
    #[schema(example = 1)]
    pub cycle: i32,
    /// The first day on which it counts.
    pub opens_on: NaiveDate,
    /// The due date: the earliest of its live reasons.
    pub due_on: Option<NaiveDate>,
    /// When the completion that satisfies it happened, or the waiver began.
    pub satisfied_at: Option<DateTime<Utc>>,
    /// The completion that satisfies it.
    pub completion_id: Option<Uuid>,
    /// The waiver that satisfies it.
    pub waiver_id: Option<Uuid>,
    /// The last day on which that counts: the earliest of its reasons, but for rules that the user left with
    /// `keep_until_satisfied`. Null if it does not expire.
    pub valid_until: Option<NaiveDate>,
    /// The day on which the next cycle opens.
    pub renews_on: Option<NaiveDate>,
    /// When its last reason ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// Counts up with every change.
    pub version: i64,
}

impl From<&Requirement> for StoredRequirement {
    fn from(requirement: &Requirement) -> Self {
        StoredRequirement {
            id: requirement.id,
            user_id: requirement.user_id,
            target: requirement.target,
            cycle: requirement.cycle,
            opens_on: requirement.opens_on,
            due_on: requirement.due_on,
            satisfied_at: requirement.satisfied_at,
            completion_id: requirement.completion_id,
            waiver_id: requirement.waiver_id,
            valid_until: requirement.valid_until,
            renews_on: requirement.renews_on,
            ended_at: requirement.ended_at,
            end_reason: requirement.end_reason,
            version: requirement.version,
        }
    }
}

/// A requirement that has just opened, as its event tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OpenedRequirement {
    /// Our id.
    pub id: Uuid,
    /// Who.
    pub user_id: Uuid,
    /// What.
    pub target: Target,
    /// Counts the requirements of this person for this target.
    #[schema(example = 1)]
    pub cycle: i32,
    /// The first day on which it counts.
    pub opens_on: NaiveDate,
    /// The due date: the earliest of its reasons.
    pub due_on: Option<NaiveDate>,
    /// The reasons for which it opened; later ones have events of their own.
    pub reasons: Vec<OpeningReason>,
}

/// Why a requirement opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OpeningReason {
    /// The kind of reason.
    pub kind: ReasonKind,
    /// The rule, if it is one.
    pub rule_id: Option<Uuid>,
    /// The version of the rule that set the due date.
    pub rule_version: Option<i64>,
    /// The user who assigned it, if it was assigned by hand.
    pub assigned_by: Option<Uuid>,
    /// The text that the user gave.
    pub note: Option<String>,
    /// By when.
    pub due_on: Option<NaiveDate>,
}

impl From<&RequirementReason> for OpeningReason {
    fn from(reason: &RequirementReason) -> Self {
        OpeningReason {
            kind: reason.kind,
            rule_id: reason.rule_id,
            rule_version: reason.rule_version,
            assigned_by: reason.assigned_by,
            note: reason.note.clone(),
            due_on: reason.due_on,
        }
    }
}

/// A requirement with its reasons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequirementWithReasons {
    /// The requirement.
    #[serde(flatten)]
    pub requirement: Requirement,
    /// The reasons, oldest first, with those that ended.
    pub reasons: Vec<RequirementReason>,
    /// Which reasons decide the dates.
    pub decides: DecidingReasons,
}

/// Why a requirement exists.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, Insertable, ToSchema, Record,
)]
#[diesel(table_name = requirement_reasons)]
pub struct RequirementReason {
    /// Our id.
    pub id: Uuid,
    /// The kind of reason.
    pub kind: ReasonKind,
    /// The rule, if it is one.
    pub rule_id: Option<Uuid>,
    /// The version of the rule that set the due date.
    pub rule_version: Option<i64>,
    /// The user who assigned it, if it was assigned by hand.
    pub assigned_by: Option<Uuid>,
    /// The text that the user gave.
    pub note: Option<String>,
    /// When it is due before grace, extensions and absences move that day; the next cycles count from it.
    pub scheduled_on: Option<NaiveDate>,
    /// By when.
    pub due_on: Option<NaiveDate>,
    /// Until when what satisfies the requirement counts for this reason.
    pub valid_until: Option<NaiveDate>,
    /// The day on which the next cycle opens for this reason.
    pub renews_on: Option<NaiveDate>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when.
    pub ended_at: Option<DateTime<Utc>>,
}

list_query! {
    /// The parameters of the list of requirements.
    ListRequirements,
    /// The order, `created_at` or `due_on`, by which those without a due date come last; a leading `-` turns it round.
    sort,
    {
        /// As of this day: statuses, and what was satisfied or had ended by then. Who may see what is decided by today.
        as_of: Option<NaiveDate>,
        /// As it was known at this instant; now, if absent. What was recorded or corrected later is left out.
        #[serde(default, deserialize_with = "instant::optional")]
        known_at: Option<DateTime<Utc>>,
        /// What to show inside each row.
        #[param(max_length = 200)]
        expand: Option<String>,
    }
}

/// A requirement to assign by hand.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = due_after_opening, skip_on_field_errors = false))]
pub struct CreateRequirement {
    /// Who.
    pub user_id: Uuid,
    /// What.
    pub target: Target,
    /// The first day on which it counts; default: today.
    #[serde(default)]
    pub opens_on: Option<NaiveDate>,
    /// By when.
    #[serde(default)]
    pub due_on: Option<NaiveDate>,
    /// Why.
    #[serde(default)]
    #[schema(
        max_length = 2000,
        format = "multiline",
        example = "Agreed in the yearly talk"
    )]
    pub note: Option<String>,
}

/// A manual reason to remove.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RemoveRequirementReason {
    /// The reason's id.
    pub reason_id: Uuid,
}

bulk_row! {
    /// A requirement to be assigned, or one that is to lose a reason: either `create`, or `id` with `remove_reason`.
    BulkRequirementRow: CreateRequirement,
    /// The reason, which a person gave; the requirement ends with its last one.
    remove_reason: RemoveRequirementReason
}

/// Said of a `due_on` before the day on which the requirement opens.
pub const DUE_TOO_EARLY: &str = "must not be before opens_on, which is today if it is left out";

fn due_after_opening(new: &CreateRequirement) -> Result<(), validator::ValidationError> {
    match (new.opens_on, new.due_on) {
        (Some(opens), Some(due)) if due < opens => crate::http::rules::rule("/due_on", DUE_TOO_EARLY),
        _ => Ok(()),
    }
}

/// A row of a list, with the value that it is ordered by.
#[derive(Debug, QueryableByName)]
pub struct RequirementRow {
    /// The requirement.
    #[diesel(embed)]
    pub requirement: Requirement,
    /// What it is ordered by.
    #[diesel(sql_type = Jsonb)]
    pub sort_key: Value,
}

impl Versioned for Requirement {
    fn version(&self) -> i64 {
        self.version
    }
}

impl Versioned for RequirementWithReasons {
    fn version(&self) -> i64 {
        self.requirement.version
    }
}

/// By hand, because the status is no column but follows from today.
impl Protected for Requirement {
    const NAME: &'static str = "requirement";
    const ID: &'static str = "requirements.id";
    const EXTERNAL: Option<&'static str> = None;
    const READ: Permission = Permission::RequirementsRead;

    fn covered(scope: &Scope) -> Sql {
        scope.facts("requirements.user_id", "requirements.course_id")
    }

    fn select(
        asking: &mut dyn CallContext,
        condition: Condition,
        allowed: Condition,
        lock: bool,
    ) -> diesel::QueryResult<Option<(Self, bool)>> {
        Ok(store::select(asking, condition, allowed, lock)?
            .into_iter()
            .next())
    }

    fn select_all(
        asking: &mut dyn CallContext,
        condition: Condition,
        allowed: Condition,
        lock: bool,
    ) -> diesel::QueryResult<Vec<(Uuid, Self, bool)>> {
        let found = store::select(asking, condition, allowed, lock)?;
        Ok(found
            .into_iter()
            .map(|(requirement, allowed)| (requirement.id, requirement, allowed))
            .collect())
    }
}
