//! Who belongs to a rule's audience, and since when: the upkeep of `rule_members`.

use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, sql_types::BigInt};
use uuid::Uuid;

use super::reconcile::ReconcileScope;
use crate::{
    app::Tx,
    db::{Sql, schema::rules},
    filter::{Filter, Schema},
    http::ApiResult,
    people::users,
    sql,
};

/// How many people joined and left.
#[derive(Debug, Clone, Copy, Default, QueryableByName)]
pub struct MembershipCounts {
    /// Into an audience.
    #[diesel(sql_type = BigInt)]
    pub joined: i64,
    /// Out of one.
    #[diesel(sql_type = BigInt)]
    pub left: i64,
}

/// Brings `rule_members` up to date with the audiences of the active rules. A rule that is not active has none.
pub(super) fn refresh_members(tx: &mut Tx, reach: &ReconcileScope) -> ApiResult<MembershipCounts> {
    let (audiences, unreadable) = read(tx, reach)?;
    let today = tx.today();
    let moves = sql!(
        "WITH audience AS ({union}),
         moves AS MATERIALIZED (SELECT user_id, rule_id, bool_or(is_inside) AS joins FROM (
            SELECT user_id, rule_id, TRUE AS is_inside, FALSE AS is_member FROM audience
            UNION ALL
            SELECT m.user_id, m.rule_id, FALSE, TRUE FROM rule_members m
            WHERE m.left_on IS NULL AND {users} AND {rule} AND m.rule_id <> ALL ({unreadable})) sides
            GROUP BY user_id, rule_id HAVING bool_or(is_inside) <> bool_or(is_member)),
         departed AS (UPDATE rule_members m SET left_on = {today} FROM moves
            WHERE NOT moves.joins AND m.user_id = moves.user_id AND m.rule_id = moves.rule_id
            RETURNING 1),
         arrived AS (INSERT INTO rule_members (user_id, rule_id, joined_on)
            SELECT user_id, rule_id, {today} FROM moves WHERE joins
            ON CONFLICT (user_id, rule_id) DO UPDATE SET joined_on = excluded.joined_on, left_on = NULL
            RETURNING 1)
         SELECT (SELECT count(*) FROM arrived) AS joined, (SELECT count(*) FROM departed) AS \"left\"",
        union = union(tx, reach, audiences),
        users = reach.users("m.user_id"),
        rule = reach.rule("m.rule_id"),
    );
    Ok(moves.get_result::<MembershipCounts>(tx.conn)?)
}

/// A rule and the filter of its audience.
type RuleFilter = (Uuid, Filter);

/// The filters of the active rules. Those that can be read no more, because an attribute that they name is gone,
/// are told apart: nobody joins or leaves their audiences until they are fixed.
fn read(tx: &mut Tx, reach: &ReconcileScope) -> ApiResult<(Vec<RuleFilter>, Vec<Uuid>)> {
    let mut query = rules::table
        .filter(rules::status.eq("active"))
        .order(rules::id)
        .select((rules::id, rules::audience))
        .into_boxed();
    if let Some(rule) = reach.one_rule() {
        query = query.filter(rules::id.eq(rule));
    }
    let texts: Vec<(Uuid, String)> = query.load(tx.conn)?;
    if texts.is_empty() {
        return Ok(Default::default());
    }
    let schema = users::filter::schema(tx)?;
    Ok(parse(texts, &schema))
}

fn parse(texts: Vec<(Uuid, String)>, schema: &Schema) -> (Vec<(Uuid, Filter)>, Vec<Uuid>) {
    let (mut filters, mut unreadable) = (Vec::new(), Vec::new());
    for (rule, text) in texts {
        match Filter::parse(&text, schema) {
            Ok(filter) => filters.push((rule, filter)),
            Err(faults) => {
                log::error!(
                    "the audience of rule {rule} cannot be read, so nobody joins or leaves it: {faults}"
                );
                unreadable.push(rule);
            }
        }
    }
    (filters, unreadable)
}

/// `(user_id, rule_id)` of everybody in each audience: a branch a rule, so that each filter gets its own plan.
fn union(tx: &Tx, reach: &ReconcileScope, audiences: Vec<(Uuid, Filter)>) -> Sql {
    let mut union = sql!("SELECT NULL::uuid AS user_id, NULL::uuid AS rule_id WHERE FALSE");
    for (rule, filter) in audiences {
        union.push(sql!(
            " UNION ALL SELECT users.id, {rule} FROM users WHERE users.status <> 'archived' AND {users}
                AND {filter}",
            users = reach.users("users.id"),
            filter = filter.to_sql(&tx.filter_clock()),
        ));
    }
    union
}
