//! Who belongs to a rule's audience, and since when: what differs between `rule_members` and the filters of the rules.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{model::RuleStatus, policy::Policy, reconcile::ReconcileScope};
use crate::{
    app::Tx,
    db::Sql,
    filter::{Filter, FilterClock, Schema},
    http::ApiResult,
    people::users,
    sql,
};

/// Somebody joins an audience or leaves it.
#[derive(Debug, Clone, Copy, PartialEq, QueryableByName)]
pub struct Move {
    /// Who.
    #[diesel(sql_type = sql_types::Uuid)]
    pub user_id: Uuid,
    /// Of which rule.
    #[diesel(sql_type = sql_types::Uuid)]
    pub rule_id: Uuid,
    /// Whether they join it.
    #[diesel(sql_type = sql_types::Bool)]
    pub joins: bool,
    /// On which day.
    #[diesel(sql_type = sql_types::Date)]
    pub on: NaiveDate,
}

/// A rule and the filter of its audience.
type RuleFilter<'a> = (&'a Policy, Filter);

/// The differences between who is a member and who should be. Nobody joins the audience of a paused rule; a rule that is not among
/// `policies` has none.
pub(super) fn moves(
    tx: &mut Tx,
    reach: &ReconcileScope,
    policies: &HashMap<Uuid, Policy>,
    clock: &FilterClock,
) -> ApiResult<Vec<Move>> {
    let mut audiences: Vec<&Policy> = policies
        .values()
        .filter(|policy| reach.has_rule(policy.rule_id))
        .collect();
    audiences.sort_by_key(|policy| policy.rule_id);
    let schema = match audiences.is_empty() {
        true => None,
        false => Some(users::filter::schema(tx)?),
    };
    let (filters, unreadable) = schema
        .map(|schema| parse(&audiences, &schema))
        .unwrap_or_default();
    let paused = audiences
        .iter()
        .filter(|policy| policy.status == RuleStatus::Paused);
    let paused: Vec<Uuid> = paused.map(|policy| policy.rule_id).collect();
    let known: Vec<Uuid> = filters.iter().map(|(policy, _)| policy.rule_id).collect();
    let moves = sql!(
        "WITH audience AS ({union}),
         overrides AS (SELECT o.user_id, o.rule_id, o.effect FROM rule_overrides o
            WHERE o.archived_at IS NULL AND (o.until IS NULL OR o.until >= {clock.today}) AND {overridden}
                AND o.rule_id = ANY ({known}))
         SELECT user_id, rule_id, bool_or(is_inside) AS joins, {clock.today}::date AS \"on\" FROM (
            SELECT audience.user_id, audience.rule_id, TRUE AS is_inside, FALSE AS is_member FROM audience
            LEFT JOIN overrides o ON o.user_id = audience.user_id AND o.rule_id = audience.rule_id
                AND o.effect = 'released' WHERE o.user_id IS NULL
            UNION ALL
            SELECT o.user_id, o.rule_id, TRUE, FALSE FROM overrides o
            JOIN users ON users.id = o.user_id AND users.status <> 'archived' WHERE o.effect = 'required'
            UNION ALL
            SELECT m.user_id, m.rule_id, FALSE, TRUE FROM rule_members m
            WHERE m.left_on IS NULL AND {users} AND {rule} AND m.rule_id <> ALL ({unreadable})) sides
         GROUP BY user_id, rule_id HAVING bool_or(is_inside) <> bool_or(is_member)
            AND NOT (bool_or(is_inside) AND rule_id = ANY ({paused}))",
        union = union(reach, &filters, clock),
        overridden = reach.users("o.user_id"),
        users = reach.users("m.user_id"),
        rule = reach.rule("m.rule_id"),
    );
    Ok(moves.load(tx.conn)?)
}

/// The rules whose audiences change by the calendar alone.
pub(super) fn that_speak_of_today(tx: &mut Tx, policies: &HashMap<Uuid, Policy>) -> ApiResult<Vec<Uuid>> {
    let schema = users::filter::schema(tx)?;
    let audiences: Vec<&Policy> = policies.values().collect();
    let (filters, _) = parse(&audiences, &schema);
    let moving = filters.iter().filter(|(_, filter)| filter.speaks_of_today());
    Ok(moving.map(|(policy, _)| policy.rule_id).collect())
}

/// The filters of audiences. Those that can be read no more, because an attribute that they name is gone, are told apart: nobody
/// joins or leaves their audiences until they are fixed.
fn parse<'a>(policies: &[&'a Policy], schema: &Schema) -> (Vec<RuleFilter<'a>>, Vec<Uuid>) {
    let (mut filters, mut unreadable) = (Vec::new(), Vec::new());
    for policy in policies {
        match Filter::parse(&policy.audience, schema) {
            Ok(filter) => filters.push((*policy, filter)),
            Err(faults) => {
                log::error!(
                    "the audience of rule {} cannot be read, so nobody joins or leaves it: {faults}",
                    policy.rule_id
                );
                unreadable.push(policy.rule_id);
            }
        }
    }
    (filters, unreadable)
}

/// `(user_id, rule_id)` of everybody in each audience: a branch a rule, so that each filter gets its own plan.
fn union(reach: &ReconcileScope, audiences: &[RuleFilter], clock: &FilterClock) -> Sql {
    let mut union = sql!("SELECT NULL::uuid AS user_id, NULL::uuid AS rule_id WHERE FALSE");
    for (policy, filter) in audiences {
        union.push(sql!(
            " UNION ALL SELECT users.id, {policy.rule_id} FROM users WHERE users.status <> 'archived' AND {users}
                AND {filter}",
            users = reach.users("users.id"),
            filter = filter.to_sql(clock),
        ));
    }
    union
}
