//! "Nobody grants what they do not hold": the one place that decides it.
//!
//! Whatever gives powers to others (a grant, a wider role, a secret of an account, a seat in a group) names
//! those powers as a query of `scope_kind, scope_id, permission`, and the caller must hold each permission
//! in a scope that includes that one.

use std::collections::HashSet;

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{Permission, Scope, ScopePart};
use crate::{
    app::Tx,
    db::{Sql, bind},
    http::{ApiError, ApiResult, Code},
    sql,
};

/// What somebody who gets this role in this scope may do; and the leave to grant there, which the giver needs.
pub fn role_in_scope(role: Uuid, scope_kind: &str, scope_id: Option<Uuid>) -> Sql {
    sql![
        "SELECT ",
        bind(scope_kind),
        "::text AS scope_kind, ",
        bind(scope_id),
        "::uuid AS scope_id, permission
         FROM (SELECT unnest(roles.permissions) FROM roles WHERE roles.id = ",
        bind(role),
        " UNION SELECT ",
        bind(Permission::RolesWrite.as_str()),
        ") AS needed (permission)"
    ]
}

/// What those who hold this role get with `added`.
pub fn added_to_role(role: Uuid, added: Vec<String>) -> Sql {
    sql![
        "SELECT grants.scope_kind, grants.scope_id, added.permission
         FROM grants CROSS JOIN unnest(",
        bind(added),
        ") AS added (permission) WHERE grants.revoked_at IS NULL AND grants.role_id = ",
        bind(role)
    ]
}

/// What these principals (`user`, `group` or `service_account`) were granted.
pub fn granted_to(kind: &'static str, principals: Vec<Uuid>) -> Sql {
    sql![
        "SELECT grants.scope_kind, grants.scope_id, unnest(roles.permissions) AS permission
         FROM grants JOIN roles ON roles.id = grants.role_id
         WHERE grants.revoked_at IS NULL AND grants.principal_kind = ",
        bind(kind),
        " AND grants.principal_id = ANY(",
        bind(principals),
        ")"
    ]
}

/// What anybody was granted, people and groups: who decides how people sign in could sign in as each of them.
pub fn granted_to_people() -> Sql {
    sql![
        "SELECT DISTINCT grants.scope_kind, grants.scope_id, unnest(roles.permissions) AS permission
         FROM grants JOIN roles ON roles.id = grants.role_id
         WHERE grants.revoked_at IS NULL AND grants.principal_kind IN ('user', 'group')"
    ]
}

/// Of `powers`, those that `permissions` name, if any do.
pub fn confined(powers: Sql, permissions: Option<&[Permission]>) -> Sql {
    let Some(permissions) = permissions else {
        return powers;
    };
    let names: Vec<String> = permissions
        .iter()
        .map(|permission| permission.as_str().to_owned())
        .collect();
    sql![
        "SELECT * FROM (",
        powers,
        ") AS granted WHERE permission = ANY(",
        bind(names),
        ")"
    ]
}

/// What a person was granted, and the groups that they are in.
pub fn reaching(person: Uuid) -> Sql {
    reaching_those(sql![bind(person)])
}

/// What these people were granted, and the groups that they are in, each with its `holder`; `people` are ids, or a query of
/// them.
pub fn reaching_those(people: Sql) -> Sql {
    const GRANTED: &str = "grants.scope_kind, grants.scope_id, unnest(roles.permissions) AS permission
         FROM grants JOIN roles ON roles.id = grants.role_id ";
    sql![
        "SELECT grants.principal_id AS holder, ",
        GRANTED,
        "WHERE grants.revoked_at IS NULL AND grants.principal_kind = 'user' AND grants.principal_id IN (",
        &people,
        ") UNION ALL SELECT group_members.user_id, ",
        GRANTED,
        "JOIN group_members ON group_members.group_id = grants.principal_id
         WHERE grants.revoked_at IS NULL AND grants.principal_kind = 'group' AND group_members.user_id IN (",
        people,
        ")"
    ]
}

#[derive(QueryableByName)]
struct Missing {
    #[diesel(sql_type = sql_types::Text)]
    permission: String,
}

/// Refuses with `grant_exceeds_caller` unless the caller holds all that `powers` lists.
pub fn require(tx: &mut Tx, powers: Sql) -> ApiResult<()> {
    let Some(held) = held_by_caller(tx) else {
        return Ok(());
    };
    let missing: Vec<Missing> = sql![
        "SELECT DISTINCT power.permission FROM (",
        powers,
        ") AS power WHERE NOT ",
        held,
        " ORDER BY power.permission"
    ]
    .load(tx.conn)?;
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.into_iter().map(|row| row.permission).collect();
    Err(ApiError::new(
        Code::GrantExceedsCaller,
        format!(
            "You do not hold {} in a scope that includes this one; leave that out, or ask somebody who does.",
            names.join(", ")
        ),
    ))
}

/// As [`require`], for what a person was granted: which roles those are is not told, since the caller may not see them.
pub fn require_what_reaches(tx: &mut Tx, person: Uuid) -> ApiResult<()> {
    if holders_beyond_caller(tx, reaching(person))?.is_empty() {
        return Ok(());
    }
    Err(ApiError::new(
        Code::GrantExceedsCaller,
        "This person was granted something that you do not hold in a scope that includes it; ask somebody who does.",
    ))
}

/// What the members of these groups hold by them, each with its `holder`; and the leave to grant it.
pub fn held_by_members(groups: Vec<Uuid>) -> Sql {
    sql![
        "SELECT grants.principal_id AS holder, grants.scope_kind, grants.scope_id, needed.permission
         FROM grants JOIN roles ON roles.id = grants.role_id
         CROSS JOIN LATERAL unnest(roles.permissions || ",
        bind(vec![Permission::RolesWrite.as_str().to_owned()]),
        ") AS needed (permission)
         WHERE grants.revoked_at IS NULL AND grants.principal_kind = 'group' AND grants.principal_id = ANY(",
        bind(groups),
        ")"
    ]
}

/// What others may do to whoever comes into these groups, each with its `holder`; over everybody, since anybody may come.
pub fn held_over_members(groups: Vec<Uuid>) -> Sql {
    sql![
        "SELECT grants.scope_id AS holder, 'everything' AS scope_kind, NULL::uuid AS scope_id,
            unnest(roles.permissions) AS permission
         FROM grants JOIN roles ON roles.id = grants.role_id
         WHERE grants.revoked_at IS NULL AND grants.scope_kind = 'group' AND grants.scope_id = ANY(",
        bind(groups),
        ")"
    ]
}

#[derive(QueryableByName)]
struct Holder {
    #[diesel(sql_type = sql_types::Uuid)]
    holder: Uuid,
}

/// The holders of those `powers` that the caller does not hold: they may neither sign in as them nor choose their members.
pub fn holders_beyond_caller(tx: &mut Tx, powers: Sql) -> ApiResult<HashSet<Uuid>> {
    let Some(held) = held_by_caller(tx) else {
        return Ok(HashSet::new());
    };
    let beyond: Vec<Holder> = sql![
        "SELECT DISTINCT power.holder FROM (",
        powers,
        ") AS power WHERE NOT ",
        held
    ]
    .load(tx.conn)?;
    Ok(beyond.into_iter().map(|row| row.holder).collect())
}

/// Refuses to bring `people` into a group as far as which others' or the caller's own grants reach, unless the caller may do
/// to each of them what those grants open.
pub fn require_over(tx: &mut Tx, group: Uuid, people: &[Uuid]) -> ApiResult<()> {
    if held_by_caller(tx).is_none() || people.is_empty() {
        return Ok(());
    }
    let opened: Vec<Missing> = sql![
        "SELECT DISTINCT unnest(roles.permissions) AS permission
         FROM grants JOIN roles ON roles.id = grants.role_id
         WHERE grants.revoked_at IS NULL AND grants.scope_kind = 'group' AND grants.scope_id = ",
        bind(group)
    ]
    .load(tx.conn)?;
    let opened: HashSet<String> = opened.into_iter().map(|row| row.permission).collect();
    let mut missing = opened.clone();
    let mut covered = Vec::new();
    for (scope, names) in held(tx) {
        if names.iter().any(|name| opened.contains(name)) {
            covered.push(scope.users("users.id"));
        }
        missing.retain(|name| !names.contains(name));
    }
    let beyond: Beyond = sql![
        "SELECT EXISTS (SELECT FROM users WHERE users.id = ANY(",
        bind(people.to_vec()),
        ") AND NOT ",
        Sql::all(covered),
        ") AS is_beyond"
    ]
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
/// than now: nobody's reach grows by what they move. `moves` are pairs of thing and place.
pub fn moved_beyond_caller(
    tx: &mut Tx,
    (thing_kind, place_kind): (&'static str, &'static str),
    moves: &[(Uuid, Uuid)],
) -> ApiResult<HashSet<Uuid>> {
    if moves.is_empty() || held_by_caller(tx).is_none() {
        return Ok(HashSet::new());
    }
    let mut opened = sql!["SELECT NULL::text AS permission WHERE FALSE"];
    for (scope, names) in held(tx) {
        let covers = scope.scopes("place.kind", "place.id");
        opened.push(sql![" UNION ALL SELECT unnest(", bind(names), ") WHERE ", covers]);
    }
    let (things, places): (Vec<Uuid>, Vec<Uuid>) = moves.iter().copied().unzip();
    let powers = sql![
        "SELECT moved.thing AS holder, ",
        bind(thing_kind),
        "::text AS scope_kind, moved.thing AS scope_id, opened.permission FROM unnest(",
        bind(things),
        ", ",
        bind(places),
        ") AS moved (thing, place) CROSS JOIN LATERAL (SELECT ",
        bind(place_kind),
        "::text AS kind, moved.place AS id) place CROSS JOIN LATERAL (",
        opened,
        ") opened"
    ];
    holders_beyond_caller(tx, powers)
}

/// Whether the caller's own grants come to reach somebody who came into groups, as pairs of group and person, and whom
/// they did not reach otherwise.
pub fn reaches_more(tx: &mut Tx, gained: &[(Uuid, Uuid)]) -> ApiResult<bool> {
    let is_gained = |part: &ScopePart| matches!(part, ScopePart::Group(id) if gained.iter().any(|(group, _)| group == id));
    let mut beyond = Vec::new();
    for (scope, _) in held(tx) {
        for part in scope.parts().iter().filter(|part| is_gained(part)) {
            let came = gained
                .iter()
                .filter(|(group, _)| *part == ScopePart::Group(*group));
            let came: Vec<Uuid> = came.map(|(_, user)| *user).collect();
            let otherwise = scope.only(|part| !is_gained(&part)).users("users.id");
            beyond.push(sql!["users.id = ANY(", bind(came), ") AND NOT ", otherwise]);
        }
    }
    if beyond.is_empty() {
        return Ok(false);
    }
    let found: Beyond = sql![
        "SELECT EXISTS (SELECT FROM users WHERE ",
        Sql::any(beyond),
        ") AS is_beyond"
    ]
    .get_result(tx.conn)?;
    Ok(found.is_beyond)
}

#[derive(QueryableByName)]
struct Beyond {
    #[diesel(sql_type = sql_types::Bool)]
    is_beyond: bool,
}

/// Whether the caller holds a `power`, a row of `scope_kind, scope_id, permission`; none if they hold all there are.
fn held_by_caller(tx: &Tx) -> Option<Sql> {
    let held = held(tx);
    let everywhere = held
        .iter()
        .filter(|(scope, _)| scope.is_everything())
        .map(|(_, names)| names.len())
        .sum::<usize>();
    if everywhere == Permission::ALL.len() {
        return None;
    }
    Some(Sql::any(held.into_iter().map(|(scope, names)| {
        sql![
            "(power.permission = ANY(",
            bind(names),
            ") AND ",
            scope.scopes("power.scope_kind", "power.scope_id"),
            ")"
        ]
    })))
}

/// The caller's scopes, each with the permissions that reach that far.
fn held(tx: &Tx) -> Vec<(Scope, Vec<String>)> {
    let mut held: Vec<(Scope, Vec<String>)> = Vec::new();
    for permission in Permission::ALL {
        let Some(scope) = tx.caller.scope_if_any(*permission, tx.now) else {
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
