//! "Nobody grants what they do not hold": the one place that decides it.
//!
//! Whatever gives powers to others (a grant, a wider role, a secret of an account, a seat in a group) names
//! those powers as a query of `scope_kind, scope_id, permission`, and the caller must hold each permission
//! in a scope that includes that one.

mod powers;
mod reach;

pub use powers::{
    added_to_roles, confined, given_by, granted_to, granted_to_people, held_by_members, held_over_members,
    reaching, reaching_those,
};
pub use reach::{moved_beyond_caller, newly_reached, require_over};

use std::collections::{HashMap, HashSet};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use crate::authz::{Caller, HeldGrant, Permission, Scope};
use crate::{
    app::Tx,
    db::Sql,
    http::{ApiError, ApiResult, Code},
    resource::{Draft, Resource},
    sql,
};

#[derive(QueryableByName)]
struct Missing {
    #[diesel(sql_type = sql_types::Text)]
    permission: String,
}

/// Refuses with `grant_exceeds_caller` unless the caller holds all that `powers` lists, and names what is missing: for
/// powers that the caller named, or sees.
pub fn require(tx: &mut Tx, powers: Sql) -> ApiResult<()> {
    let missing = missing(tx, powers)?;
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.into_iter().map(|row| row.permission).collect();
    Err(exceeds(&names))
}

/// As [`require`], for each of many drafts by itself: the `holder` of a power is the draft that gives it.
pub fn require_each<T: Resource>(tx: &mut Tx, drafts: &mut [Draft<T>], powers: Sql) -> ApiResult<()> {
    #[derive(QueryableByName)]
    struct Exceeding {
        #[diesel(sql_type = sql_types::Uuid)]
        holder: Uuid,
        #[diesel(sql_type = sql_types::Array<sql_types::Text>)]
        missing: Vec<String>,
    }
    let Some(held) = held_by_caller(tx) else {
        return Ok(());
    };
    let exceeding: Vec<Exceeding> = sql!(
        "SELECT power.holder, array_agg(DISTINCT power.permission ORDER BY power.permission) AS missing
         FROM ({powers}) AS power WHERE NOT {held} GROUP BY power.holder"
    )
    .load(tx.conn)?;
    let exceeding = exceeding.into_iter().map(|row| (row.holder, row.missing));
    let exceeding: HashMap<Uuid, Vec<String>> = exceeding.collect();
    for draft in drafts {
        if let Some(missing) = exceeding.get(&draft.after.id()) {
            draft.refuse(exceeds(missing));
        }
    }
    Ok(())
}

fn exceeds(missing: &[String]) -> ApiError {
    ApiError::new(
        Code::GrantExceedsCaller,
        format!(
            "You do not hold {} in a scope that includes this one; leave that out, or ask somebody who does.",
            missing.join(", ")
        ),
    )
}

/// As [`require`], for what other people were granted: the problem says `detail`, and not which permissions, since the caller
/// may not see their roles.
pub fn require_granted(tx: &mut Tx, powers: Sql, detail: &'static str) -> ApiResult<()> {
    if missing(tx, powers)?.is_empty() {
        return Ok(());
    }
    Err(ApiError::new(Code::GrantExceedsCaller, detail))
}

/// As [`require_granted`], for all that reaches a person.
pub fn require_all_of(tx: &mut Tx, person: Uuid) -> ApiResult<()> {
    require_granted(
        tx,
        reaching(person, tx.now),
        "This person was granted something that you do not hold in a scope that includes it; ask somebody who does.",
    )
}

/// Those permissions of the `powers` that the caller does not hold.
fn missing(tx: &mut Tx, powers: Sql) -> ApiResult<Vec<Missing>> {
    let Some(held) = held_by_caller(tx) else {
        return Ok(Vec::new());
    };
    Ok(sql!(
        "SELECT DISTINCT power.permission FROM ({powers}) AS power WHERE NOT {held}
         ORDER BY power.permission"
    )
    .load(tx.conn)?)
}

#[derive(QueryableByName)]
struct Holder {
    #[diesel(sql_type = sql_types::Uuid)]
    holder: Uuid,
}

/// The holders of those `powers` that the caller does not hold: they may neither sign in as them nor choose their members.
pub fn holders_beyond_caller(tx: &mut Tx, powers: Sql) -> ApiResult<HashSet<Uuid>> {
    match held_by_caller(tx) {
        Some(held) => holders_beyond(tx, powers, held),
        None => Ok(HashSet::new()),
    }
}

fn holders_beyond(tx: &mut Tx, powers: Sql, held: Sql) -> ApiResult<HashSet<Uuid>> {
    let beyond: Vec<Holder> =
        sql!("SELECT DISTINCT power.holder FROM ({powers}) AS power WHERE NOT {held}").load(tx.conn)?;
    Ok(beyond.into_iter().map(|row| row.holder).collect())
}

/// Whether the caller holds a `power`, a row of `scope_kind, scope_id, permission`; none if they hold all there are.
fn held_by_caller(tx: &Tx) -> Option<Sql> {
    holding(held_now(tx))
}

/// Whether `held` includes a `power`; none if it is all there is.
fn holding(held: Vec<(Scope, Vec<String>)>) -> Option<Sql> {
    let everywhere = held
        .iter()
        .filter(|(scope, _)| scope.is_everything())
        .map(|(_, names)| names.len())
        .sum::<usize>();
    if everywhere == Permission::ALL.len() {
        return None;
    }
    Some(Sql::any(held.into_iter().map(|(scope, names)| {
        sql!(
            "(power.permission = ANY({names}) AND ({scopes} OR {own_scopes}))",
            scopes = scope.scopes("power.scope_kind", "power.scope_id"),
            own_scopes = scope.own_scopes("power.scope_kind", "power.scope_id"),
        )
    })))
}

/// The caller's scopes by what their token opens, each with the permissions that reach that far.
fn held_now(tx: &Tx) -> Vec<(Scope, Vec<String>)> {
    by_scope(|permission| tx.caller.scope_if_any(permission, tx.now))
}

/// The scopes that `counts` lets count of what was granted to a principal, each with the permissions that reach that far.
fn held(caller: &Caller, counts: impl Fn(&HeldGrant) -> bool) -> Vec<(Scope, Vec<String>)> {
    by_scope(|permission| caller.granted_scope(permission, &counts))
}

fn by_scope(scope_of: impl Fn(Permission) -> Option<Scope>) -> Vec<(Scope, Vec<String>)> {
    let mut held: Vec<(Scope, Vec<String>)> = Vec::new();
    for permission in Permission::ALL {
        let Some(scope) = scope_of(*permission) else {
            continue;
        };
        let name = permission.as_str().to_owned();
        match held.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, names)) => names.push(name),
            None => held.push((scope, vec![name])),
        }
    }
    held
}
