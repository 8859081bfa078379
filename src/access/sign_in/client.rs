//! Who the client is: a service account, by HTTP Basic or in the form (RFC 6749, section 2.3.1).

use std::sync::Arc;

use actix_web::{HttpRequest, http::header};
use base64::{Engine, engine::general_purpose::STANDARD};
use uuid::Uuid;

use super::{hash_secret, store};
use crate::{
    access::attempts::{Attempt, Refusal},
    app::App,
    http::{ApiResult, address},
};

/// A client's id and secret.
pub type Credentials = (String, String);

/// The credentials that a request carries, if any; what is wrong where it carries them twice.
pub fn credentials(
    request: &HttpRequest,
    id: Option<String>,
    secret: Option<String>,
) -> Result<Option<Credentials>, &'static str> {
    match basic(request) {
        Some(_) if secret.is_some() => Err("Send the credentials once: in the form or as HTTP Basic."),
        Some(credentials) => Ok(Some(credentials)),
        None => Ok(id.zip(secret)),
    }
}

/// What credentials lead to.
pub enum Client {
    /// An active service account, and the permissions that the secret is confined to, with spaces between; it is noted
    /// that the secret was used.
    Known(Uuid, Option<String>),
    /// Nobody.
    Unknown,
    /// They were not looked at, or do not count: too many failed.
    Refused(Refusal),
}

/// Finds out whose the credentials are.
pub async fn authenticate(
    app: &Arc<App>,
    request: &HttpRequest,
    (id, secret): Credentials,
) -> ApiResult<Client> {
    let attempt = Attempt::of_client(&id, address::of(request));
    let account = Uuid::parse_str(&id).unwrap_or_default();
    let hash = hash_secret(&secret);
    app.on_database(move |app, conn| {
        if let Some(refusal) = attempt.refusal(app, conn)? {
            return Ok(Client::Refused(refusal));
        }
        let used = store::use_secret(conn, account, &hash, app.clock.now())?;
        let refusal = match used {
            Some(_) => attempt.succeeded(app, conn)?,
            None => attempt.failed(app, conn)?,
        };
        Ok(match (refusal, used) {
            (Some(refusal), _) => Client::Refused(refusal),
            (None, Some(scope)) => Client::Known(account, scope),
            (None, None) => Client::Unknown,
        })
    })
    .await
}

fn basic(request: &HttpRequest) -> Option<Credentials> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
