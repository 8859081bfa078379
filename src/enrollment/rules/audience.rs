//! Who belongs to a rule's audience, and since when: what differs between `rule_members` and the filters of the rules.

use chrono::NaiveDate;
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::Value;
use uuid::Uuid;

use super::{
    audience_model::Reach,
    model::{Rule, RuleStatus},
    policy::Rules,
    reconcile::ReconcileScope,
};
use crate::{
    app::Tx,
    db::Sql,
    enrollment::overrides::model::OverrideEffect,
    filter::{Facts, Filter, FilterClock},
    http::ApiResult,
    people::{
        days::{TIME_ZONE, Todays, UNIT_ZONE},
        users,
    },
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

/// People whose audiences are matched here, and not by a statement with a branch for each rule, which takes long to plan.
const FEW: usize = 20;

/// Rules from which on the same is done for more people, as many as are settled at once, and for ranges of people.
const MANY_RULES: usize = 30;
const FEW_OF_MANY_RULES: usize = 2_000;

/// The differences between who is a member and who should be. Nobody joins the audience of a paused rule; a rule that is not among
/// `rules` has none.
pub(super) fn moves(
    tx: &mut Tx,
    reach: &ReconcileScope,
    rules: &Rules,
    overrides: &Overrides,
    clock: &FilterClock,
) -> ApiResult<Vec<Move>> {
    let filters: Vec<&RuleFilter> = rules
        .filters
        .iter()
        .filter(|(rule, _)| reach.has_rule(*rule))
        .collect();
    let is_matched_here = match filters.len() < MANY_RULES {
        true => reach.few(FEW),
        false => reach.few(FEW_OF_MANY_RULES) || reach.is_range(),
    };
    let inside = match is_matched_here {
        true => matching(tx, reach, &filters, clock)?,
        false => union(reach, &filters, clock),
    };
    let known: Vec<Uuid> = filters.iter().map(|(rule, _)| *rule).collect();
    let paused = rules
        .policies
        .values()
        .filter(|policy| policy.status == RuleStatus::Paused);
    let paused: Vec<Uuid> = paused.map(|policy| policy.rule_id).collect();
    let moves = sql!(
        "WITH audience (user_id, rule_id) AS ({inside}),
         overrides AS (SELECT o.user_id, o.rule_id, o.effect
            FROM unnest({overrides.users}, {overrides.rules}, {overrides.effects}) AS o (user_id, rule_id, effect)
            WHERE o.rule_id = ANY ({known}))
         SELECT user_id, rule_id, bool_or(is_inside) AS joins, {clock.today}::date AS \"on\" FROM (
            SELECT audience.user_id, audience.rule_id, TRUE AS is_inside, FALSE AS is_member FROM audience
            LEFT JOIN overrides o ON o.user_id = audience.user_id AND o.rule_id = audience.rule_id
                AND o.effect = 'released' WHERE o.user_id IS NULL
            UNION ALL
            SELECT o.user_id, o.rule_id, TRUE, FALSE FROM overrides o
            JOIN users ON users.id = o.user_id AND users.status <> 'archived'
            JOIN rules ON rules.id = o.rule_id AND (rules.org_unit_id IS NULL OR EXISTS (SELECT FROM org_unit_closure c
                WHERE c.ancestor_id = rules.org_unit_id AND c.descendant_id = users.org_unit_id))
            WHERE o.effect = 'required'
            UNION ALL
            SELECT m.user_id, m.rule_id, FALSE, TRUE FROM rule_members m
            WHERE m.left_on IS NULL AND {users} AND {rule} AND m.rule_id <> ALL ({rules.unreadable})) sides
         GROUP BY user_id, rule_id HAVING bool_or(is_inside) <> bool_or(is_member)
            AND NOT (bool_or(is_inside) AND rule_id = ANY ({paused}))",
        users = reach.users("m.user_id"),
        rule = reach.rule("m.rule_id"),
    );
    let mut moves: Vec<Move> = moves.load(tx.conn)?;
    // Others in the range of these people are not locked.
    moves.retain(|one| reach.has(one.user_id));
    Ok(moves)
}

/// The clock of filters; that of another day, if one is given.
pub(super) fn clock_of(tx: &Tx, day: Option<NaiveDate>) -> FilterClock {
    FilterClock {
        today: day.unwrap_or(tx.today()),
        now: tx.now,
    }
}

