//! Refresh tokens: opaque, kept as hashes, each good for one use (RFC 9700, section 4.14). A session is the family of
//! those that followed from one sign-in.

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper,
};
use uuid::Uuid;

use super::{
    end,
    model::{Origin, Session, SessionEndReason},
};
use crate::{
    access::{events::SESSION_STARTED, sign_in::hash_secret},
    app::{App, Tx},
    db::schema::{refresh_tokens, sessions, users},
    http::{ApiError, ApiResult},
    ledger::Event,
    sql,
};

/// What refresh tokens begin with, so that those who look for leaked secrets find them.
pub const PREFIX: &str = "pvr_";

/// A session with a refresh token of it, which is shown this once.
pub type Opened = (Session, String);

/// Begins a session of a person who just proved who they are.
pub fn begin(tx: &mut Tx, user: Uuid, origin: &Origin) -> ApiResult<Opened> {
    let lifetime = TimeDelta::from_std(tx.app.config.session_lifetime).map_err(ApiError::internal)?;
    let provider = origin.provider.as_ref();
    let session = diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(Uuid::now_v7()),
            sessions::user_id.eq(user),
            sessions::created_at.eq(tx.now),
            sessions::last_used_at.eq(tx.now),
            sessions::expires_at.eq(tx.now + lifetime),
            sessions::user_agent.eq(&origin.user_agent),
            sessions::address.eq(&origin.address),
            sessions::identity_provider_id.eq(provider.map(|provider| provider.provider_id)),
            sessions::provider_subject.eq(provider.map(|provider| &provider.subject)),
            sessions::provider_session_id.eq(provider.and_then(|provider| provider.sid.as_ref())),
            sessions::id_token_hint.eq(provider.and_then(|provider| provider.id_token.as_ref())),
        ))
        .returning(Session::as_returning())
        .get_result(tx.conn)?;
    tx.record(
        Event::new(&SESSION_STARTED, session.id)
            .about(user)
            .after(&session.fact()),
    );
    note_first(tx, user)?;
    let token = issue(tx, &session)?;
    Ok((session, token))
}

/// Notes when a person signs in for the first time: rules may count from it.
fn note_first(tx: &mut Tx, user: Uuid) -> ApiResult<()> {
    let noted = diesel::update(users::table.find(user))
        .filter(users::first_signed_in_at.is_null())
        .set(users::first_signed_in_at.eq(tx.now))
        .execute(tx.conn)?;
    if noted > 0 {
        tx.touch_users([user]);
    }
    Ok(())
}

/// Takes a refresh token and gives the next one. None if it does not count; one that was used before, longer than the
/// grace ago, ends its session.
pub fn rotate(tx: &mut Tx, token: &str) -> ApiResult<Option<Opened>> {
    let hash = hash_secret(token);
    let Some(session) = lock_session(tx.conn, &hash)? else {
        return Ok(None);
    };
    if session.ended_at.is_some() || session.expires_at <= tx.now {
        return Ok(None);
    }
    let issued_after = issued_after(tx.app, tx.now)?;
    if !take(tx, &hash, issued_after)? {
        if is_replay(tx, &hash, issued_after)? {
            end::one(tx, session.id, SessionEndReason::Replayed)?;
        }
        return Ok(None);
    }
    diesel::update(sessions::table.find(session.id))
        .set(sessions::last_used_at.eq(tx.now))
        .execute(tx.conn)?;
    let next = issue(tx, &session)?;
    Ok(Some((session, next)))
}

/// Whose session a refresh token is of, whether it counts or not.
pub fn session_of(conn: &mut PgConnection, token: &str) -> QueryResult<Option<Session>> {
    refresh_tokens::table
        .inner_join(sessions::table)
        .filter(refresh_tokens::token_hash.eq(hash_secret(token)))
        .select(Session::as_select())
        .first(conn)
        .optional()
}

/// The session of a refresh token that counts, and when that token was issued.
pub fn in_force(tx: &mut Tx, token: &str) -> ApiResult<Option<(Session, DateTime<Utc>)>> {
    let found = refresh_tokens::table
        .inner_join(sessions::table)
        .filter(refresh_tokens::token_hash.eq(hash_secret(token)))
        .filter(refresh_tokens::used_at.is_null())
        .filter(refresh_tokens::issued_at.gt(issued_after(tx.app, tx.now)?))
        .select((Session::as_select(), refresh_tokens::issued_at))
        .first(tx.conn)
        .optional()?;
    Ok(found)
}

/// Refresh tokens that were issued by then have waited too long at `now`.
pub fn issued_after(app: &App, now: DateTime<Utc>) -> ApiResult<DateTime<Utc>> {
    Ok(now - TimeDelta::from_std(app.config.refresh_lifetime).map_err(ApiError::internal)?)
}

/// The row by which the uses of one family take turns.
fn lock_session(conn: &mut PgConnection, hash: &[u8]) -> QueryResult<Option<Session>> {
    let of_token = refresh_tokens::table
        .filter(refresh_tokens::token_hash.eq(hash))
        .select(refresh_tokens::session_id);
    sessions::table
        .filter(sessions::id.eq_any(of_token))
        .select(Session::as_select())
        .for_no_key_update()
        .first(conn)
        .optional()
}

/// Whether the token was there to be used, by a person who may sign in; from now on it is not.
fn take(tx: &mut Tx, hash: &[u8], issued_after: DateTime<Utc>) -> ApiResult<bool> {
    let taken = sql!(
        "UPDATE refresh_tokens SET used_at = {tx.now} FROM users WHERE users.id = refresh_tokens.user_id
            AND users.status = 'active'
            AND refresh_tokens.used_at IS NULL AND refresh_tokens.issued_at > {issued_after}
            AND refresh_tokens.token_hash = {hash}"
    )
    .execute(tx.conn)?;
    Ok(taken > 0)
}

/// Whether the token was used longer ago than a client that asks twice explains. One that has expired tells nothing.
fn is_replay(tx: &mut Tx, hash: &[u8], issued_after: DateTime<Utc>) -> ApiResult<bool> {
    let grace = TimeDelta::from_std(tx.app.config.refresh_grace).map_err(ApiError::internal)?;
    let used = refresh_tokens::table
        .find(hash)
        .filter(refresh_tokens::issued_at.gt(issued_after))
        .select(refresh_tokens::used_at)
        .first::<Option<DateTime<Utc>>>(tx.conn)
        .optional()?;
    Ok(used.flatten().is_some_and(|used_at| used_at + grace < tx.now))
}

/// Another token of a session.
fn issue(tx: &mut Tx, session: &Session) -> ApiResult<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(ApiError::internal)?;
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(hash_secret(&token)),
            refresh_tokens::session_id.eq(session.id),
            refresh_tokens::user_id.eq(session.user_id),
            refresh_tokens::issued_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(token)
}
