//! The statements of grants.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper, sql_types,
};
use uuid::Uuid;

use super::model::{CreateGrant, Grant, PrincipalKind};
use crate::{
    access::{Authorized, Permission, Protected, Scope, ScopeKind},
    app::Tx,
    db::{
        Fixed, Sql,
        schema::{grants, roles},
    },
    filter::{Attribute, Column, Kind, Schema},
    http::{ApiError, ApiResult, Code, FieldError, ListQuery, Listing, Page, Sort, list::SortKind},
    ledger::Event,
    sql,
};

const LISTING: Listing = Listing {
    id: "grants.id",
    sorts: &[Sort {
        name: "created_at",
        column: "grants.created_at",
        kind: SortKind::Instant,
    }],
};

static FILTER: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "grants.id", "Our id."),
    Attribute::scalar(
        "principal_kind",
        Kind::Enum(PrincipalKind::WORDS),
        "grants.principal_kind",
        "What holds it.",
    ),
    Attribute::scalar("principal_id", Kind::Id, "grants.principal_id", "Which one."),
    Attribute::scalar("role_id", Kind::Id, "grants.role_id", "What it holds."),
    Attribute {
        name: "role",
        kind: Kind::String,
        column: Column::Exists {
            from: "roles r",
            on: "r.id = grants.role_id",
            value: "r.code",
        },
        doc: "The code of what it holds.",
    },
    Attribute::scalar(
        "scope_kind",
        Kind::Enum(ScopeKind::WORDS),
        "grants.scope_kind",
        "How far it reaches.",
    ),
    Attribute::scalar(
        "scope_id",
        Kind::Id,
        "grants.scope_id",
        "Of which org unit, group, category or course.",
    ),
    Attribute::scalar("source", Kind::String, "grants.source", "Where it came from."),
    Attribute::scalar(
        "starts_at",
        Kind::Instant,
        "grants.starts_at",
        "From when it counts.",
    ),
    Attribute::scalar(
        "ends_at",
        Kind::Instant,
        "grants.ends_at",
        "Until when it counts.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "grants.created_at",
        "When it was given.",
    ),
    Attribute::scalar(
        "revoked_at",
        Kind::Instant,
        "grants.revoked_at",
        "When it was taken back.",
    ),
]);

/// A page of the grants whose scope lies within the caller's.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Grant>> {
    let scope = tx.scope(Grant::READ)?;
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    let rows = grants::table
        .select((Grant::as_select(), page.key()))
        .filter(page.rows([Grant::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |grant| grant.id))
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = sql_types::Bool)]
    role: bool,
    #[diesel(sql_type = sql_types::Bool)]
    principal: bool,
    #[diesel(sql_type = sql_types::Bool)]
    is_dynamic: bool,
    #[diesel(sql_type = sql_types::Bool)]
    scope: bool,
}

/// Locks a role, so that what it opens does not change between the check and the commit.
pub fn lock_role(tx: &mut Tx, role: Uuid) -> ApiResult<()> {
    sql!("SELECT id FROM roles WHERE id = {role} FOR SHARE").execute(tx.conn)?;
    Ok(())
}

/// Refuses a grant whose role, principal or scope does not exist, one to people and groups whom the caller may not see,
/// in the same words, one to a dynamic group, and one that is over.
pub fn check(tx: &mut Tx, new: &CreateGrant) -> ApiResult<()> {
    let exists = |table: &'static str, id: Uuid| {
        sql!(
            "EXISTS (SELECT FROM {table} WHERE id = {id})",
            table = Fixed(table),
        )
    };
    let named = |table: &'static str, read: Permission, covered: fn(&Scope) -> Sql| {
        let scopes =
            [read, Permission::RolesWrite].map(|permission| tx.caller.scope_if_any(permission, tx.now));
        let reachable = Sql::any(scopes.iter().flatten().map(covered));
        sql!(
            "EXISTS (SELECT FROM {table} WHERE id = {new.principal_id} AND {reachable})",
            table = Fixed(table),
        )
    };
    let principal = match new.principal_kind {
        PrincipalKind::User => named("users", Permission::UsersRead, |scope| scope.users("users.id")),
        PrincipalKind::Group => named("groups", Permission::GroupsRead, |scope| {
            scope.groups("groups.id")
        }),
        PrincipalKind::ServiceAccount => exists("service_accounts", new.principal_id),
    };
    let scope = match (new.scope_kind.table(), new.scope_id) {
        (Some(table), Some(id)) => exists(table, id),
        _ => Sql::always(),
    };
    let named: Named = sql!(
        "SELECT EXISTS (SELECT FROM roles WHERE archived_at IS NULL AND id = {new.role_id}) AS role,
            {principal} AS principal, {scope} AS scope,
            EXISTS (SELECT FROM groups WHERE kind = 'dynamic' AND id = {new.principal_id}) AS is_dynamic"
    )
    .get_result(tx.conn)?;
    let checks = [
        (named.role, "/role_id", "names no role that can be granted"),
        (named.principal, "/principal_id", "names nothing that exists"),
        (
            !(named.principal && named.is_dynamic),
            "/principal_id",
            "names a dynamic group, and only static groups hold roles; grant the role to a static group of these people",
        ),
        (named.scope, "/scope_id", "names nothing that exists"),
        (
            new.ends_at.is_none_or(|ends_at| ends_at > tx.now),
            "/ends_at",
            "lies in the past",
        ),
    ];
    let faults: Vec<_> = checks
        .into_iter()
        .filter(|(fits, ..)| !fits)
        .map(|(_, pointer, detail)| FieldError::new(pointer, detail))
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid(faults))
    }
}