/// The next `limit` people after one for whom `rule`, as it is or would be, may change something.
pub(super) fn concerned(
    tx: &mut Tx,
    rule: &Rule,
    day: Option<NaiveDate>,
    after: Uuid,
    limit: i64,
) -> ApiResult<Vec<Uuid>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
    }
    let schema = users::filter::schema(tx)?;
    let audience = match Reach::of(rule).filter(&schema) {
        Ok(filter) => filter.to_sql(&clock_of(tx, day)),
        Err(_) => Sql::never(),
    };
    let rule_id = rule.id;
    let rows: Vec<Row> = sql!(
        "SELECT id FROM (
            (SELECT users.id FROM users WHERE users.id > {after} AND users.status <> 'archived' AND {audience}
             ORDER BY users.id LIMIT {limit})
            UNION
            (SELECT m.user_id FROM rule_members m WHERE m.rule_id = {rule_id} AND m.user_id > {after} AND m.left_on IS NULL
             ORDER BY m.user_id LIMIT {limit})
            UNION
            (SELECT DISTINCT rr.user_id FROM requirement_reasons rr WHERE rr.rule_id = {rule_id} AND rr.user_id > {after}
                AND rr.ended_at IS NULL ORDER BY rr.user_id LIMIT {limit})
            UNION
            (SELECT o.user_id FROM rule_overrides o WHERE o.rule_id = {rule_id} AND o.user_id > {after}
                AND o.archived_at IS NULL ORDER BY o.user_id LIMIT {limit})) concerned
         ORDER BY id LIMIT {limit}"
    )
    .is_planned_each_time()
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The overrides that are in force on the day that it is for their users, column by column.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    users: Vec<Uuid>,
    rules: Vec<Uuid>,
    effects: Vec<String>,
}

impl Overrides {
    /// Those for the people in reach. `day`, if given, is today for all.
    pub(super) fn of(tx: &mut Tx, reach: &ReconcileScope, day: Option<NaiveDate>) -> ApiResult<Self> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = sql_types::Uuid)]
            user_id: Uuid,
            #[diesel(sql_type = sql_types::Uuid)]
            rule_id: Uuid,
            #[diesel(sql_type = sql_types::Text)]
            effect: String,
            #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
            until: Option<NaiveDate>,
            #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
            time_zone: Option<String>,
        }
        let rows: Vec<Row> = sql!(
            "SELECT o.user_id, o.rule_id, o.effect, o.until, {TIME_ZONE} AS time_zone
             FROM rule_overrides o JOIN users ON users.id = o.user_id {UNIT_ZONE}
             WHERE o.archived_at IS NULL AND {overridden} ORDER BY o.user_id, o.rule_id",
            overridden = reach.users("o.user_id"),
        )
        .load(tx.conn)?;
        let todays = Todays::of(tx);
        let mut overrides = Overrides::default();
        for row in rows {
            let today = day.unwrap_or_else(|| todays.of_zone(row.time_zone.as_deref()));
            if row.until.is_none_or(|until| until >= today) {
                overrides.users.push(row.user_id);
                overrides.rules.push(row.rule_id);
                overrides.effects.push(row.effect);
            }
        }
        Ok(overrides)
    }

    /// User, rule, and whether the user is released.
    pub(super) fn each(&self) -> impl Iterator<Item = (Uuid, Uuid, bool)> + '_ {
        let pairs = self.users.iter().zip(&self.rules).zip(&self.effects);
        pairs.map(|((user, rule), effect)| (*user, *rule, effect == OverrideEffect::Released.as_str()))
    }
}

/// A rule and the filter of its audience.
type RuleFilter = (Uuid, Filter);

/// The rules whose audiences change by the calendar alone.
pub(super) fn that_speak_of_today(rules: &Rules) -> Vec<Uuid> {
    let moving = rules
        .filters
        .iter()
        .filter(|(_, filter)| filter.speaks_of_today());
    moving.map(|(rule, _)| *rule).collect()
}

/// `(user_id, rule_id)` of everybody in each audience: a branch a rule, so that each filter gets its own plan.
fn union(reach: &ReconcileScope, audiences: &[&RuleFilter], clock: &FilterClock) -> Sql {
    let mut union = sql!("SELECT NULL::uuid, NULL::uuid WHERE FALSE");
    for (rule, filter) in audiences {
        union.push(sql!(
            " UNION ALL SELECT users.id, {rule} FROM users WHERE users.status <> 'archived' AND {users}
                AND {filter}",
            users = reach.people(),
            filter = filter.to_sql(clock),
        ));
    }
    union
}

/// The same for a few people: the facts that all filters name are read by one statement, and the filters are evaluated here.
fn matching(
    tx: &mut Tx,
    reach: &ReconcileScope,
    audiences: &[&RuleFilter],
    clock: &FilterClock,
) -> ApiResult<Sql> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
        #[diesel(sql_type = sql_types::Jsonb)]
        facts: Value,
    }
    let rows: Vec<Row> = sql!(
        "SELECT users.id, {facts} AS facts FROM users WHERE users.status <> 'archived' AND {users}",
        facts = Filter::facts_of_all(audiences.iter().map(|(_, filter)| filter)),
        users = reach.people(),
    )
    .load(tx.conn)?;
    let (mut users, mut rules) = (Vec::new(), Vec::new());
    for row in rows {
        let facts = Facts::new(row.facts);
        for (rule, _) in audiences
            .iter()
            .filter(|(_, filter)| filter.matches(&facts, clock))
        {
            users.push(row.id);
            rules.push(*rule);
        }
    }
    Ok(sql!("SELECT * FROM unnest({users}, {rules})"))
}
