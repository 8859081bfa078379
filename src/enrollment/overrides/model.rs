//! The types of `/v1/rule-overrides`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    bulk_row,
    db::schema::rule_overrides,
    resource,
    resource::{Create, Record, Update},
    text_enum,
};

text_enum! {
    /// What an override does.
    OverrideEffect {
        /// The user is in the audience, whatever that says.
        Required = "required",
        /// The user is not in the audience, whatever that says.
        Released = "released",
    }
}

/// An exception from the audience of a rule: this user must do what the rule asks for, or need not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = rule_overrides)]
pub struct RuleOverride {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: RuleOverrideFields,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived: it counts no more.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What callers write of an override.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = rule_overrides)]
pub struct RuleOverrideFields {
    /// The rule.
    #[record(fixed)]
    pub rule_id: Uuid,
    /// The user.
    #[record(fixed)]
    pub user_id: Uuid,
    /// Whether the user must or need not.
    #[record(fixed)]
    pub effect: OverrideEffect,
    /// The last day on which it counts, in the time zone of the user; null: until it is archived.
    #[serde(default)]
    pub until: Option<NaiveDate>,
    /// Why, for those who ask later.
    #[schema(
        min_length = 1,
        max_length = 1000,
        format = "multiline",
        example = "Works on site until the summer."
    )]
    pub reason: String,
}

/// An override to be added.
pub type CreateRuleOverride = Create<RuleOverride>;

/// Changes to an override.
pub type UpdateRuleOverride = Update<RuleOverride>;

bulk_row! {
    /// An override to create or update: either `create`, or `id` with `update`.
    BulkRuleOverrideRow: CreateRuleOverride, UpdateRuleOverride
}

resource!(RuleOverride in rule_overrides, fields: RuleOverrideFields, name: "override", kind: "rule_override", external: None,
    read: OverridesRead, write: OverridesWrite,
    covered: |scope| scope.users("rule_overrides.user_id"),
    archived: archived_at);
