//! Access tokens: short-lived signed JWTs (RFC 9068).

use std::{collections::HashMap, sync::RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    app::App,
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
}

/// The type that tokens carry in their header (RFC 9068, section 2.1).
const TOKEN_TYPE: &str = "at+jwt";

/// Seconds that clocks may differ by.
const LEEWAY: i64 = 5;

/// Signs a token for a principal.
pub fn issue(app: &App, kind: ActorKind, principal: Uuid, now: DateTime<Utc>) -> ApiResult<String> {
    let key = app.keys.newest()?;
    let lifetime = TimeDelta::from_std(app.config.token_lifetime).map_err(ApiError::internal)?;
    let address = app.config.public_url();
    let claims = Claims {
        iss: address.clone(),
        aud: address,
        sub: principal,
        kind,
        iat: now.timestamp(),
        exp: (now + lifetime).timestamp(),
        jti: Uuid::now_v7(),
    };
    let header = Header {
        typ: Some(TOKEN_TYPE.into()),
        kid: Some(key.id.clone()),
        ..Header::new(Algorithm::EdDSA)
    };
    jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(ApiError::internal)
}

/// A token that does not count, whatever the cause: the client learns only what to do.
pub fn refused() -> ApiError {
    ApiError::new(
        Code::Unauthenticated,
        "Get an access token from POST /oauth/token and send it as `Authorization: Bearer …`.",
    )
}

/// Checks a token's signature and claims.
pub fn verify(app: &App, token: &str, now: DateTime<Utc>) -> ApiResult<Claims> {
    let fingerprint: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let claims = match app.tokens.get(&fingerprint) {
        Some(claims) => claims,
        None => {
            let claims = verify_signature(app, token).ok_or_else(refused)?;
            app.tokens.insert(fingerprint, claims.clone());
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

fn verify_signature(app: &App, token: &str) -> Option<Claims> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    if header.typ.as_deref() != Some(TOKEN_TYPE) {
        return None;
    }
    let keys = app.keys.all().ok()?;
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
}

/// Tokens kept; past that they are forgotten and checked again.
const VERIFIED_TOKENS: usize = 20_000;

impl VerifiedTokens {
    fn get(&self, fingerprint: &[u8; 32]) -> Option<Claims> {
        self.tokens.read().ok()?.get(fingerprint).cloned()
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
