//! The statements of signing in.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, JoinOnDsl, OptionalExtension, PgConnection, QueryDsl, QueryResult, RunQueryDsl,
};
use uuid::Uuid;

use crate::{
    access::Scope,
    db::{
        Condition, Sql, bind,
        schema::{passwords, service_accounts, users},
    },
    sql,
};

/// The active person of that name, with the hash of their password.
pub fn password_of(conn: &mut PgConnection, username: &str) -> QueryResult<Option<(Uuid, String)>> {
    users::table
        .inner_join(passwords::table.on(passwords::user_id.eq(users::id)))
        .filter(Condition::new(sql![
            "lower(users.username) = lower(",
            bind(username),
            ")"
        ]))
        .filter(users::status.eq("active"))
        .select((users::id, passwords::hash))
        .first(conn)
        .optional()
}

/// Whether that is still the hash of a person's password; if so it stays until the transaction ends.
pub fn lock_password(conn: &mut PgConnection, user: Uuid, hash: &str) -> QueryResult<bool> {
    let same = passwords::table
        .find(user)
        .filter(passwords::hash.eq(hash))
        .select(passwords::user_id)
        .for_share()
        .first::<Uuid>(conn)
        .optional()?;
    Ok(same.is_some())
}

/// The person of that name, whatever their status.
pub fn person_named(conn: &mut PgConnection, username: &str) -> QueryResult<Option<Uuid>> {
    users::table
        .filter(Condition::new(sql![
            "lower(users.username) = lower(",
            bind(username),
            ")"
        ]))
        .select(users::id)
        .first(conn)
        .optional()
}

/// Whether an active service account has that secret now; notes that it was used.
pub fn use_secret(
    conn: &mut PgConnection,
    account: Uuid,
    secret_hash: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let used = sql![
        "UPDATE service_account_secrets SET last_used_at = ",
        bind(now),
        " FROM service_accounts
         WHERE service_accounts.id = service_account_secrets.service_account_id AND service_accounts.status = 'active'
           AND service_account_secrets.kind = 'client' AND service_account_secrets.revoked_at IS NULL
           AND (service_account_secrets.expires_at IS NULL OR service_account_secrets.expires_at > ",
        bind(now),
        ") AND service_accounts.id = ",
        bind(account),
        " AND service_account_secrets.secret_hash = ",
        bind(secret_hash.to_vec())
    ]
    .execute(conn)?;
    Ok(used > 0)
}

/// The username of an active person whom `scope` covers, if the session that is named is still theirs.
pub fn person_in_force(
    conn: &mut PgConnection,
    scope: &Scope,
    user: Uuid,
    session: Option<Uuid>,
    now: DateTime<Utc>,
) -> QueryResult<Option<String>> {
    let is_live = match session {
        Some(session) => sql![
            "EXISTS (SELECT FROM sessions WHERE sessions.user_id = users.id AND sessions.ended_at IS NULL
                AND sessions.expires_at > ",
            bind(now),
            " AND sessions.id = ",
            bind(session),
            ")"
        ],
        None => Sql::always(),
    };
    users::table
        .find(user)
        .filter(users::status.eq("active"))
        .filter(Condition::new(Sql::all([scope.users("users.id"), is_live])))
        .select(users::username)
        .first(conn)
        .optional()
}

/// Whether a service account may call, as far as `scope` shows.
pub fn is_account_in_force(conn: &mut PgConnection, scope: &Scope, account: Uuid) -> QueryResult<bool> {
    let found = service_accounts::table
        .find(account)
        .filter(service_accounts::status.eq("active"))
        .filter(Condition::new(scope.global()))
        .select(service_accounts::id)
        .first::<Uuid>(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Sets a person's password.
pub fn set_password(conn: &mut PgConnection, user: Uuid, hash: &str, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::insert_into(passwords::table)
        .values((
            passwords::user_id.eq(user),
            passwords::hash.eq(hash),
            passwords::updated_at.eq(now),
        ))
        .on_conflict(passwords::user_id)
        .do_update()
        .set((
            passwords::hash.eq(hash),
            passwords::must_change.eq(false),
            passwords::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}
