//! Powers as queries of `scope_kind, scope_id, permission`, some with the `holder` of each.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{authz::Permission, db::Sql, sql};

/// Grants that count at `now` or will: those that are over give nothing any more.
pub(super) fn due(now: DateTime<Utc>) -> Sql {
    sql!("grants.revoked_at IS NULL AND (grants.ends_at IS NULL OR grants.ends_at > {now})")
}

/// The permissions that each grant in `given`, a table expression of new rows, gives, and `roles.write`, which the caller
/// needs there. The grant's id is the `holder`.
pub fn given_by(given: Sql) -> Sql {
    sql!(
        "SELECT given.id AS holder, given.scope_kind, given.scope_id, needed.permission FROM {given} AS given
         CROSS JOIN LATERAL (SELECT unnest(roles.permissions) FROM roles WHERE roles.id = given.role_id
            UNION SELECT {roles_write}) AS needed (permission)",
        roles_write = Permission::RolesWrite.as_str(),
    )
}

/// What the holders of roles gain by the permissions that are `added`, pairs of role and permission. The role's id is the
/// `holder`.
pub fn added_to_roles(added: Vec<(Uuid, String)>, now: DateTime<Utc>) -> Sql {
    let (roles, added): (Vec<Uuid>, Vec<String>) = added.into_iter().unzip();
    sql!(
        "SELECT added.role_id AS holder, grants.scope_kind, grants.scope_id, added.permission
         FROM unnest({roles}, {added}) AS added (role_id, permission)
         JOIN grants ON grants.role_id = added.role_id WHERE {due}",
        due = due(now),
    )
}

/// What these principals (`user`, `group` or `service_account`) were granted.
pub fn granted_to(kind: &'static str, principals: Vec<Uuid>, now: DateTime<Utc>) -> Sql {
    sql!(
        "SELECT grants.scope_kind, grants.scope_id, unnest(roles.permissions) AS permission
         FROM grants JOIN roles ON roles.id = grants.role_id
         WHERE {due} AND grants.principal_kind = {kind} AND grants.principal_id = ANY({principals})",
        due = due(now),
    )
}

/// What anybody was granted, people and groups: who decides how people sign in could sign in as each of them.
pub fn granted_to_people(now: DateTime<Utc>) -> Sql {
    sql!(
        "SELECT DISTINCT grants.scope_kind, grants.scope_id, unnest(roles.permissions) AS permission
         FROM grants JOIN roles ON roles.id = grants.role_id
         WHERE {due} AND grants.principal_kind IN ('user', 'group')",
        due = due(now),
    )
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
    sql!("SELECT * FROM ({powers}) AS granted WHERE permission = ANY({names})")
}

/// What a person was granted, and the groups that they are in.
pub fn reaching(person: Uuid, now: DateTime<Utc>) -> Sql {
    reaching_those(sql!("{person}"), now)
}

/// What these people were granted, and the groups that they are in, each with its `holder`; `people` are ids, or a query of
/// them. Whose own reports or self a grant reaches stands in its `scope_id`.
pub fn reaching_those(people: Sql, now: DateTime<Utc>) -> Sql {
    sql!(
        "SELECT reaching.holder, grants.scope_kind,
            CASE WHEN grants.scope_kind IN ('own_reports', 'self') THEN reaching.holder
                ELSE grants.scope_id END AS scope_id, unnest(roles.permissions) AS permission
         FROM grants JOIN roles ON roles.id = grants.role_id
         JOIN (
            SELECT 'user' AS kind, users.id AS principal, users.id AS holder FROM users WHERE users.id IN ({people})
            UNION ALL SELECT 'group', group_id, user_id FROM group_members WHERE user_id IN ({people})
         ) reaching ON reaching.kind = grants.principal_kind AND reaching.principal = grants.principal_id
         WHERE {due}",
        due = due(now),
    )
}

/// What the members of these groups hold by them, each with its `holder`; and the leave to grant it.
pub fn held_by_members(groups: Vec<Uuid>, now: DateTime<Utc>) -> Sql {
    sql!(
        "SELECT grants.principal_id AS holder, grants.scope_kind, grants.scope_id, needed.permission
         FROM grants JOIN roles ON roles.id = grants.role_id
         CROSS JOIN LATERAL unnest(roles.permissions || {roles_write}) AS needed (permission)
         WHERE {due} AND grants.principal_kind = 'group' AND grants.principal_id = ANY({groups})",
        roles_write = vec![Permission::RolesWrite.as_str().to_owned()],
        due = due(now),
    )
}

/// What others may do to members of these groups, each with its `holder`; over everybody, since anybody may become a member.
pub fn held_over_members(groups: Vec<Uuid>, now: DateTime<Utc>) -> Sql {
    sql!(
        "SELECT grants.scope_id AS holder, 'everything' AS scope_kind, NULL::uuid AS scope_id,
            unnest(roles.permissions) AS permission
         FROM grants JOIN roles ON roles.id = grants.role_id
         WHERE {due} AND grants.scope_kind = 'group' AND grants.scope_id = ANY({groups})",
        due = due(now),
    )
}
