//! Who the client is: a service account, by HTTP Basic or in the form (RFC 6749, section 2.3.1).

use std::sync::Arc;

use actix_web::{HttpRequest, http::header};
use base64::{Engine, engine::general_purpose::STANDARD};
use uuid::Uuid;

use super::{hash_secret, store};
use crate::{app::App, http::ApiResult};

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

/// The active service account that the credentials are of; notes that its secret was used.
pub async fn authenticate(app: &Arc<App>, (id, secret): Credentials) -> ApiResult<Option<Uuid>> {
    let now = app.clock.now();
    let account = Uuid::parse_str(&id).unwrap_or(Uuid::nil());
    let hash = hash_secret(&secret);
    let is_known = app
        .on_database(move |_, conn| Ok(store::use_secret(conn, account, &hash, now)?))
        .await?;
    Ok(is_known.then_some(account))
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
