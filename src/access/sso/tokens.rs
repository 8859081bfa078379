//! Tokens that a provider signed: what makes them count (OpenID Connect Core, section 3.1.3.7; RFC 9068, section 4; OpenID
//! Connect Back-Channel Logout, section 2.6).

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{
    Algorithm, DecodingKey, Header, Validation,
    jwk::{Jwk, PublicKeyUse},
};
use serde_json::{Map, Value};

use super::{
    documents::{self, Documents, NamedBy},
    providers::model::ProviderRow,
};
use crate::{
    app::App,
    http::{ApiResult, json::Strict},
};

/// What tokens may be signed with: public keys alone, so that nobody signs with what everybody knows.
const ALGORITHMS: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Clocks may differ by so much.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// The event of logout tokens.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a token is shown for.
#[derive(Debug, Clone, Copy)]
pub enum Use<'a> {
    /// An ID token that Provost asked for, with this nonce.
    SignIn(&'a str),
    /// An ID token that a client got by itself, to be exchanged for ours.
    IdToken,
    /// Any token that a client got by itself, to be exchanged for ours.
    AnyToken,
    /// An access token, to be taken as it is.
    Bearer,
    /// The provider's notice that a person signed out.
    Logout,
}

/// What a provider says, and signed.
#[derive(Debug, Clone)]
pub struct Claims {
    /// Its subject; logout tokens may have none.
    pub subject: Option<String>,
    /// Everything.
    pub all: Map<String, Value>,
    /// When it was said.
    pub issued_at: DateTime<Utc>,
    /// Until when it counts.
    pub expires_at: DateTime<Utc>,
}

impl Claims {
    /// A claim that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name)?.as_str()
    }
}

/// Why a token does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderTokenError {
    /// It is not the provider's word, for this.
    Refused(&'static str),
    /// It is, but not for this use or time.
    Unfit(&'static str),
    /// The provider's keys are not known and cannot be asked for.
    Unreachable,
}

/// The issuer that a token names, whether or not it is its.
pub fn issuer_of(token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims["iss"].as_str().map(str::to_owned)
}

/// Reads a token of `provider`.
pub async fn read(
    app: &Arc<App>,
    provider: &ProviderRow,
    token: &str,
    shown_for: Use<'_>,
) -> ApiResult<Result<Claims, ProviderTokenError>> {
    let Ok(header) = jsonwebtoken::decode_header(token) else {
        return Ok(Err(ProviderTokenError::Refused("it is no signed JWT")));
    };
    if let Err(doubt) = check_header(&header, shown_for) {
        return Ok(Err(doubt));
    }
    let named = match (header.kid.as_deref(), shown_for) {
        (None, _) => NamedBy::Nobody,
        (Some(id), Use::SignIn(_)) => NamedBy::Provider(id),
        (Some(id), _) => NamedBy::Anybody(id),
    };
    let Some(documents) = documents::of(app, provider, named).await? else {
        return Ok(Err(ProviderTokenError::Unreachable));
    };
    let now = app.clock.now();
    Ok(verify(&documents, &header, token).and_then(|claims| {
        if matches!(shown_for, Use::Bearer) && !is_access_token(&header, &claims) {
            return Err(ProviderTokenError::Unfit("it is an ID token"));
        }
        check(provider, claims, shown_for, now).map_err(ProviderTokenError::Unfit)
    }))
}

/// Whether a token is meant to open something: it says so by its type (RFC 9068, section 2.1) or, where providers write none,
/// by a scope; and has nothing that ID tokens alone have. Those are handed about, and open nothing.
fn is_access_token(header: &Header, claims: &Map<String, Value>) -> bool {
    let is_typed = header
        .typ
        .as_deref()
        .is_some_and(|kind| kind.to_ascii_lowercase().ends_with("at+jwt"));
    let has = |names: &[&str]| names.iter().any(|name| claims.contains_key(*name));
    is_typed || has(&["scope", "scp"]) && !has(&["nonce", "at_hash", "c_hash"])
}

/// The algorithm, and the type where there is one: a token of one kind does not stand in for another (RFC 8725, section 3.11).
fn check_header(header: &Header, shown_for: Use<'_>) -> Result<(), ProviderTokenError> {
    if !ALGORITHMS.contains(&header.alg) {
        return Err(ProviderTokenError::Refused("its algorithm is none that counts"));
    }
    // Extensions that must be understood (RFC 7515, section 4.1.11) are none that this knows.
    if header.crit.is_some() {
        return Err(ProviderTokenError::Refused("it has critical extensions"));
    }
    let kind = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
    let kind = kind.strip_prefix("application/").unwrap_or(&kind);
    let fits = match shown_for {
        Use::SignIn(_) | Use::IdToken => kind == "jwt",
        Use::AnyToken | Use::Bearer => matches!(kind, "jwt" | "at+jwt"),
        Use::Logout => matches!(kind, "jwt" | "logout+jwt"),
    };
    if fits {
        Ok(())
    } else {
        Err(ProviderTokenError::Refused("it is a token of another kind"))
    }
}

fn verify(
    documents: &Documents,
    header: &Header,
    token: &str,
) -> Result<Map<String, Value>, ProviderTokenError> {
    let fits = |key: &&Jwk| {
        let common = &key.common;
        let is_named = header.kid.is_none() || header.kid == common.key_id;
        let is_for_signatures = common
            .public_key_use
            .as_ref()
            .is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        let name = format!("{:?}", header.alg);
        let is_for_algorithm = common
            .key_algorithm
            .as_ref()
            .is_none_or(|algorithm| algorithm.to_string() == name);
        is_named && is_for_signatures && is_for_algorithm
    };
    let mut validation = Validation::new(header.alg);
    // Issuer, audience and times are checked below, against the app's clock.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = documents.keys.iter().filter(fits).find_map(|key| {
        let key = DecodingKey::from_jwk(key).ok()?;
        let read = jsonwebtoken::decode::<Strict>(token, &key, &validation);
        match read.ok()?.claims {
            Strict(Value::Object(claims)) => Some(claims),
            Strict(_) => None,
        }
    });
    claims.ok_or(ProviderTokenError::Refused(
        "its signature is of no key of the provider",
    ))
}

