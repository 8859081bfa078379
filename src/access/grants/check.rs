//! Checks grants before they are written. All rows of a request are checked against what the caller holds when the request
//! begins: no row makes another row possible.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::model::{Grant, GrantFields, PrincipalKind};
use crate::{
    access::{inclusion, roles::model::Role},
    app::Tx,
    authz::{Permission, Scope, ScopeKind},
    db::{
        Fixed, Sql,
        schema::{grants, roles},
    },
    filter::{Attribute, Column, Kind},
    http::{ApiError, ApiResult, Code, FieldError},
    resource::{
        self, Change, Create, Expansion, NoExtra, Resource,
        draft::due,
        write::{self, table},
    },
    sql,
};

type Draft = resource::Draft<Grant>;

impl Resource for Grant {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/grants";
    const ATTRIBUTES: &'static [Attribute] = &[Attribute {
        name: "role",
        kind: Kind::String,
        column: Column::Exists {
            from: "roles r",
            on: "r.id = grants.role_id",
            value: "r.code",
        },
        doc: "The code of the role.",
    }];
    const EXPANSIONS: &'static [Expansion] = &[Expansion::of::<Role>("role", "role_id")];

    /// One transaction at a time writes grants, so that no two of them give the same role in the same scope at the same time.
    fn lock(tx: &mut Tx) -> ApiResult<()> {
        tx.advisory_lock("grants")
    }

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        if !drafts.iter().any(Draft::is_new) {
            return Ok(());
        }
        let is_command = !tx.is_request();
        for draft in drafts.iter_mut().filter(|draft| draft.is_new() && is_command) {
            draft.after.source = "command".to_owned();
        }
        lock_roles(tx, drafts)?;
        let given = table(drafts.iter().filter(|draft| draft.is_new()))?;
        inclusion::require_each(tx, drafts, inclusion::given_by(given.clone()))?;
        name_what_exists(tx, drafts, given)?;
        follow_each_other(tx, drafts)
    }

    fn person(&self) -> Option<Uuid> {
        (self.principal_kind == PrincipalKind::User).then_some(self.principal_id)
    }

    fn announce(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        due(drafts).for_each(|draft| tx.wake(draft.after.wake()));
        Ok(())
    }
}

/// Locks the roles, so that their permissions do not change between the check and the commit.
fn lock_roles(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
    let new = drafts.iter().filter(|draft| draft.is_new());
    let roles: Vec<Uuid> = new.map(|draft| draft.after.role_id).collect();
    sql!("SELECT id FROM roles WHERE id = ANY({roles}) ORDER BY id FOR SHARE").execute(tx.conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Bool)]
    role: bool,
    #[diesel(sql_type = sql_types::Bool)]
    principal: bool,
    #[diesel(sql_type = sql_types::Bool)]
    is_archived: bool,
    #[diesel(sql_type = sql_types::Bool)]
    is_dynamic: bool,
    #[diesel(sql_type = sql_types::Bool)]
    scope: bool,
}

/// Refuses grants whose role, principal or scope does not exist, and, in the same words, those to users and groups that the
/// caller may not see; grants to archived users and groups; grants to dynamic groups; grants that have ended.
fn name_what_exists(tx: &mut Tx, drafts: &mut [Draft], given: Sql) -> ApiResult<()> {
    let nameable = |read: Permission, covered: fn(&Scope) -> Sql| {
        let scopes =
            [read, Permission::RolesWrite].map(|permission| tx.caller.scope_if_any(permission, tx.now));
        Sql::any(scopes.iter().flatten().map(covered))
    };
    let scope = Sql::any(ScopeKind::ALL.iter().map(|kind| match kind.table() {
        Some(table) => sql!(
            "(given.scope_kind = {kind} AND EXISTS (SELECT FROM {table} WHERE id = given.scope_id))",
            kind = kind.as_str(),
            table = Fixed(table),
        ),
        None => sql!("given.scope_kind = {kind}", kind = kind.as_str()),
    }));
    let named: Vec<Named> = sql!(
        "SELECT given.id,
            EXISTS (SELECT FROM roles WHERE archived_at IS NULL AND id = given.role_id) AS role,
            CASE given.principal_kind
                WHEN 'user' THEN EXISTS (SELECT FROM users WHERE id = given.principal_id AND {people})
                WHEN 'group' THEN EXISTS (SELECT FROM groups WHERE id = given.principal_id AND {groups})
                ELSE EXISTS (SELECT FROM service_accounts WHERE id = given.principal_id)
            END AS principal,
            EXISTS (SELECT FROM users WHERE status = 'archived' AND id = given.principal_id)
                OR EXISTS (SELECT FROM groups WHERE archived_at IS NOT NULL AND id = given.principal_id) AS is_archived,
            EXISTS (SELECT FROM groups WHERE kind = 'dynamic' AND id = given.principal_id) AS is_dynamic,
            {scope} AS scope
         FROM {given} AS given",
        people = nameable(Permission::UsersRead, |scope| scope.users("users.id")),
        groups = nameable(Permission::GroupsRead, |scope| scope.groups("groups.id")),
    )
    .load(tx.conn)?;
    let named: HashMap<Uuid, Named> = named.into_iter().map(|named| (named.id, named)).collect();
    for draft in drafts {
        if let Some(named) = named.get(&draft.after.id) {
            draft.refuse_faults(faults(named, &draft.after, tx.now));
        }
    }
    Ok(())
}

