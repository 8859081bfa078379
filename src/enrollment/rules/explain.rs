//! Why a rule asks something of a person, and why not.

use chrono::NaiveDate;
use diesel::{QueryableByName, RunQueryDsl, sql_types::Jsonb};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    audience_model::Reach, due::DuePolicy, explain_model::Obstacle, explain_target, model::Rule, reconcile,
};
use crate::{
    app::Tx,
    enrollment::{
        overrides::model::OverrideEffect,
        requirements::{self, model::RequirementWithReasons},
    },
    filter::{Explanation, Facts},
    http::ApiResult,
    people::users::{
        self,
        model::{User, UserStatus},
    },
    sql,
};

/// Explains why a rule applies to a user, or why not.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleExplanation {
    /// The rule.
    pub rule_id: Uuid,
    /// The person.
    pub user_id: Uuid,
    /// Whether the rule applies to the user.
    pub applies: bool,
    /// Everything that keeps the rule from applying; empty if it applies.
    pub obstacles: Vec<Obstacle>,
    /// The audience, clause by clause, with the facts compared; of groups and reports, those that the caller may see.
    pub audience: Explanation,
    /// When the user joined the audience; null outside it.
    pub joined_on: Option<NaiveDate>,
    /// When the user last left it.
    pub left_on: Option<NaiveDate>,
    /// How the due date is computed.
    pub due: DueExplanation,
    /// Requirements of the user for which the rule is or was a reason, oldest first.
    pub requirements: Vec<RequirementWithReasons>,
}

/// How a due date comes about, or would.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DueExplanation {
    /// What the rule says.
    pub policy: DuePolicy,
    /// Their first day of work.
    pub hired_on: Option<NaiveDate>,
    /// The day that their account became active.
    pub activated_on: Option<NaiveDate>,
    /// The day that joining the audience counts from: today, for those outside.
    pub counted_from: NaiveDate,
    /// When a first cycle is due. A next one is due when the completion before it lapses, not sooner than the minimum
    /// lead lets it: see `requirements`.
    pub due_on: Option<NaiveDate>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Jsonb)]
    facts: Value,
    #[diesel(sql_type = Jsonb)]
    shown: Value,
}

/// Explains `rule` for `user`.
pub fn explain(tx: &mut Tx, rule: &Rule, user: &User) -> ApiResult<RuleExplanation> {
    let reach = Reach::of(rule);
    let [filter, shown] = [users::filter::schema(tx)?, users::filter::schema_for_caller(tx)?].map(|schema| {
        let filter = reach.filter(&schema);
        filter.map_err(|faults| users::filter::invalid_at("/audience/filter", &faults))
    });
    let (filter, shown) = (filter?, shown?);
    let row: Row = sql!(
        "SELECT {facts} AS facts, {shown} AS shown FROM users WHERE users.id = {user.id}",
        facts = filter.facts_sql(),
        shown = shown.facts_sql(),
    )
    .get_result(tx.conn)?;
    let audience = filter.explain_showing(&Facts::new(row.facts), &Facts::new(row.shown), &tx.filter_clock());
    let person = reconcile::person(tx, user.id, rule)?;
    let overrides = explain_target::overrides(tx, user.id, person.today)?;
    let effect = overrides.get(&rule.id).map(|in_force| in_force.effect);
    let obstacles = obstacles(rule, user, audience.holds, effect);
    let membership = person.memberships.get(&rule.id);
    let joined_on = membership.filter(|membership| membership.left_on.is_none());
    let joined_on = joined_on.map(|membership| membership.joined_on);
    let counted_from = joined_on.unwrap_or(person.today);
    Ok(RuleExplanation {
        rule_id: rule.id,
        user_id: user.id,
        applies: obstacles.is_empty(),
        obstacles,
        audience,
        joined_on,
        left_on: membership.and_then(|membership| membership.left_on),
        due: DueExplanation {
            policy: rule.due.clone(),
            hired_on: person.hired_on,
            activated_on: person.activated_on,
            counted_from,
            due_on: rule.due.due_on(&person, counted_from),
        },
        requirements: requirements::store::of_rule(tx, user.id, rule.id)?,
    })
}

fn obstacles(rule: &Rule, user: &User, is_inside: bool, effect: Option<OverrideEffect>) -> Vec<Obstacle> {
    let status = Obstacle::of_status(rule.status);
    let archived = (user.status == UserStatus::Archived).then_some(Obstacle::UserArchived);
    let by_filter = (!is_inside).then_some(Obstacle::OutsideAudience);
    let outside = match effect {
        Some(OverrideEffect::Required) => None,
        Some(OverrideEffect::Released) => Some(Obstacle::Released),
        None => by_filter,
    };
    status.into_iter().chain(archived).chain(outside).collect()
}
