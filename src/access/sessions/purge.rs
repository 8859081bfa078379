//! Forgets what signing in leaves behind, once it is past its time.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::refresh;
use crate::{
    access::attempts,
    app::Tx,
    db::Sql,
    http::ApiResult,
    jobs::{Job, JobError, JobRun},
    sql,
};

/// Deletes refresh tokens that expired, sessions that were over long ago, sign-ins by a provider, tokens
/// for passwords that expired, and counts of failures that nobody added to for long. What the ledger says of sessions stays.
#[derive(Debug, Serialize, Deserialize)]
pub struct PurgeRefreshTokens {}

/// Sessions stay on record for so long after their end.
const SESSIONS_KEPT: TimeDelta = TimeDelta::days(90);

/// Sign-ins by a provider that came to a code stay for so long: one that comes again ends what began by it.
const SSO_FLOWS_KEPT: TimeDelta = TimeDelta::days(1);

/// Rows a transaction, so that none holds locks for long.
const BATCH: i64 = 10_000;

impl Job for PurgeRefreshTokens {
    const KIND: &'static str = "refresh_tokens.purge";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        // Sessions after the tokens that name them.
        for purge in [refresh_tokens, sso_flows, sessions, failures, password_tokens] {
            while run.write(|tx| Ok(purge(tx)?.execute(tx.conn)? as i64))? == BATCH {}
        }
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

fn refresh_tokens(tx: &Tx) -> ApiResult<Sql> {
    Ok(sql!(
        "DELETE FROM refresh_tokens
         WHERE token_hash IN (SELECT token_hash FROM refresh_tokens WHERE issued_at <= {issued_after}
            LIMIT {BATCH})",
        issued_after = refresh::issued_after(tx.app, tx.now)?,
    ))
}

fn sessions(tx: &Tx) -> ApiResult<Sql> {
    Ok(sql!(
        "DELETE FROM sessions
         WHERE id IN (SELECT id FROM sessions WHERE coalesce(ended_at, expires_at) <= {since}
                AND NOT EXISTS (SELECT FROM refresh_tokens
                    WHERE refresh_tokens.session_id = sessions.id) LIMIT {BATCH})",
        since = tx.now - SESSIONS_KEPT,
    ))
}

fn sso_flows(tx: &Tx) -> ApiResult<Sql> {
    Ok(sql!(
        "DELETE FROM sso_flows
         WHERE flow_hash IN (SELECT flow_hash FROM sso_flows WHERE expires_at <= {since} LIMIT {BATCH})",
        since = tx.now - SSO_FLOWS_KEPT,
    ))
}

fn failures(tx: &Tx) -> ApiResult<Sql> {
    Ok(sql!(
        "DELETE FROM failed_attempts
         WHERE key IN (SELECT key FROM failed_attempts WHERE last_at <= {since} LIMIT {BATCH})",
        since = tx.now - attempts::KEPT,
    ))
}

fn password_tokens(tx: &Tx) -> ApiResult<Sql> {
    Ok(sql!(
        "DELETE FROM password_tokens
         WHERE token_hash IN (SELECT token_hash FROM password_tokens WHERE expires_at <= {tx.now}
            LIMIT {BATCH})"
    ))
}
