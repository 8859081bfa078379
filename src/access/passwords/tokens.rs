//! Single-use tokens by which people choose a password: of invitations and of resets. Kept as hashes.

use std::time::Duration;

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{OptionalExtension, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use crate::{
    access::sign_in::hash_secret,
    app::Tx,
    config::Config,
    db::Sql,
    http::{ApiError, ApiResult},
    sql, text_enum,
};

text_enum! {
    /// What a single-use token is for.
    TokenPurpose {
        /// To choose the first password and become active.
        Invitation = "invitation",
        /// To choose another password.
        Reset = "reset",
    }
}

/// What these tokens begin with.
const PREFIX: &str = "pvp_";

impl TokenPurpose {
    fn lifetime(self, config: &Config) -> Duration {
        match self {
            TokenPurpose::Invitation => config.invitation_lifetime,
            TokenPurpose::Reset => config.reset_lifetime,
        }
    }
}

/// Makes a token of a person, in the place of those that they had; answers until when it is good.
pub fn issue(
    tx: &mut Tx,
    user: Uuid,
    purpose: TokenPurpose,
    sent_to: Option<&str>,
) -> ApiResult<(String, DateTime<Utc>)> {
    void(tx, user)?;
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(ApiError::internal)?;
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let lifetime = TimeDelta::from_std(purpose.lifetime(&tx.app.config)).map_err(ApiError::internal)?;
    let expires_at = tx.now + lifetime;
    sql!(
        "INSERT INTO password_tokens (token_hash, user_id, purpose, sent_to, issued_at, expires_at)
         VALUES ({hash_secret}, {user}, {purpose}, {sent_to}, {tx.now}, {expires_at})",
        hash_secret = hash_secret(&token),
        purpose = purpose.as_str(),
        sent_to = sent_to.map(str::to_owned),
    )
    .execute(tx.conn)?;
    Ok((token, expires_at))
}

/// The tokens of a person count no more.
pub fn void(tx: &mut Tx, user: Uuid) -> QueryResult<()> {
    sql!("DELETE FROM password_tokens WHERE user_id = {user}").execute(tx.conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Holder {
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
}

/// Whose token it is, if it counts now: in time, of a person in the state that it is for, and still at the address that
/// it went to.
pub fn holder(conn: &mut PgConnection, token: &str, now: DateTime<Utc>) -> QueryResult<Option<Uuid>> {
    let found = sql!(
        "SELECT t.user_id FROM {counting}",
        counting = counting(token, now)
    )
    .get_result::<Holder>(conn);
    Ok(found.optional()?.map(|holder| holder.user_id))
}

/// Uses a token up; answers whether it counted.
pub fn take(tx: &mut Tx, token: &str) -> QueryResult<bool> {
    let taken = sql!(
        "DELETE FROM password_tokens WHERE token_hash IN (SELECT t.token_hash FROM {counting})",
        counting = counting(token, tx.now),
    )
    .execute(tx.conn)?;
    Ok(taken > 0)
}

fn counting(token: &str, now: DateTime<Utc>) -> Sql {
    sql!(
        "password_tokens t JOIN users u ON u.id = t.user_id
         WHERE u.status = CASE t.purpose WHEN 'invitation' THEN 'invited' ELSE 'active' END
            AND (t.sent_to IS NULL OR t.sent_to = u.email) AND t.expires_at > {now}
            AND t.token_hash = {hash_secret}",
        hash_secret = hash_secret(token),
    )
}
