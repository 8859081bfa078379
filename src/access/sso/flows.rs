//! Sign-ins that are under way: begun at `/oauth/authorize`, brought back at `/oauth/callback`, redeemed at `/oauth/token`.
//! Nothing is stored before a person came back, so that strangers who begin sign-ins leave nothing behind.

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    ExpressionMethods, JoinOnDsl, OptionalExtension, PgConnection, QueryDsl, QueryResult, Queryable,
    RunQueryDsl, Selectable, SelectableHelper,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    access::{sealed, sign_in::hash_secret},
    app::App,
    db::{
        Condition, Sql,
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

/// A sign-in that was begun. Provost keeps nothing of it: it travels to the provider and back as `state`, sealed, and
/// opens only beside the cookie of the browser that began. Members have short names, since addresses have limits.
#[derive(Clone, Serialize, Deserialize)]
pub struct Flow {
    /// 256 random bits that are this sign-in's alone.
    #[serde(rename = "s")]
    secret: String,
    /// Where the person signs in.
    #[serde(rename = "p")]
    pub provider_id: Uuid,
    /// Where the front end wants the browser back.
    #[serde(rename = "r")]
    pub redirect_uri: String,
    /// What it wants to see again.
    #[serde(rename = "t")]
    pub client_state: Option<String>,
    /// What it redeems our code with.
    #[serde(rename = "c")]
    pub code_challenge: String,
    /// Until when the browser may come back, in seconds since 1970.
    #[serde(rename = "e")]
    expires_at: i64,
}

impl Flow {
    /// A sign-in that begins now.
    pub fn begin(
        provider_id: Uuid,
        redirect_uri: String,
        client_state: Option<String>,
        code_challenge: String,
        now: DateTime<Utc>,
    ) -> ApiResult<Self> {
        Ok(Flow {
            secret: random()?,
            provider_id,
            redirect_uri,
            client_state,
            code_challenge,
            expires_at: (now + FLOW_LIFETIME).timestamp(),
        })
    }

    /// The `state` of this sign-in in the browser with that cookie.
    pub fn seal(&self, app: &App, browser: &str) -> ApiResult<String> {
        let flow = serde_json::to_vec(self).map_err(ApiError::internal)?;
        sealed::seal(app, &context(browser), flow)
    }

    /// The sign-in of that `state`, if the browser with that cookie began it and its time is not over.
    pub fn open(app: &App, browser: &str, state: &str) -> Option<Self> {
        let flow = sealed::open(app, &context(browser), state)?;
        let flow: Flow = serde_json::from_slice(&flow).ok()?;
        (app.clock.now().timestamp() < flow.expires_at).then_some(flow)
    }

    /// What the ID token must say.
    pub fn nonce(&self) -> String {
        challenge(&format!("nonce {}", self.secret))
    }

    /// What the provider's code is redeemed with.
    pub fn code_verifier(&self) -> String {
        challenge(&format!("code verifier {}", self.secret))
    }

    fn hash(&self) -> Vec<u8> {
        hash_secret(&self.secret)
    }
}

fn context(browser: &str) -> String {
    format!("sign-in {browser}")
}

/// Whether the person of a sign-in came back already.
pub fn is_finished(conn: &mut PgConnection, flow: &Flow) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(sso_flows::table.find(flow.hash()))).get_result(conn)
}

/// Gives a sign-in its code, by which the front end gets the tokens of that person; false if it was given one before.
pub fn grant(
    conn: &mut PgConnection,
    (flow, returned_at): (&Flow, DateTime<Utc>),
    code_hash: &[u8],
    (user, provider_session): (Uuid, &Value),
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let granted = diesel::insert_into(sso_flows::table)
        .values((
            sso_flows::flow_hash.eq(flow.hash()),
            sso_flows::provider_id.eq(flow.provider_id),
            sso_flows::redirect_uri.eq(&flow.redirect_uri),
            sso_flows::code_challenge.eq(&flow.code_challenge),
            sso_flows::returned_at.eq(returned_at),
            sso_flows::code_hash.eq(code_hash),
            sso_flows::user_id.eq(user),
            sso_flows::provider_session.eq(provider_session),
            sso_flows::expires_at.eq(now + CODE_LIFETIME),
        ))
        .on_conflict(sso_flows::flow_hash)
        .do_nothing()
        .execute(conn)?;
    Ok(granted == 1)
}

/// A code that was given.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sso_flows)]
pub struct Grant {
    /// The sign-in.
    pub flow_hash: Vec<u8>,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// What it is redeemed with.
    pub code_challenge: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// Whose it is.
    pub user_id: Uuid,
    /// The session at the provider.
    pub provider_session: Value,
    /// When it was redeemed, or tried.
    pub redeemed_at: Option<DateTime<Utc>>,
    /// The session that came of it.
    pub session_id: Option<Uuid>,
}

/// The code's grant, locked, so that two requests cannot redeem one code.
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
        .filter(sso_flows::flow_hash.eq(&grant.flow_hash))
        .select(identity_providers::enabled)
        .first(conn)
        .optional()?;
    Ok(enabled.unwrap_or_default())
}

/// Notes that a code was redeemed, or tried: it is good for one attempt.
pub fn mark_redeemed(
    conn: &mut PgConnection,
    grant: &Grant,
    session: Option<Uuid>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(sso_flows::table.find(&grant.flow_hash))
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
    let mut which = vec![sql!("sso_flows.provider_id = {provider}")];
    which.extend(subject.map(|subject| sql!("sso_flows.provider_session ->> 'subject' = {subject}")));
    which.extend(sid.map(|sid| sql!("sso_flows.provider_session ->> 'sid' = {sid}")));
    diesel::update(sso_flows::table)
        .filter(sso_flows::redeemed_at.is_null())
        .filter(sso_flows::returned_at.le(until))
        .filter(sso_flows::expires_at.gt(now))
        .filter(Condition::new(Sql::all(which)))
        .set(sso_flows::redeemed_at.eq(now))
        .execute(conn)
        .map(drop)
}