/// Refuses a grant of what is granted already at some time of it: grants may follow each other. Holds off others to the same
/// holder meanwhile.
pub fn check_twins(tx: &mut Tx, new: &CreateGrant) -> ApiResult<()> {
    tx.advisory_lock(format!("grants {}", new.principal_id))?;
    let twin: Option<Duplicate> = sql!(
        "SELECT id FROM grants WHERE principal_kind = {principal_kind}
            AND principal_id = {new.principal_id} AND role_id = {new.role_id}
            AND scope_kind = {scope_kind} AND scope_id IS NOT DISTINCT FROM {new.scope_id}::uuid
            AND revoked_at IS NULL AND tstzrange(starts_at, ends_at) && tstzrange({starts_at},
                {new.ends_at}) ORDER BY created_at LIMIT 1",
        principal_kind = new.principal_kind.as_str(),
        scope_kind = new.scope_kind.as_str(),
        starts_at = new.starts_at.unwrap_or(tx.now),
    )
    .get_result(tx.conn)
    .optional()?;
    match twin {
        None => Ok(()),
        Some(twin) => {
            let detail = format!(
                "is granted there by the grant {} at that time already; revoke that one first",
                twin.id
            );
            Err(ApiError::new(
                Code::AlreadyExists,
                "Grants of one role in one scope follow each other.",
            )
            .with_field("/role_id", detail))
        }
    }
}

#[derive(QueryableByName)]
struct Duplicate {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

/// Adds a grant with its event, and has its holder's next request see it. `source` says where it came from.
pub fn insert(tx: &mut Tx, new: &CreateGrant, source: &str) -> ApiResult<Grant> {
    let grant = diesel::insert_into(grants::table)
        .values((
            grants::id.eq(Uuid::now_v7()),
            grants::principal_kind.eq(new.principal_kind),
            grants::principal_id.eq(new.principal_id),
            grants::role_id.eq(new.role_id),
            grants::scope_kind.eq(new.scope_kind),
            grants::scope_id.eq(new.scope_id),
            grants::starts_at.eq(new.starts_at),
            grants::ends_at.eq(new.ends_at),
            grants::source.eq(source),
            grants::created_at.eq(tx.now),
            grants::updated_at.eq(tx.now),
        ))
        .returning(Grant::as_returning())
        .get_result(tx.conn)?;
    record(tx, "grant.created", None, &grant);
    Ok(grant)
}

/// Gives a person a role of this code for everything, unless they hold it already: for commands.
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
    let new = CreateGrant {
        principal_kind: PrincipalKind::User,
        principal_id: user,
        role_id,
        scope_kind: ScopeKind::Everything,
        scope_id: None,
        starts_at: None,
        ends_at: None,
    };
    insert(tx, &new, "command").map(drop)
}

/// Takes a grant back.
pub fn revoke(tx: &mut Tx, grant: &Authorized<Grant>) -> ApiResult<()> {
    let revoked: Grant = diesel::update(grants::table.find(grant.id))
        .set((
            grants::revoked_at.eq(tx.now),
            grants::version.eq(grants::version + 1),
            grants::updated_at.eq(tx.now),
        ))
        .returning(Grant::as_returning())
        .get_result(tx.conn)?;
    record(tx, "grant.revoked", Some(&**grant), &revoked);
    Ok(())
}

fn record(tx: &mut Tx, action: &'static str, before: Option<&Grant>, after: &Grant) {
    let mut event = Event::new(action, "grant", after.id).after(after);
    if let Some(before) = before {
        event = event.before(before);
    }
    event.user_id = after.person();
    tx.record(event);
    tx.wake(after.wake());
}
