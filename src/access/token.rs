//! Access tokens: short-lived signed JWTs (RFC 9068).

use std::{
    collections::HashMap,
    sync::{
        RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    keys::{self, KeyRing},
    sessions::model::Session,
};
use crate::{
    app::{App, Part, Wake},
    http::{ApiError, ApiResult, Code},
    ledger::ActorKind,
};

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it: Provost's public address.
    pub iss: String,
    /// Whom it is for: the same.
    pub aud: String,
    /// The principal.
    pub sub: Uuid,
    /// What kind of principal.
    pub kind: ActorKind,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// Its own id.
    pub jti: Uuid,
    /// The permissions that it is confined to, with spaces between (RFC 9068, section 2.2.3); all of its principal's, if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Who acts in the principal's place (RFC 8693, section 4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// The session that it ends with; none for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Uuid>,
}

/// The actor who calls on behalf of the principal, as the actor's token said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Actor {
    /// Which principal.
    pub sub: Uuid,
    /// What kind of principal.
    pub kind: ActorKind,
    /// The session that the token belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sid: Option<Uuid>,
    /// The permissions that the token is confined to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub scope: Option<String>,
}

/// The type that tokens carry in their header (RFC 9068, section 2.1).
const TOKEN_TYPE: &str = "at+jwt";

/// Seconds that clocks may differ by.
const LEEWAY: i64 = 5;

/// Signs a token for a principal.
pub fn issue(app: &App, kind: ActorKind, principal: Uuid, now: DateTime<Utc>) -> ApiResult<String> {
    sign(
        app,
        &claims(app, (kind, principal), (now, ends_at(app, now)?)),
        now,
    )
}

/// Signs a token for a service account, confined to the permissions in `scope`.
pub fn issue_confined(
    app: &App,
    account: Uuid,
    scope: Option<String>,
    now: DateTime<Utc>,
) -> ApiResult<String> {
    let claims = Claims {
        scope,
        ..claims(
            app,
            (ActorKind::ServiceAccount, account),
            (now, ends_at(app, now)?),
        )
    };
    sign(app, &claims, now)
}

/// Signs a token by which `actor` acts in a person's place.
pub fn issue_on_behalf(app: &App, person: Uuid, actor: &Actor, now: DateTime<Utc>) -> ApiResult<String> {
    let claims = Claims {
        act: Some(actor.clone()),
        ..claims(app, (ActorKind::User, person), (now, ends_at(app, now)?))
    };
    sign(app, &claims, now)
}

/// Signs a token for a session's person, which ends with the session at the latest; answers until when it is good.
pub fn issue_in(app: &App, session: &Session, now: DateTime<Utc>) -> ApiResult<(String, DateTime<Utc>)> {
    let ends_at = ends_at(app, now)?.min(session.expires_at);
    let claims = Claims {
        sid: Some(session.id),
        ..claims(app, (ActorKind::User, session.user_id), (now, ends_at))
    };
    Ok((sign(app, &claims, now)?, ends_at))
}

fn ends_at(app: &App, now: DateTime<Utc>) -> ApiResult<DateTime<Utc>> {
    Ok(now + TimeDelta::from_std(app.config.token_lifetime).map_err(ApiError::internal)?)
}

