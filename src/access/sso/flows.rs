//! The statements of sign-ins that are under way: begun at `/oauth/authorize`, brought back at `/oauth/callback`, redeemed at
//! `/oauth/token`. Each step is taken once.

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    ExpressionMethods, Insertable, JoinOnDsl, OptionalExtension, PgConnection, QueryDsl, QueryResult,
    Queryable, RunQueryDsl, Selectable, SelectableHelper,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    db::{
        Condition, Sql, bind,
        schema::{identity_providers, sso_flows},
    },
    http::{ApiError, ApiResult},
    sql,
};

/// Somebody who signs in at a provider has so long for it.
pub const FLOW_LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// And their front end so long to redeem the code (RFC 6749, section 4.1.2).
const CODE_LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// 256 random bits, as text that may stand anywhere.
pub fn random() -> ApiResult<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(ApiError::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The PKCE challenge of a verifier (RFC 7636, section 4.2).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// A sign-in that was begun.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sso_flows)]
pub struct Flow {
    /// The hash of its state.
    pub state_hash: Vec<u8>,
    /// Where the person signs in.
    pub provider_id: Uuid,
    /// The hash of the browser's cookie.
    pub browser_hash: Vec<u8>,
    /// What the ID token must say.
    pub nonce: String,
    /// What the provider's code is redeemed with.
    pub code_verifier: String,
    /// Where the front end wants the browser back.
    pub redirect_uri: String,
    /// What it wants to see again.
    pub client_state: Option<String>,
    /// What it redeems our code with.
    pub code_challenge: String,
    /// Until when the next step may be taken.
    pub expires_at: DateTime<Utc>,
}

/// Notes a sign-in.
pub fn begin(conn: &mut PgConnection, flow: &Flow) -> QueryResult<()> {
    diesel::insert_into(sso_flows::table)
        .values(flow)
        .execute(conn)
        .map(drop)
}

/// The sign-in with that state which the browser with that cookie began, this once.
pub fn bring_back(
    conn: &mut PgConnection,
    state_hash: &[u8],
    browser_hash: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<Option<Flow>> {
    diesel::update(sso_flows::table.find(state_hash))
        .filter(sso_flows::browser_hash.eq(browser_hash))
        .filter(sso_flows::returned_at.is_null())
        .filter(sso_flows::expires_at.gt(now))
        .set(sso_flows::returned_at.eq(now))
        .returning(Flow::as_returning())
        .get_result(conn)
        .optional()
}

/// Gives a sign-in its code, by which the front end gets the tokens of that person.
pub fn grant(
    conn: &mut PgConnection,
    flow: &Flow,
    code_hash: &[u8],
    (user, provider_session): (Uuid, &Value),
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(sso_flows::table.find(&flow.state_hash))
        .set((
            sso_flows::code_hash.eq(code_hash),
            sso_flows::user_id.eq(user),
            sso_flows::provider_session.eq(provider_session),
            sso_flows::expires_at.eq(now + CODE_LIFETIME),
        ))
        .execute(conn)
        .map(drop)
}

/// A code that was given.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sso_flows)]
pub struct Grant {
    /// The sign-in.
    pub state_hash: Vec<u8>,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// What it is redeemed with.
    pub code_challenge: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// Whose it is.
    pub user_id: Option<Uuid>,
    /// The session at the provider.
    pub provider_session: Option<Value>,
    /// When it was redeemed, or tried.
    pub redeemed_at: Option<DateTime<Utc>>,
    /// The session that came of it.
    pub session_id: Option<Uuid>,
}

/// The code's grant; those who redeem one code take turns.
pub fn lock_grant(conn: &mut PgConnection, code_hash: &[u8]) -> QueryResult<Option<Grant>> {
    sso_flows::table
        .filter(sso_flows::code_hash.eq(code_hash))
        .select(Grant::as_select())
        .for_update()
        .first(conn)
        .optional()
}

/// Whether people may still sign in by the provider that a code came of.
pub fn is_provider_enabled(conn: &mut PgConnection, grant: &Grant) -> QueryResult<bool> {
    let enabled = sso_flows::table
        .inner_join(identity_providers::table.on(identity_providers::id.eq(sso_flows::provider_id)))
        .filter(sso_flows::state_hash.eq(&grant.state_hash))
        .select(identity_providers::enabled)
        .first(conn)
        .optional()?;
    Ok(enabled.unwrap_or_default())
}

/// Notes that a code was redeemed, or tried: it is good for one attempt.
pub fn use_up(
    conn: &mut PgConnection,
    grant: &Grant,
    session: Option<Uuid>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(sso_flows::table.find(&grant.state_hash))
        .set((sso_flows::redeemed_at.eq(now), sso_flows::session_id.eq(session)))
        .execute(conn)
        .map(drop)
}

/// Voids codes of a provider's subject or session that came back until then and were not redeemed yet.
pub fn void(
    conn: &mut PgConnection,
    provider: Uuid,
    (subject, sid): (Option<&str>, Option<&str>),
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let mut which = vec![sql!["sso_flows.provider_id = ", bind(provider)]];
    which.extend(subject.map(|subject| sql!["sso_flows.provider_session ->> 'subject' = ", bind(subject)]));
    which.extend(sid.map(|sid| sql!["sso_flows.provider_session ->> 'sid' = ", bind(sid)]));
    diesel::update(sso_flows::table)
        .filter(sso_flows::redeemed_at.is_null())
        .filter(sso_flows::returned_at.le(until))
        .filter(sso_flows::expires_at.gt(now))
        .filter(Condition::new(Sql::all(which)))
        .set(sso_flows::redeemed_at.eq(now))
        .execute(conn)
        .map(drop)
}
