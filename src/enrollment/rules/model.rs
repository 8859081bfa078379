//! The types of `/v1/rules`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    Queryable, Selectable,
    sql_types::{self, Array},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::{audience_model::Audience, due::DuePolicy, repeat::Repeat};
use crate::{
    authz::{Scope, ScopePart},
    bulk_row,
    db::{schema::rules, sql::Fragment},
    enrollment::target::Target,
    period::Period,
    resource,
    resource::{Create, Record, Update},
    sql, text_enum,
};

text_enum! {
    /// The status of a rule.
    RuleStatus {
        /// Does nothing yet.
        Draft = "draft",
        /// Makes requirements.
        Active = "active",
        /// Frozen: nothing opens, moves or renews by it. Its requirements stay, completions satisfy them, and those of users who
        /// leave the audience end.
        Paused = "paused",
        /// Does nothing, for good.
        Archived = "archived",
    }
}

text_enum! {
    /// What becomes of a requirement when its person leaves the rule's audience.
    OnLeave {
        /// It ends, unless something else asks for it.
        End = "end",
        /// It stays until it is satisfied, and then does not expire; no further cycle opens.
        KeepUntilSatisfied = "keep_until_satisfied",
        /// It stays, and further cycles open.
        Keep = "keep",
    }
}

text_enum! {
    /// Whether completions count that happened before a cycle opened.
    EarlyCompletions {
        /// They count as long as they are valid.
        Count = "count",
        /// They do not: only what is completed once the cycle is open counts.
        Ignore = "ignore",
    }
}

text_enum! {
    /// What becomes of a due date in an absence of its user.
    OnAbsence {
        /// It moves behind the end of the absence; in an absence whose end is not known nothing is due.
        Move = "move",
        /// It stays.
        Keep = "keep",
    }
}

/// A rule: which users must complete which courses, and by when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = rules)]
pub struct Rule {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: RuleFields,
    /// The status.
    pub status: RuleStatus,
    /// When it was activated. Resuming it after a pause does not change that.
    pub activated_at: Option<DateTime<Utc>>,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What callers write of a rule.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = rules)]
pub struct RuleFields {
    /// A short name for programs; unique.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^\S+$",
        example = "fire-safety-site"
    )]
    #[record(folded)]
    pub code: String,
    /// Its name.
    #[schema(
        min_length = 1,
        max_length = 200,
        example = "Fire safety for everybody on site"
    )]
    #[record(sort)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 5000, format = "multiline")]
    #[record(opaque)]
    pub description: String,
    /// Who: everybody whom its filter finds or its lists name, except some. Archived users are in no audience.
    #[record(opaque)]
    pub audience: Audience,
    /// The org unit that the rule belongs to; this stays. Of its audience it reaches the users of that unit and of all units below
    /// it. Null: it reaches everybody.
    #[serde(default)]
    #[record(fixed)]
    pub org_unit_id: Option<Uuid>,
    /// The pilot group: while it is set, only members of it are in the audience. Set it to null, best by plan, to roll the rule out.
    #[serde(default)]
    pub pilot_group_id: Option<Uuid>,
    /// What must be completed; each is a requirement of its own.
    #[serde(default)]
    #[schema(max_items = 100)]
    #[diesel(
        select_expression = targets(),
        select_expression_type = Fragment<Array<sql_types::Jsonb>>
    )]
    #[record(elsewhere)]
    pub targets: Vec<Target>,
    /// By when.
    #[record(opaque)]
    pub due: DuePolicy,
    /// Again when; as the validity period of the course says, if null.
    #[serde(default)]
    #[record(opaque)]
    pub repeat: Option<Repeat>,
    /// How long before the validity of a cycle ends the next one opens.
    #[serde(default = "default_renewal_window")]
    #[record(opaque)]
    pub renewal_window: Period,
    /// How long after the validity of a cycle ended the next one is due. It moves no validity.
    #[serde(default)]
    #[record(opaque)]
    pub grace_period: Period,
    /// How long after a completion the next cycle opens at the soonest.
    #[serde(default)]
    #[record(opaque)]
    pub minimum_gap: Period,
    /// Whether completions count that happened before a cycle opened.
    #[serde(default = "default_early_completions")]
    #[schema(default = "count")]
    pub early_completions: EarlyCompletions,
    /// What happens to a due date in an absence of its user.
    #[serde(default = "default_on_absence")]
    #[schema(default = "move")]
    pub on_absence: OnAbsence,
    /// How long after an absence something is due that would have been due in it.
    #[serde(default = "default_absence_lead")]
    #[record(opaque)]
    pub absence_lead: Period,
    /// What happens to requirements when users leave the audience.
    #[serde(default = "default_on_leave")]
    #[schema(default = "end")]
    pub on_leave: OnLeave,
    /// The day on which a draft becomes active by itself, in the time zone of the academy; null: when somebody activates it.
    #[serde(default)]
    pub activates_on: Option<NaiveDate>,
}

/// A rule reaches the users of a whole unit, so nobody writes one by a scope of their own reports or of themselves.
fn units_of(scope: &Scope) -> Scope {
    scope.only(|part| matches!(part, ScopePart::Everything | ScopePart::OrgUnit(_)))
}

fn targets() -> Fragment<Array<sql_types::Jsonb>> {
    Fragment::new(sql!(
        "ARRAY(SELECT target_json(rule_targets.course_id, rule_targets.path_id) FROM rule_targets
            WHERE rule_targets.rule_id = rules.id ORDER BY rule_targets.target_id)"
    ))
}

/// A rule to create, as a draft.
pub type CreateRule = Create<Rule>;

/// Changes to a rule.
pub type UpdateRule = Update<Rule>;

bulk_row! {
    /// A rule to create or update: either `create`, or `id` with `update`.
    BulkRuleRow: CreateRule, UpdateRule
}

resource!(Rule in rules, fields: RuleFields, name: "rule", kind: "rule", external: None,
    read: RulesRead, write: RulesWrite,
    covered: |scope| units_of(scope).org_units("rules.org_unit_id"),
    new: { status: RuleStatus::Draft, activated_at: None });

fn default_renewal_window() -> Period {
    "P30D".parse().unwrap_or_default()
}

fn default_early_completions() -> EarlyCompletions {
    EarlyCompletions::Count
}

fn default_on_absence() -> OnAbsence {
    OnAbsence::Move
}

fn default_absence_lead() -> Period {
    "P14D".parse().unwrap_or_default()
}

fn default_on_leave() -> OnLeave {
    OnLeave::End
}
