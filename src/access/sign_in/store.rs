//! The statements of signing in.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, QueryResult, QueryableByName, RunQueryDsl,
    sql_types,
};
use uuid::Uuid;

use crate::{
    authz::Scope,
    db::{
        Condition, Sql,
        schema::{passwords, service_accounts, users},
    },
    sql,
    text::fold,
};

/// What a name leads to, looked up in one statement whether or not anybody has it.
#[derive(Debug, Clone, QueryableByName)]
pub struct Account {
    /// The name in its key form.
    #[diesel(sql_type = sql_types::Text)]
    pub name: String,
    /// The active person who has it, and a password.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub user_id: Option<Uuid>,
    /// The hash of their password.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub hash: Option<String>,
    /// Whether they must change it.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Bool>)]
    pub must_change: Option<bool>,
    /// Whether they signed in from the address lately.
    #[diesel(sql_type = sql_types::Bool)]
    pub is_familiar: bool,
}

/// Sign-ins from an address make it familiar for so long.
const FAMILIAR_FOR: TimeDelta = TimeDelta::days(30);

/// The account of that name, as it is seen from that address.
pub fn account(
    conn: &mut PgConnection,
    username: &str,
    address: Option<IpAddr>,
    now: DateTime<Utc>,
) -> QueryResult<Account> {
    let name = fold(username);
    sql!(
        "SELECT {name} AS name, person.id AS user_id, person.hash, person.must_change,
            EXISTS (SELECT FROM sessions WHERE sessions.user_id = person.id
                    AND sessions.created_at > {since} AND sessions.address = {address}) AS is_familiar
         FROM (SELECT) AS asked
         LEFT JOIN (SELECT users.id, passwords.hash, passwords.must_change FROM users
            JOIN passwords ON passwords.user_id = users.id
            WHERE users.status = 'active' AND users.username_folded = {name}) AS person ON true",
        name = name.as_str(),
        since = now - FAMILIAR_FOR,
        address = address.map(|address| address.to_string()),
    )
    .get_result(conn)
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

/// Whether a person may sign in.
pub fn is_active(conn: &mut PgConnection, user: Uuid) -> QueryResult<bool> {
    let active = users::table
        .find(user)
        .filter(users::status.eq("active"))
        .select(users::id)
        .first::<Uuid>(conn)
        .optional()?;
    Ok(active.is_some())
}

/// The person of that name, whatever their status.
pub fn person_named(conn: &mut PgConnection, username: &str) -> QueryResult<Option<Uuid>> {
    users::table
        .filter(users::username_folded.eq(fold(username)))
        .select(users::id)
        .first(conn)
        .optional()
}

#[derive(QueryableByName)]
struct Used {
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    scope: Option<String>,
}

/// If an active service account has that secret now: the permissions that it is confined to, with spaces between. Notes
/// that it was used.
pub fn use_secret(
    conn: &mut PgConnection,
    account: Uuid,
    secret_hash: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<Option<Option<String>>> {
    let used = sql!(
        "UPDATE service_account_secrets SET last_used_at = {now} FROM service_accounts
         WHERE service_accounts.id = service_account_secrets.service_account_id
            AND service_accounts.status = 'active'
            AND service_account_secrets.kind = 'client' AND service_account_secrets.revoked_at IS NULL
            AND (service_account_secrets.expires_at IS NULL
                OR service_account_secrets.expires_at > {now}) AND service_accounts.id = {account}
            AND service_account_secrets.secret_hash = {secret_hash}
         RETURNING array_to_string(service_account_secrets.permissions, ' ') AS scope"
    )
    .get_result::<Used>(conn)
    .optional()?;
    Ok(used.map(|used| used.scope))
}

/// The username of an active person whom `scope` covers, if the session that is named is still theirs.
pub fn active_person(
    conn: &mut PgConnection,
    scope: &Scope,
    user: Uuid,
    session: Option<Uuid>,
    now: DateTime<Utc>,
) -> QueryResult<Option<String>> {
    let is_live = match session {
        Some(session) => sql!(
            "EXISTS (SELECT FROM sessions
                WHERE sessions.user_id = users.id AND sessions.ended_at IS NULL
                    AND sessions.expires_at > {now} AND sessions.id = {session})"
        ),
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

/// Whether a service account is active, if `scope` shows it.
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

/// Sets a person's password: its hash, and whether they must change it.
pub fn set_password(
    conn: &mut PgConnection,
    user: Uuid,
    (hash, must_change): (&str, bool),
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let set = (
        passwords::hash.eq(hash),
        passwords::must_change.eq(must_change),
        passwords::updated_at.eq(now),
    );
    diesel::insert_into(passwords::table)
        .values((passwords::user_id.eq(user), set))
        .on_conflict(passwords::user_id)
        .do_update()
        .set(set)
        .execute(conn)?;
    Ok(())
}
