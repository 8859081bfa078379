//! What is known about callers, so that a plain read costs one query. Dropped by notification.

use std::{
    collections::HashMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::sessions;
use crate::authz::{Caller, HeldGrant, Permission, ScopePart};
use crate::{
    app::{Part, Wake},
    {db::Sql, ledger::ActorKind, sql},
};

/// Callers by principal. A principal who may not call (suspended, unknown) is not kept.
#[derive(Debug)]
pub struct Callers {
    known: RwLock<HashMap<Uuid, (Instant, Arc<Caller>)>>,
    /// Counts what was forgotten, so that what was read before is not kept after.
    forgotten: AtomicU64,
    keep_for: Duration,
}

/// Callers kept; past that all are forgotten and read again.
const MOST_CALLERS: usize = 50_000;

impl Part for Callers {
    fn on_wake(&self, wake: &Wake) {
        match wake {
            Wake::Caller(id) => self.forget(*id),
            Wake::Callers => self.forget_all(),
            _ => {}
        }
    }

    fn on_missed_wakes(&self) {
        self.forget_all();
    }
}

impl Callers {
    /// Keeps callers until they are forgotten by notification, or for a second where none can arrive.
    pub fn new(notified: bool) -> Self {
        let keep_for = if notified {
            Duration::from_secs(60)
        } else {
            Duration::from_secs(1)
        };
        Callers {
            known: RwLock::default(),
            forgotten: AtomicU64::new(0),
            keep_for,
        }
    }

    /// The caller, if it is known.
    pub fn get(&self, principal: Uuid) -> Option<Arc<Caller>> {
        let known = self.known.read().ok()?;
        let (since, caller) = known.get(&principal)?;
        (since.elapsed() < self.keep_for).then(|| caller.clone())
    }

    /// A mark to be taken before a caller is read and given to [`Callers::insert`].
    pub fn mark(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    /// Keeps a caller that was read after `mark`, unless something was forgotten since.
    pub fn insert(&self, principal: Uuid, caller: Arc<Caller>, mark: u64) {
        let Ok(mut known) = self.known.write() else { return };
        if self.mark() != mark {
            return;
        }
        if known.len() >= MOST_CALLERS {
            known.clear();
        }
        known.insert(principal, (Instant::now(), caller));
    }

    /// Forgets one.
    pub fn forget(&self, principal: Uuid) {
        if let Ok(mut known) = self.known.write() {
            self.forgotten.fetch_add(1, Ordering::AcqRel);
            known.remove(&principal);
        }
    }

    /// Forgets all.
    pub fn forget_all(&self) {
        if let Ok(mut known) = self.known.write() {
            self.forgotten.fetch_add(1, Ordering::AcqRel);
            known.clear();
        }
    }
}

#[derive(QueryableByName)]
struct GrantRow {
    #[diesel(sql_type = sql_types::Uuid)]
    holder: Uuid,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    grant_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Array<sql_types::Text>)]
    permissions: Vec<String>,
    #[diesel(sql_type = sql_types::Text)]
    scope_kind: String,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    scope_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    starts_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    ends_at: Option<DateTime<Utc>>,
}

/// Reads a principal with its grants and the sessions that ended after `ended_since`; none if it may not call:
/// unknown, suspended, archived.
pub fn load(
    conn: &mut PgConnection,
    kind: ActorKind,
    principal: Uuid,
    ended_since: DateTime<Utc>,
) -> QueryResult<Option<Caller>> {
    let rows: Vec<GrantRow> = match kind {
        ActorKind::User => of_users(conn, &[principal], sql!("status = 'active'"))?,
        ActorKind::ServiceAccount => of_service_account(conn, principal)?,
        ActorKind::System => Vec::new(),
    };
    if rows.is_empty() {
        return Ok(None);
    }
    let ended_sessions = match kind {
        ActorKind::User => sessions::store::ended_since(conn, principal, ended_since)?,
        ActorKind::ServiceAccount | ActorKind::System => Vec::new(),
    };
    let grants = rows.into_iter().filter_map(held).collect();
    Ok(Some(Caller::new(kind, principal, grants, ended_sessions)))
}

/// What a person was granted, whatever their status: it counts while they are active.
pub fn granted(conn: &mut PgConnection, person: Uuid) -> QueryResult<Vec<HeldGrant>> {
    let rows = of_users(conn, &[person], Sql::always())?;
    Ok(rows.into_iter().filter_map(held).collect())
}

/// Those of the people who are active, with what they were granted and without their sessions.
pub fn active(conn: &mut PgConnection, people: &[Uuid]) -> QueryResult<Vec<Caller>> {
    let mut grants: HashMap<Uuid, Vec<HeldGrant>> = HashMap::new();
    for row in of_users(conn, people, sql!("status = 'active'"))? {
        grants.entry(row.holder).or_default().extend(held(row));
    }
    let callers = grants.into_iter();
    Ok(callers
        .map(|(person, grants)| Caller::new(ActorKind::User, person, grants, Vec::new()))
        .collect())
}

/// Every person is a learner of their own; the rest is granted to them or to groups that they are in.
fn of_users(conn: &mut PgConnection, people: &[Uuid], condition: Sql) -> QueryResult<Vec<GrantRow>> {
    sql!(
        "WITH person AS (SELECT id FROM users WHERE id = ANY({people}) AND {condition}),
         principal AS (SELECT 'user' AS kind, id, id AS holder FROM person
            UNION ALL SELECT 'group', member.group_id, member.user_id
            FROM group_members member JOIN person ON person.id = member.user_id)
         SELECT person.id AS holder, NULL::uuid AS grant_id, roles.permissions, 'self' AS scope_kind,
            NULL::uuid AS scope_id, NULL::timestamptz AS starts_at, NULL::timestamptz AS ends_at
         FROM person JOIN roles ON roles.code = 'learner' AND roles.built_in
         UNION ALL
         SELECT principal.holder, grants.id, roles.permissions, grants.scope_kind, grants.scope_id,
            grants.starts_at, grants.ends_at
         FROM principal
         JOIN grants ON grants.revoked_at IS NULL AND grants.principal_kind = principal.kind
            AND grants.principal_id = principal.id
         JOIN roles ON roles.id = grants.role_id"
    )
    .load(conn)
}

/// A service account without grants may still ask who it is.
fn of_service_account(conn: &mut PgConnection, account: Uuid) -> QueryResult<Vec<GrantRow>> {
    sql!(
        "SELECT service_accounts.id AS holder, grants.id AS grant_id,
            coalesce(roles.permissions, '{}') AS permissions,
            coalesce(grants.scope_kind, 'self') AS scope_kind, grants.scope_id, grants.starts_at,
            grants.ends_at
         FROM service_accounts
         LEFT JOIN grants ON grants.principal_kind = 'service_account'
            AND grants.principal_id = service_accounts.id
            AND grants.revoked_at IS NULL
         LEFT JOIN roles ON roles.id = grants.role_id
         WHERE service_accounts.id = {account} AND service_accounts.status = 'active'"
    )
    .load(conn)
}

fn held(row: GrantRow) -> Option<HeldGrant> {
    let scope = ScopePart::of(&row.scope_kind, row.scope_id)?;
    let permissions = row
        .permissions
        .iter()
        .filter_map(|name| Permission::from_name(name))
        .collect();
    Some(HeldGrant {
        grant_id: row.grant_id,
        permissions,
        scope,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
    })
}
