//! Dynamic groups: their members are the users that their filters find.
//!
//! Called for changed people by [`crate::people::facts`], and for one group when its filter changes.

use std::collections::HashSet;

use diesel::{
    ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, sql_types,
};
use uuid::Uuid;

use super::members::{self, Membership};
use crate::{
    access::inclusion,
    app::Tx,
    authz::{Permission, ScopePart},
    db::{Fixed, Sql, schema::groups},
    filter::Schema,
    http::{ApiError, ApiResult, Code, filter::parse},
    people::users,
    sql,
};

/// A dynamic group and its filter.
pub type DynamicGroup = (Uuid, String);

/// The advisory lock that writers of filters take.
const FILTERS: &str = "group filters";

/// Groups whose filters go into one statement.
const GROUPS_A_STATEMENT: usize = 100;

/// Every live dynamic group. Holds off changes of filters until the transaction ends, so that nobody is judged by a
/// filter that another transaction is about to replace.
pub fn all(tx: &mut Tx) -> ApiResult<Vec<DynamicGroup>> {
    tx.advisory_lock_shared(FILTERS)?;
    let groups = groups::table
        .filter(groups::kind.eq("dynamic"))
        .filter(groups::archived_at.is_null())
        .order(groups::id)
        .select((groups::id, groups::filter.assume_not_null()))
        .load(tx.conn)?;
    Ok(groups)
}

/// Waits for the transactions that judge people by the present filters, and holds off others: taken before a filter
/// is written.
pub fn lock_filters(tx: &mut Tx) -> ApiResult<()> {
    tx.advisory_lock(FILTERS)
}

#[derive(QueryableByName)]
struct Change {
    #[diesel(sql_type = sql_types::Uuid)]
    group_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = sql_types::Bool)]
    is_member: bool,
}

/// Brings the membership of these people, or of everybody, in `groups` up to date.
pub fn refresh_members(tx: &mut Tx, groups: Vec<DynamicGroup>, people: Option<&[Uuid]>) -> ApiResult<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let schema = users::filter::schema(tx)?;
    for groups in groups.chunks(GROUPS_A_STATEMENT) {
        let statement = statement(tx, groups, people, &schema)?;
        let changes: Vec<Change> = statement.load(tx.conn)?;
        let changes: Vec<_> = changes
            .into_iter()
            .map(|change| Membership {
                group: change.group_id,
                user: change.user_id,
                is_member: change.is_member,
            })
            .collect();
        let gained = changes.iter().filter(|change| change.is_member);
        let gained: Vec<_> = gained.map(|change| (change.group, change.user)).collect();
        if !exceeding_people(tx, &gained)?.is_empty() {
            return Err(newly_reached_error());
        }
        members::announce(tx, &changes);
    }
    Ok(())
}

/// Of `people`, whose rows are written, the users that [`keep`] will refuse to add to groups. Only groups in the scopes of the
/// caller's own grants are checked.
pub fn newly_reached(tx: &mut Tx, people: &[Uuid]) -> ApiResult<HashSet<Uuid>> {
    let groups = all(tx)?;
    let caller = tx.caller.clone();
    let is_scope = |group: Uuid| {
        let mut grants = caller.beneficiaries().flat_map(|gaining| &gaining.grants);
        grants.any(|grant| grant.scope == ScopePart::Group(group))
    };
    let groups: Vec<_> = groups.into_iter().filter(|(group, _)| is_scope(*group)).collect();
    if groups.is_empty() {
        return Ok(HashSet::new());
    }
    let schema = users::filter::schema(tx)?;
    let gains = sql!(
        "{wanted} SELECT group_id, user_id, true AS is_member FROM wanted
         WHERE NOT EXISTS (SELECT FROM group_members member
            WHERE member.group_id = wanted.group_id AND member.user_id = wanted.user_id)",
        wanted = wanted(tx, &groups, Some(people), &schema)?,
    );
    let gains: Vec<Change> = gains.load(tx.conn)?;
    let gained: Vec<_> = gains
        .iter()
        .map(|change| (change.group_id, change.user_id))
        .collect();
    exceeding_people(tx, &gained)
}

/// Of `gained`, pairs of group and user, the users that the caller would newly reach by these memberships. Callers who write all
/// users may: a grant in the scope of a dynamic group trusts them with the facts that its filter reads.
fn exceeding_people(tx: &mut Tx, gained: &[(Uuid, Uuid)]) -> ApiResult<HashSet<Uuid>> {
    if gained.is_empty() || tx.seen(Permission::UsersWrite).is_everything() {
        return Ok(HashSet::new());
    }
    inclusion::newly_reached(tx, gained)
}

/// The refusal of one of them.
pub fn newly_reached_error() -> ApiError {
    ApiError::new(
        Code::GrantExceedsCaller,
        "By this somebody would come into a dynamic group that grants of yours reach as far as, and so within your reach; \
         that needs users.write everywhere, or the same permissions for them without that group.",
    )
}

/// The CTE `wanted` of users who belong to groups.
fn wanted(tx: &Tx, groups: &[DynamicGroup], people: Option<&[Uuid]>, schema: &Schema) -> ApiResult<Sql> {
    let written = people.map_or_else(Sql::default, |people| {
        sql!("written AS MATERIALIZED (SELECT unnest({people}) AS id),")
    });
    let mut members = Sql::default();
    for (index, (id, filter)) in groups.iter().enumerate() {
        let filter = parse(filter, schema)
            .map_err(|error| ApiError::internal(format!("the filter of group {id}: {error}")))?;
        if index > 0 {
            members.push(sql!(" UNION ALL "));
        }
        members.push(sql!(
            "SELECT {id} AS group_id, users.id AS user_id FROM users WHERE {among} AND {filter}",
            among = among(people, "users.id"),
            filter = filter.to_sql(&tx.filter_clock()),
        ));
    }
    Ok(sql!("WITH {written} wanted AS MATERIALIZED ({members})"))
}

fn statement(tx: &Tx, groups: &[DynamicGroup], people: Option<&[Uuid]>, schema: &Schema) -> ApiResult<Sql> {
    let ids: Vec<Uuid> = groups.iter().map(|(id, _)| *id).collect();
    let ended = members::ended(
        tx,
        sql!(
            "member.group_id = ANY({ids}) AND {among} AND NOT EXISTS (SELECT 1 FROM wanted
                WHERE wanted.group_id = member.group_id AND wanted.user_id = member.user_id)",
            among = among(people, "member.user_id"),
        ),
    );
    Ok(sql!(
        "{wanted}, {ended},
         begun AS (
            INSERT INTO group_members (group_id, user_id, added_at)
            SELECT wanted.group_id, wanted.user_id, {tx.now} FROM wanted
            WHERE NOT EXISTS (SELECT 1 FROM group_members member
                WHERE member.group_id = wanted.group_id AND member.user_id = wanted.user_id)
            ON CONFLICT DO NOTHING
            RETURNING group_id, user_id)
         SELECT group_id, user_id, false AS is_member FROM ended
         UNION ALL SELECT group_id, user_id, true FROM begun",
        wanted = wanted(tx, groups, people, schema)?,
    ))
}

fn among(people: Option<&[Uuid]>, column: &'static str) -> Sql {
    match people {
        Some(_) => sql!("{column} IN (SELECT id FROM written)", column = Fixed(column)),
        None => Sql::always(),
    }
}
