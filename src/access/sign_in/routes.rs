//! `/oauth/token` and the public keys.

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, get,
    http::header,
    post,
    web::{Bytes, Data, Query},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    hash_secret,
    model::{TokenError, TokenRequest, TokenResponse},
    store,
};
use crate::{
    access::{keys::JwkSet, token},
    app::App,
    http::{ApiResult, body::unreadable},
    ledger::ActorKind,
};

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    config.service(create_token).service(get_jwks);
}

/// Get an access token.
///
/// With a username and password, or with a service account's credentials (in the form or as HTTP Basic).
/// Form-encoded, and errors have the shape of RFC 6749, section 5.2.
#[utoipa::path(tag = "sign-in", operation_id = "create_token",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "An access token.", body = TokenResponse),
        (status = 400, description = "The request or the credentials are wrong.", body = TokenError),
        (status = 401, description = "The client's credentials are wrong.", body = TokenError)))]
#[post("/oauth/token")]
async fn create_token(
    app: Data<App>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> ApiResult<HttpResponse> {
    let body = body.map_err(|error| unreadable(&error))?;
    let form = match read_form(&request, &body) {
        Ok(form) => form,
        Err(description) => return Ok(refuse("invalid_request", description)),
    };
    match form.grant_type.as_deref() {
        Some("password") => sign_in(app, form).await,
        Some("client_credentials") => sign_in_client(app, &request, form).await,
        Some(_) => Ok(refuse(
            "unsupported_grant_type",
            "Use password or client_credentials.",
        )),
        None => Ok(refuse(
            "invalid_request",
            "Say grant_type=password or grant_type=client_credentials.",
        )),
    }
}

/// Reads the form as RFC 6749, section 3.2, wants it: each parameter once, empty ones as if absent.
fn read_form(request: &HttpRequest, body: &[u8]) -> Result<TokenRequest, &'static str> {
    const MALFORMED: &str =
        "Send the parameters of RFC 6749 as application/x-www-form-urlencoded, each once.";
    if !request
        .content_type()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    {
        return Err(MALFORMED);
    }
    let text = std::str::from_utf8(body).map_err(|_| MALFORMED)?;
    let form = Query::<TokenRequest>::from_query(text).map_err(|_| MALFORMED)?;
    let mut form = form.into_inner();
    for parameter in [
        &mut form.grant_type,
        &mut form.username,
        &mut form.password,
        &mut form.client_id,
        &mut form.client_secret,
    ] {
        if parameter.as_deref().is_some_and(|text| text.contains('\0')) {
            return Err("Leave out U+0000.");
        }
        parameter.take_if(|text| text.is_empty());
    }
    Ok(form)
}

/// One answer for unknown, wrong and not active, after the same work.
async fn sign_in(app: Data<App>, form: TokenRequest) -> ApiResult<HttpResponse> {
    let (Some(username), Some(password)) = (form.username, form.password) else {
        return Ok(refuse("invalid_request", "Send username and password."));
    };
    let app = app.into_inner();
    let found = app
        .on_database(move |_, conn| Ok(store::password_of(conn, &username)?))
        .await?;
    let (user, hash) = found.unzip();
    let fits = app.hashing.verify(password, hash).await?;
    match user.filter(|_| fits) {
        Some(user) => grant(&app, ActorKind::User, user),
        None => Ok(refuse(
            "invalid_grant",
            "Username or password is wrong, or the account may not sign in.",
        )),
    }
}

async fn sign_in_client(
    app: Data<App>,
    request: &HttpRequest,
    form: TokenRequest,
) -> ApiResult<HttpResponse> {
    let basic = basic(request);
    if basic.is_some() && form.client_secret.is_some() {
        return Ok(refuse(
            "invalid_request",
            "Send the credentials once: in the form or as HTTP Basic.",
        ));
    }
    let (Some(id), Some(secret)) = basic.unwrap_or((form.client_id, form.client_secret)) else {
        return Ok(refuse(
            "invalid_request",
            "Send client_id and client_secret, in the form or as HTTP Basic.",
        ));
    };
    let app = app.into_inner();
    let now = app.clock.now();
    let account = Uuid::parse_str(&id).unwrap_or(Uuid::nil());
    let hash = hash_secret(&secret);
    if app
        .on_database(move |_, conn| Ok(store::use_secret(conn, account, &hash, now)?))
        .await?
    {
        return grant(&app, ActorKind::ServiceAccount, account);
    }
    let error = token_error(
        "invalid_client",
        "client_id or client_secret is wrong, expired or revoked, or the account is suspended.",
    );
    Ok(HttpResponse::Unauthorized()
        .insert_header(("WWW-Authenticate", "Basic"))
        .insert_header(NO_STORE)
        .json(error))
}

type Credentials = (Option<String>, Option<String>);

fn basic(request: &HttpRequest) -> Option<Credentials> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((Some(id.to_owned()), Some(secret.to_owned())))
}

const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");

fn grant(app: &App, kind: ActorKind, principal: Uuid) -> ApiResult<HttpResponse> {
    let response = TokenResponse {
        access_token: token::issue(app, kind, principal, app.clock.now())?,
        token_type: "Bearer".into(),
        expires_in: app.config.token_lifetime.as_secs(),
    };
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(response))
}

fn token_error(error: &str, description: &str) -> TokenError {
    TokenError {
        error: error.into(),
        error_description: description.into(),
    }
}

fn refuse(error: &str, description: &str) -> HttpResponse {
    HttpResponse::BadRequest()
        .insert_header(NO_STORE)
        .json(token_error(error, description))
}

/// The public keys of access tokens (RFC 7517).
#[utoipa::path(tag = "sign-in", responses((status = 200, description = "The keys.", body = JwkSet)))]
#[get("/.well-known/jwks.json")]
async fn get_jwks(app: Data<App>) -> ApiResult<HttpResponse> {
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "max-age=300"))
        .json(app.keys.jwks()?))
}
