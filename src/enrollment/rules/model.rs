//! The types of `/v1/rules`.

use chrono::{DateTime, Utc};
use diesel::{
    Queryable, Selectable,
    sql_types::{self, Array},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::due::DuePolicy;
use crate::{
    bulk_row,
    db::{schema::rules, sql::Fragment},
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
        /// Does nothing for now; requirements for which it was the only reason have ended.
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
        /// It stays until it is satisfied; no further cycle opens.
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
    /// When it was last activated.
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
    /// The audience: a filter over users. Archived users are in no audience.
    #[schema(
        min_length = 1,
        max_length = 4096,
        format = "multiline",
        example = "org_unit eq \"emea\" and employment_type ne \"contractor\""
    )]
    #[record(opaque)]
    pub audience: String,
    /// The courses; each is a requirement of its own.
    #[serde(default)]
    #[schema(max_items = 100)]
    #[diesel(
        select_expression = course_ids(),
        select_expression_type = Fragment<Array<sql_types::Uuid>>
    )]
    #[record(elsewhere)]
    pub course_ids: Vec<Uuid>,
    /// By when.
    #[record(opaque)]
    pub due: DuePolicy,
    /// How long before a completion expires the next cycle opens.
    #[serde(default = "default_renewal_window")]
    #[record(opaque)]
    pub renewal_window: Period,
    /// What happens to requirements when users leave the audience.
    #[serde(default = "default_on_leave")]
    #[schema(default = "end")]
    pub on_leave: OnLeave,
}

fn course_ids() -> Fragment<Array<sql_types::Uuid>> {
    Fragment::new(sql!(
        "ARRAY(SELECT rule_courses.course_id FROM rule_courses WHERE rule_courses.rule_id = rules.id
            ORDER BY 1)"
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
    covered: |scope| scope.global(),
    new: { status: RuleStatus::Draft, activated_at: None });

fn default_renewal_window() -> Period {
    "P30D".parse().unwrap_or_default()
}

fn default_on_leave() -> OnLeave {
    OnLeave::End
}
