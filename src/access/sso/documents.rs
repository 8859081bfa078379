//! What a provider says of itself: its endpoints (OpenID Connect Discovery) and its keys (RFC 7517).
//!
//! Kept in memory and in the database, and fetched again when they are an hour old or a token names a key that is not
//! among them: so keys may change at any time. A provider that is out of reach is taken at its last word for a day.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, QueryResult, RunQueryDsl};
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, Jwk},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::{
    cache::{Attempts, Providers},
    fetch::{self, Failure},
    providers::model::ProviderRow,
};
use crate::{
    app::App, db::schema::identity_provider_documents as stored, http::ApiResult, urls::is_reachable,
};

/// Documents older than this are fetched again.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// And count for so long where they cannot be.
const TRUSTED: TimeDelta = TimeDelta::hours(24);
/// After a few questions for one cause a provider is left alone for so long.
const PAUSE: TimeDelta = TimeDelta::seconds(10);
/// Questions at once, where keys are missing: they may change twice in a moment, and anybody may make some up.
const AT_ONCE: i32 = 5;

/// Where a provider does what (OpenID Connect Discovery 1.0, section 3).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Metadata {
    /// Who it is.
    pub issuer: String,
    /// Where people sign in.
    pub authorization_endpoint: String,
    /// Where codes are redeemed.
    pub token_endpoint: String,
    /// Where its keys are.
    pub jwks_uri: String,
    /// Where more is told of people.
    pub userinfo_endpoint: Option<String>,
    /// Where people sign out (RP-Initiated Logout 1.0).
    pub end_session_endpoint: Option<String>,
    /// How clients prove themselves.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Whether answers name it (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// What a provider says of itself.
#[derive(Debug, Clone)]
pub struct Documents {
    /// Where it does what.
    pub metadata: Metadata,
    /// Its keys, but those that are of no kind known here.
    pub keys: Vec<Jwk>,
    /// When this was fetched.
    pub fetched_at: DateTime<Utc>,
}

impl Documents {
    fn read(metadata: &Value, keys: &Value, fetched_at: DateTime<Utc>) -> Result<Self, serde_json::Error> {
        let keys = keys["keys"].as_array().into_iter().flatten();
        let mut metadata = Metadata::deserialize(metadata)?;
        for optional in [
            &mut metadata.userinfo_endpoint,
            &mut metadata.end_session_endpoint,
        ] {
            optional.take_if(|endpoint| !is_endpoint(&metadata.issuer, endpoint));
        }
        Ok(Documents {
            metadata,
            keys: keys
                .filter_map(|key| Jwk::deserialize(key).ok())
                .filter(|key| {
                    DecodingKey::from_jwk(key).is_ok()
                        && !matches!(key.algorithm, AlgorithmParameters::OctetKey(_))
                })
                .collect(),
            fetched_at,
        })
    }

    /// Whether a key of that id is among them.
    pub fn knows(&self, key_id: &str) -> bool {
        self.keys
            .iter()
            .any(|key| key.common.key_id.as_deref() == Some(key_id))
    }
}

/// Who names a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy<'a> {
    /// Nobody.
    Nobody,
    /// A token that the provider itself gave to Provost.
    Provider(&'a str),
    /// A token that anybody may have made up.
    Anybody(&'a str),
}

impl<'a> NamedBy<'a> {
    fn key_id(self) -> Option<&'a str> {
        match self {
            NamedBy::Nobody => None,
            NamedBy::Provider(id) | NamedBy::Anybody(id) => Some(id),
        }
    }
}

/// What a provider says of itself, with the key that is named if it has one; none if it cannot be asked, and has not been
/// for too long or the key is not known.
pub async fn of(
    app: &Arc<App>,
    provider: &ProviderRow,
    named: NamedBy<'_>,
) -> ApiResult<Option<Arc<Documents>>> {
    let kept = app.part::<Providers>().kept(provider.id)?;
    let present = || kept.documents.read().ok().and_then(|documents| documents.clone());
    let has_key = |documents: &Documents| named.key_id().is_none_or(|id| documents.knows(id));
    let serving = || present().filter(|documents| has_key(documents) && is_fresh(app, documents));
    if let Some(documents) = serving() {
        return Ok(Some(documents));
    }
    let aging = present().filter(|documents| has_key(documents) && is_trusted(app, documents));
    let mut attempts = match (kept.attempts.try_lock(), aging) {
        (Ok(attempts), _) => attempts,
        // Somebody asks already, and the provider may be slow: what is here will do.
        (Err(_), Some(documents)) => return Ok(Some(documents)),
        (Err(_), None) => kept.attempts.lock().await,
    };
    if present().is_none() {
        let id = provider.id;
        let loaded = app.on_database(move |_, conn| Ok(load(conn, id)?)).await?;
        store_documents(&kept.documents, loaded);
    }
    // Somebody may have fetched them while this waited.
    if let Some(documents) = serving() {
        return Ok(Some(documents));
    }
    let is_old = present().is_none_or(|documents| !is_fresh(app, &documents));
    if may_ask(&mut attempts, is_old, named, app.clock.now()) {
        let fetched = fetch(app, provider).await;
        attempts.has_failed = fetched.is_err();
        match fetched {
            Ok((metadata, keys, documents)) => {
                store_documents(&kept.documents, Some(documents));
                let (id, now) = (provider.id, app.clock.now());
                app.on_database(move |_, conn| Ok(save(conn, id, &metadata, &keys, now)?))
                    .await?;
            }
            Err(failure) => log::warn!("identity provider {}: {failure}", provider.code),
        }
    }
    // A key that is missing may be new while the provider cannot be asked.
    let is_in_doubt = |documents: &Documents| !has_key(documents) && attempts.has_failed;
    Ok(present().filter(|documents| is_trusted(app, documents) && !is_in_doubt(documents)))
}