fn claims(
    app: &App,
    (kind, principal): (ActorKind, Uuid),
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Claims {
    let address = app.config.public_url();
    Claims {
        iss: address.clone(),
        aud: address,
        sub: principal,
        kind,
        iat: from.timestamp(),
        exp: until.timestamp(),
        jti: Uuid::now_v7(),
        scope: None,
        act: None,
        sid: None,
    }
}

fn sign(app: &App, claims: &Claims, now: DateTime<Utc>) -> ApiResult<String> {
    let key = app.part::<KeyRing>().signing(now)?;
    let header = Header {
        typ: Some(TOKEN_TYPE.into()),
        kid: Some(key.id.clone()),
        ..Header::new(Algorithm::EdDSA)
    };
    jsonwebtoken::encode(&header, claims, &key.encoding).map_err(ApiError::internal)
}

/// A token that does not count, whatever the cause: the client learns only what to do.
pub fn refused() -> ApiError {
    ApiError::new(
        Code::Unauthenticated,
        "Get an access token from POST /oauth/token and send it as `Authorization: Bearer …`.",
    )
}

fn fingerprint(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Checks a token's signature and claims.
pub fn verify(app: &App, token: &str, now: DateTime<Utc>) -> ApiResult<Claims> {
    let fingerprint = fingerprint(token);
    let claims = match app.part::<VerifiedTokens>().get(&fingerprint) {
        Some(claims) => claims,
        None => {
            let claims = verify_signature(app, token).ok_or_else(refused)?;
            app.part::<VerifiedTokens>().insert(fingerprint, claims.clone());
            claims
        }
    };
    let now = now.timestamp();
    if now < claims.exp && claims.iat <= now + LEEWAY {
        Ok(claims)
    } else {
        Err(refused())
    }
}

/// What a token says that counts by itself at this moment, whether or not its principal and session still do.
pub fn verify_now(app: &App, conn: &mut PgConnection, token: &str) -> ApiResult<Option<Claims>> {
    if app.part::<KeyRing>().is_stale() {
        keys::load(app, conn)?;
    }
    let claims = verify(app, token, app.clock.now()).ok();
    // Those of providers count as bearer only.
    let issuer = app.config.public_url();
    Ok(claims.filter(|claims| claims.iss == issuer))
}

fn verify_signature(app: &App, token: &str) -> Option<Claims> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    // Extensions that must be understood (RFC 7515, section 4.1.11) are none that this knows.
    if header.typ.as_deref() != Some(TOKEN_TYPE) || header.crit.is_some() {
        return None;
    }
    let keys = app.part::<KeyRing>().all().ok()?;
    let key = keys.iter().find(|key| header.kid.as_deref() == Some(&key.id))?;
    let address = app.config.public_url();
    let mut validation = Validation::new(Algorithm::EdDSA);
    // Times are checked against the app's clock, not the library's.
    validation.validate_exp = false;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[&address]);
    validation.set_audience(&[&address]);
    jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation)
        .ok()
        .map(|data| data.claims)
}

/// Tokens whose signature was checked already, by the hash of their text. What a token *says* is checked each time.
#[derive(Debug, Default)]
pub struct VerifiedTokens {
    tokens: RwLock<HashMap<[u8; 32], Claims>>,
    /// Counts how often all were forgotten, so that what was read before is not kept after.
    forgotten: AtomicU64,
}

/// Tokens kept; past that they are forgotten and checked again.
const VERIFIED_TOKENS: usize = 20_000;

impl Part for VerifiedTokens {
    fn on_wake(&self, wake: &Wake) {
        if *wake == Wake::IdentityProviders {
            self.forget_all();
        }
    }
}

impl VerifiedTokens {
    fn get(&self, fingerprint: &[u8; 32]) -> Option<Claims> {
        self.tokens.read().ok()?.get(fingerprint).cloned()
    }

    /// How often all were forgotten: to be asked before a token is looked at that may be kept.
    pub fn mark(&self) -> u64 {
        self.forgotten.load(Ordering::SeqCst)
    }

    /// Keeps what a token says, unless all were forgotten since `mark`.
    pub fn remember(&self, token: &str, claims: &Claims, mark: u64) {
        if self.mark() == mark {
            self.insert(fingerprint(token), claims.clone());
        }
    }

    /// Forgets all, once a key or a provider counts no more.
    pub fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        if let Ok(mut tokens) = self.tokens.write() {
            tokens.clear();
        }
    }

    fn insert(&self, fingerprint: [u8; 32], claims: Claims) {
        if let Ok(mut tokens) = self.tokens.write() {
            if tokens.len() >= VERIFIED_TOKENS {
                tokens.clear();
            }
            tokens.insert(fingerprint, claims);
        }
    }
}
