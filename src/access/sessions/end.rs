//! The end of a session: its refresh tokens and its access tokens count no more.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::model::{Session, SessionEndReason};
use crate::{
    access::{events::SESSION_ENDED, sso::flows},
    app::{Tx, Wake},
    db::{
        Condition, Sql,
        schema::{sessions, users},
    },
    http::ApiResult,
    ledger::Event,
    sql,
};

/// Ends a session. One that is over already stays as it is.
pub fn one(tx: &mut Tx, session: Uuid, reason: SessionEndReason) -> ApiResult<()> {
    those(tx, sql!("sessions.id = {session}"), reason)
}

/// Ends all sessions of a person.
pub fn all(tx: &mut Tx, user: Uuid, reason: SessionEndReason) -> ApiResult<()> {
    those(tx, sql!("sessions.user_id = {user}"), reason)
}

/// Ends the sessions of a person but the caller's own.
pub fn others(tx: &mut Tx, user: Uuid, reason: SessionEndReason) -> ApiResult<()> {
    let own = tx.session;
    let others = sql!("sessions.user_id = {user} AND sessions.id IS DISTINCT FROM {own}");
    those(tx, others, reason)
}

/// Ends what began until then by a provider's session, or by a person's sign-ins there where it names no session; also
/// sign-ins that are under way.
pub fn at_provider(
    tx: &mut Tx,
    provider: Uuid,
    (subject, sid): (Option<&str>, Option<&str>),
    until: DateTime<Utc>,
) -> ApiResult<()> {
    flows::void(tx.conn, provider, (subject, sid), until, tx.now)?;
    let mut which = vec![
        sql!("sessions.identity_provider_id = {provider}"),
        sql!("sessions.created_at <= {until}"),
    ];
    which.extend(subject.map(|subject| sql!("sessions.provider_subject = {subject}")));
    which.extend(sid.map(|sid| sql!("sessions.provider_session_id = {sid}")));
    those(tx, Sql::all(which), SessionEndReason::ProviderSignedOut)
}

/// Ends the sessions of those of `people` who have left: people who come back sign in again.
pub fn of_archived(tx: &mut Tx, people: Vec<Uuid>) -> ApiResult<()> {
    // Found first: PostgreSQL, which takes few to have left, would look for them again for each session.
    let archived: Vec<Uuid> = users::table
        .filter(users::status.eq("archived"))
        .filter(Condition::new(Sql::among("users.id", &people)))
        .select(users::id)
        .load(tx.conn)?;
    if archived.is_empty() {
        return Ok(());
    }
    let theirs = sql!("sessions.user_id = ANY({archived})");
    those(tx, theirs, SessionEndReason::Revoked)
}

/// Why the caller ends a session of that person.
pub fn reason_of(tx: &Tx, user: Uuid) -> SessionEndReason {
    if tx.caller.person() == Some(user) {
        SessionEndReason::SignedOut
    } else {
        SessionEndReason::Revoked
    }
}

fn those(tx: &mut Tx, which: Sql, reason: SessionEndReason) -> ApiResult<()> {
    let ended: Vec<Session> = diesel::update(sessions::table)
        .filter(Condition::new(which))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(tx.now))
        .set((
            sessions::ended_at.eq(tx.now),
            sessions::end_reason.eq(reason),
            sessions::id_token_hint.eq(None::<String>),
        ))
        .returning(Session::as_returning())
        .get_results(tx.conn)?;
    for session in ended {
        let before = Session {
            ended_at: None,
            end_reason: None,
            ..session.clone()
        };
        let event = Event::new(&SESSION_ENDED, session.id).about(session.user_id);
        tx.record(event.before(&before.fact()).after(&session.fact()));
        tx.wake(Wake::Caller(session.user_id));
    }
    Ok(())
}