fn is_trusted(app: &App, documents: &Documents) -> bool {
    documents.fetched_at + TRUSTED > app.clock.now()
}

fn is_fresh(app: &App, documents: &Documents) -> bool {
    documents.fetched_at + FRESH > app.clock.now()
}

fn store_documents(place: &std::sync::RwLock<Option<Arc<Documents>>>, documents: Option<Documents>) {
    if let (Ok(mut place), Some(documents)) = (place.write(), documents) {
        *place = Some(Arc::new(documents));
    }
}

/// Whether the provider may be asked now; if so it is noted.
fn may_ask(attempts: &mut Attempts, is_old: bool, named: NamedBy<'_>, now: DateTime<Utc>) -> bool {
    match (is_old, named) {
        (false, NamedBy::Provider(_)) => attempts.by_sign_in.may(now, AT_ONCE, PAUSE),
        (false, NamedBy::Anybody(_)) => attempts.by_token.may(now, AT_ONCE, PAUSE),
        (true, _) | (false, NamedBy::Nobody) => attempts.by_age.may(now, 1, PAUSE),
    }
}

async fn fetch(app: &App, provider: &ProviderRow) -> Result<(Value, Value, Documents), Failure> {
    let issuer = provider.issuer.trim_end_matches('/');
    let address = format!("{issuer}/.well-known/openid-configuration");
    let metadata = fetch::get(&address, None).await?;
    let unusable = |cause: String| Failure::new(&address, cause);
    let read = Metadata::deserialize(&metadata).map_err(|error| unusable(error.to_string()))?;
    // Otherwise the tokens of another issuer would be accepted as this one's (section 4.3).
    if read.issuer != provider.issuer {
        return Err(unusable(format!("speaks for the issuer {}", read.issuer)));
    }
    for endpoint in [&read.authorization_endpoint, &read.token_endpoint, &read.jwks_uri] {
        if !is_endpoint(&read.issuer, endpoint) {
            return Err(unusable(format!("names {endpoint:?} as an endpoint")));
        }
    }
    let keys = fetch::get(&read.jwks_uri, None).await?;
    let documents =
        Documents::read(&metadata, &keys, app.clock.now()).map_err(|error| unusable(error.to_string()))?;
    if documents.keys.is_empty() {
        return Err(unusable("has no key that can be used".into()));
    }
    // PostgreSQL could not keep it.
    if has_nul(&metadata) || has_nul(&keys) {
        return Err(unusable("has U+0000 in it".into()));
    }
    Ok((metadata, keys, documents))
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// Whether a provider may name that address: by TLS, or on this machine if it is here itself. Browsers are sent there, and
/// secrets.
fn is_endpoint(issuer: &str, address: &str) -> bool {
    let is_here = issuer.starts_with("http://");
    Url::parse(address).is_ok_and(|url| is_reachable(&url) && (is_here || url.scheme() == "https"))
}

fn load(conn: &mut PgConnection, provider: Uuid) -> QueryResult<Option<Documents>> {
    let found: Option<(Value, Value, DateTime<Utc>)> = stored::table
        .find(provider)
        .select((stored::metadata, stored::keys, stored::fetched_at))
        .first(conn)
        .optional()?;
    Ok(found.and_then(|(metadata, keys, fetched_at)| Documents::read(&metadata, &keys, fetched_at).ok()))
}

/// Notes what was fetched. No fact of ours, so no event.
fn save(
    conn: &mut PgConnection,
    provider: Uuid,
    metadata: &Value,
    keys: &Value,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let fetched = (
        stored::metadata.eq(metadata),
        stored::keys.eq(keys),
        stored::fetched_at.eq(now),
    );
    diesel::insert_into(stored::table)
        .values((stored::provider_id.eq(provider), fetched))
        .on_conflict(stored::provider_id)
        .do_update()
        .set(fetched)
        .execute(conn)?;
    Ok(())
}
