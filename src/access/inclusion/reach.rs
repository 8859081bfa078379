//! Keeps callers from widening their own reach by moving things or adding people to groups.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{Holder, Missing, held, held_by_caller, held_now, holders_beyond, holding, powers::due};
use crate::{
    app::Tx,
    authz::{Caller, Permission, Scope, ScopePart},
    db::Sql,
    http::{ApiError, ApiResult, Code},
    sql,
};

#[derive(QueryableByName)]
struct Beyond {
    #[diesel(sql_type = sql_types::Bool)]
    is_beyond: bool,
}

/// Rejects adding `people` to a group that is the scope of grants, unless the caller holds the permissions of these grants over
/// each of them.
pub fn require_over(tx: &mut Tx, group: Uuid, people: &[Uuid]) -> ApiResult<()> {
    if held_by_caller(tx).is_none() || people.is_empty() {
        return Ok(());
    }
    let opened: Vec<Missing> = sql!(
        "SELECT DISTINCT unnest(roles.permissions) AS permission
         FROM grants JOIN roles ON roles.id = grants.role_id
         WHERE {due} AND grants.scope_kind = 'group' AND grants.scope_id = {group}",
        due = due(tx.now),
    )
    .load(tx.conn)?;
    let opened: HashSet<String> = opened.into_iter().map(|row| row.permission).collect();
    let mut missing = opened.clone();
    let mut covered = Vec::new();
    for (scope, names) in held_now(tx) {
        if names.iter().any(|name| opened.contains(name)) {
            covered.push(scope.users("users.id"));
        }
        missing.retain(|name| !names.contains(name));
    }
    let beyond: Beyond = sql!(
        "SELECT EXISTS (SELECT FROM users WHERE users.id = ANY({people}) AND NOT {covered}) AS is_beyond",
        covered = Sql::all(covered),
    )
    .get_result(tx.conn)?;
    if missing.is_empty() && !beyond.is_beyond {
        return Ok(());
    }
    Err(ApiError::new(
        Code::GrantExceedsCaller,
        "Grants reach as far as this group does, so adding people takes the permissions of those grants for each of them.",
    ))
}

/// Of things (org units, courses) that move into places (org units, categories), those that the caller could do more to there
/// than now: nobody's reach grows by what they move. Goes by all that was granted to them and will count, whatever their token
/// opens, and so for who acts in their place. `moves` are pairs of thing and place.
pub fn moved_beyond_caller(
    tx: &mut Tx,
    (thing_kind, place_kind): (&'static str, &'static str),
    moves: &[(Uuid, Uuid)],
) -> ApiResult<HashSet<Uuid>> {
    let mut beyond = HashSet::new();
    if moves.is_empty() {
        return Ok(beyond);
    }
    let (things, places): (Vec<Uuid>, Vec<Uuid>) = moves.iter().copied().unzip();
    let caller = tx.caller.clone();
    for gaining in caller.beneficiaries() {
        let Some(holds) = holding(held(gaining, |grant| grant.counts_at(tx.now))) else {
            continue;
        };
        let mut opened = sql!("SELECT NULL::text AS permission WHERE FALSE");
        for (scope, names) in held(gaining, |grant| grant.is_due_at(tx.now)) {
            let covers = scope.scopes("place.kind", "place.id");
            opened.push(sql!(" UNION ALL SELECT unnest({names}) WHERE {covers}"));
        }
        let powers = sql!(
            "SELECT moved.thing AS holder, {thing_kind}::text AS scope_kind, moved.thing AS scope_id,
                opened.permission FROM unnest({things}, {places}) AS moved (thing, place)
             CROSS JOIN LATERAL (SELECT {place_kind}::text AS kind, moved.place AS id) place
             CROSS JOIN LATERAL ({opened}) opened"
        );
        beyond.extend(holders_beyond(tx, powers, holds)?);
    }
    Ok(beyond)
}

/// Of `gained`, pairs of group and user, the users that the caller's own grants newly reach by these memberships alone. By the
/// same grants as [`moved_beyond_caller`].
pub fn newly_reached(tx: &mut Tx, gained: &[(Uuid, Uuid)]) -> ApiResult<HashSet<Uuid>> {
    let mut groups_of: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for (group, user) in gained {
        groups_of.entry(*user).or_default().insert(*group);
    }
    let mut came: BTreeMap<BTreeSet<Uuid>, Vec<Uuid>> = BTreeMap::new();
    for (user, groups) in groups_of {
        came.entry(groups).or_default().push(user);
    }
    let caller = tx.caller.clone();
    let mut beyond = Vec::new();
    for (groups, people) in &came {
        for gaining in caller.beneficiaries() {
            let scopes = Permission::ALL
                .iter()
                .filter_map(|permission| without(gaining, *permission, groups, tx.now));
            beyond.extend(scopes.map(|scope| (people.clone(), scope)));
        }
    }
    beyond.dedup();
    if beyond.is_empty() {
        return Ok(HashSet::new());
    }
    let found: Vec<Holder> = sql!(
        "SELECT users.id AS holder FROM users WHERE {any}",
        any = Sql::any(beyond.into_iter().map(|(came, otherwise)| {
            sql!(
                "users.id = ANY({came}) AND NOT {users}",
                users = otherwise.users("users.id")
            )
        })),
    )
    .load(tx.conn)?;
    Ok(found.into_iter().map(|row| row.holder).collect())
}

/// The scope of `permission` without these groups, if one of them is in it.
fn without(
    gaining: &Caller,
    permission: Permission,
    groups: &BTreeSet<Uuid>,
    now: DateTime<Utc>,
) -> Option<Scope> {
    let is_one = |part: &ScopePart| matches!(part, ScopePart::Group(group) if groups.contains(group));
    let due = gaining.granted_scope(permission, |grant| grant.is_due_at(now))?;
    if due.is_everything() || !due.parts().iter().any(is_one) {
        return None;
    }
    let present = gaining.granted_scope(permission, |grant| grant.counts_at(now));
    let present = present.unwrap_or_else(|| due.only(|_| false));
    Some(present.only(|part| !is_one(&part)))
}