fn faults(named: &Named, grant: &Grant, now: DateTime<Utc>) -> Vec<FieldError> {
    let checks = [
        (named.role, "/role_id", "names no role that can be granted"),
        (named.principal, "/principal_id", "names nothing that exists"),
        (
            !(named.principal && named.is_archived),
            "/principal_id",
            "is archived; restore it first, or choose another",
        ),
        (
            !(named.principal && named.is_dynamic),
            "/principal_id",
            "names a dynamic group, and only static groups hold roles; grant the role to a static group of these people",
        ),
        (named.scope, "/scope_id", "names nothing that exists"),
        (
            grant.ends_at.is_none_or(|ends_at| ends_at > now),
            "/ends_at",
            "lies in the past",
        ),
    ];
    let faults = checks.into_iter().filter(|(fits, ..)| !fits);
    faults
        .map(|(_, pointer, detail)| FieldError::new(pointer, detail))
        .collect()
}

/// Refuses a grant whose time overlaps with that of the same grant, be that stored or an earlier row. Grants of one role may
/// follow each other.
fn follow_each_other(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let is_asked = |draft: &&Draft| draft.is_new() && draft.stands();
    let given = table(drafts.iter().filter(is_asked))?;
    #[derive(QueryableByName)]
    struct Duplicate {
        #[diesel(sql_type = sql_types::Uuid)]
        given: Uuid,
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
    }
    let duplicates: Vec<Duplicate> = sql!(
        "SELECT DISTINCT ON (given.id) given.id AS given, present.id FROM {given} AS given
         JOIN grants present ON present.principal_kind = given.principal_kind
            AND present.principal_id = given.principal_id AND present.role_id = given.role_id
            AND present.scope_kind = given.scope_kind AND present.scope_id IS NOT DISTINCT FROM given.scope_id
            AND present.revoked_at IS NULL AND tstzrange(present.starts_at, present.ends_at)
                && tstzrange(coalesce(given.starts_at, {tx.now}), given.ends_at)
         ORDER BY given.id, present.created_at",
    )
    .load(tx.conn)?;
    let present: HashMap<Uuid, Uuid> = duplicates.into_iter().map(|row| (row.given, row.id)).collect();
    let mut earlier: HashMap<_, Vec<(Uuid, GrantFields)>> = HashMap::new();
    for draft in drafts.iter_mut().filter(|draft| draft.is_new() && draft.stands()) {
        let grant = draft.after.fields.clone();
        let same = earlier
            .entry((
                grant.principal_id,
                grant.role_id,
                grant.scope_kind,
                grant.scope_id,
            ))
            .or_default();
        let of_request = same.iter().find(|(_, other)| overlap(&grant, other, tx.now));
        match present.get(&draft.after.id).or(of_request.map(|(id, _)| id)) {
            Some(id) => draft.refuse(granted_already(*id)),
            None => same.push((draft.after.id, grant)),
        }
    }
    Ok(())
}

/// Whether two grants count at the same time.
fn overlap(one: &GrantFields, other: &GrantFields, now: DateTime<Utc>) -> bool {
    let begins_before_end = |one: &GrantFields, other: &GrantFields| {
        other.ends_at.is_none_or(|end| one.starts_at.unwrap_or(now) < end)
    };
    begins_before_end(one, other) && begins_before_end(other, one)
}

fn granted_already(id: Uuid) -> ApiError {
    ApiError::new(
        Code::AlreadyExists,
        "Grants of one role in one scope follow each other.",
    )
    .with_field(
        "/role_id",
        format!("is granted there by the grant {id} at that time already; revoke that one first"),
    )
}

/// Grants a user the role of this code for everything, unless they hold it already: for commands.
pub fn ensure_everywhere(tx: &mut Tx, user: Uuid, role_code: &str) -> ApiResult<()> {
    let role_id = roles::table
        .filter(roles::code.eq(role_code))
        .select(roles::id)
        .first(tx.conn)?;
    let held = grants::table
        .filter(grants::principal_id.eq(user))
        .filter(grants::role_id.eq(role_id))
        .filter(grants::scope_kind.eq(ScopeKind::Everything))
        .filter(grants::revoked_at.is_null())
        .select(grants::id)
        .first::<Uuid>(tx.conn)
        .optional()?;
    if held.is_some() {
        return Ok(());
    }
    give(tx, (PrincipalKind::User, user), role_id, ScopeKind::Everything)
}

/// Grants a principal a role in a scope without an id: for commands.
pub fn give(
    tx: &mut Tx,
    (principal_kind, principal_id): (PrincipalKind, Uuid),
    role_id: Uuid,
    scope_kind: ScopeKind,
) -> ApiResult<()> {
    let fields = GrantFields {
        principal_kind,
        principal_id,
        role_id,
        scope_kind,
        scope_id: None,
        starts_at: None,
        ends_at: None,
    };
    let extra = NoExtra {};
    write::one(tx, Change::create(Create::<Grant> { fields, extra })).map(drop)
}