fn check(
    provider: &ProviderRow,
    all: Map<String, Value>,
    shown_for: Use<'_>,
    now: DateTime<Utc>,
) -> Result<Claims, &'static str> {
    let instant = |name: &str| {
        let seconds = all.get(name)?.as_f64()?;
        let is_of_our_era = (0.0..LAST_SECOND).contains(&seconds);
        DateTime::from_timestamp(seconds as i64, 0).filter(|_| is_of_our_era)
    };
    if all.get("iss").and_then(Value::as_str) != Some(provider.issuer.as_str()) {
        return Err("it is of another issuer");
    }
    check_audience(provider, &all, shown_for)?;
    let issued_at = instant("iat").ok_or("it does not say when it was issued")?;
    let expires_at = match (instant("exp"), shown_for) {
        (Some(expires_at), _) => expires_at,
        // Logout tokens need none in older implementations.
        (None, Use::Logout) => issued_at + LEEWAY * 2,
        (None, _) => return Err("it does not say when it expires"),
    };
    if expires_at + LEEWAY <= now {
        return Err("it has expired");
    }
    let is_early = |instant: Option<DateTime<Utc>>| instant.is_some_and(|at| at > now + LEEWAY);
    if is_early(Some(issued_at)) || is_early(instant("nbf")) {
        return Err("it does not count yet");
    }
    check_kind(&all, shown_for)?;
    let is_name = |text: &&str| {
        (1..=LONGEST_SUBJECT).contains(&text.chars().count()) && !text.contains(char::is_control)
    };
    let named = |name: &str| all.get(name).filter(|value| !value.is_null());
    let is_unreadable =
        |name: &str| named(name).is_some_and(|value| value.as_str().filter(is_name).is_none());
    if is_unreadable("sub") || is_unreadable("sid") {
        return Err("its subject or session cannot be read");
    }
    let subject = all.get("sub").and_then(Value::as_str);
    if subject.is_none() && !matches!(shown_for, Use::Logout) {
        return Err("it names nobody");
    }
    Ok(Claims {
        subject: subject.map(str::to_owned),
        issued_at,
        expires_at,
        all,
    })
}

/// The year 10,000 begins, in seconds since 1970.
const LAST_SECOND: f64 = 253_402_300_800.0;

/// Subjects have at most so many characters (OpenID Connect Core, section 2).
const LONGEST_SUBJECT: usize = 255;

/// Whom claims are meant for.
pub fn audiences(all: &Map<String, Value>) -> Vec<&str> {
    match all.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn check_audience(
    provider: &ProviderRow,
    all: &Map<String, Value>,
    shown_for: Use<'_>,
) -> Result<(), &'static str> {
    let audiences = audiences(all);
    let is_ours = |audience: &&str| *audience == provider.client_id;
    let is_taken = |audience: &&str| provider.audiences.iter().any(|taken| taken == audience);
    let fits = match shown_for {
        Use::SignIn(_) | Use::Logout => audiences.iter().any(is_ours),
        // What was issued to Provost itself stands in no hands but its own, and the provider's.
        Use::IdToken | Use::AnyToken | Use::Bearer => {
            audiences.iter().any(is_taken) && !audiences.iter().any(is_ours)
        }
    };
    if !fits {
        return Err("it is meant for others");
    }
    if let Use::SignIn(_) = shown_for {
        let party = all.get("azp").and_then(Value::as_str);
        let is_named = party.is_some() || audiences.len() == 1;
        if !is_named || party.is_some_and(|party| party != provider.client_id) {
            return Err("it was issued to another client");
        }
    }
    Ok(())
}

fn check_kind(all: &Map<String, Value>, shown_for: Use<'_>) -> Result<(), &'static str> {
    let events = all.get("events");
    match shown_for {
        Use::SignIn(nonce) if all.get("nonce").and_then(Value::as_str) != Some(nonce) => {
            Err("it answers another request")
        }
        Use::Logout if events.and_then(|events| events.get(LOGOUT_EVENT)).is_none() => {
            Err("it is no logout token")
        }
        Use::Logout if all.get("jti").and_then(Value::as_str).is_none() => Err("it has no id"),
        Use::Logout if all.contains_key("nonce") => Err("a logout token has no nonce"),
        Use::Logout => Ok(()),
        _ if events.is_some() => Err("it is a logout token"),
        _ => Ok(()),
    }
}
