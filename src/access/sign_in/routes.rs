//! `/oauth/token` and the public keys.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, get, post,
    web::{Bytes, Data},
};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    client::{self, Client},
    discovery, exchange,
    form::{self, answer, refuse, too_many, unknown_client},
    introspection,
    model::{TokenError, TokenRequest, TokenResponse},
    password, revocation,
};
use crate::{
    access::{
        attempts::Attempt,
        keys::{self, KeyRing},
        sessions::refresh::{self, Opened},
        sso, token,
    },
    app::{Acting, App, Tx},
    authz::Permission,
    http::{ApiResult, Problem, address, jwk::JwkSet, request},
};

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    config
        .service(create_token)
        .service(revocation::revoke_token)
        .service(introspection::introspect_token)
        .service(discovery::get_authorization_server)
        .service(get_jwks);
}

/// Create an access token.
///
/// With a username and password, with the code that `/oauth/authorize` led to, with the refresh token of the answer
/// before, or with a service account's credentials (in the form or as HTTP Basic). Form-encoded, and errors have the shape of RFC 6749, section 5.2.
///
/// Token exchange (RFC 8693) gives a caller with `tokens.exchange`, and with every permission that the user holds, a
/// token to act for that user; every event names both. Without an actor it takes a token of an OpenID provider for
/// sign-in, and begins a session.
///
/// A refresh token works once. Using it again ends its session, except within a few seconds.
#[utoipa::path(tag = "sign-in", operation_id = "create_token",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "An access token.", body = TokenResponse),
        (status = 400, description = "The request or the credentials are wrong.", body = TokenError),
        (status = 401, description = "The client's credentials are wrong.", body = TokenError),
        (status = 403, description = "The actor lacks permissions that the user holds.", body = TokenError),
        (status = 429, description = "Too many attempts failed, or too many requests; wait as long as `Retry-After` says.",
            content((TokenError = "application/json"), (Problem = "application/problem+json")))))]
#[post("/oauth/token")]
async fn create_token(
    app: Data<App>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
    let form: TokenRequest = match form::read(&request, body)? {
        Ok(form) => form,
        Err(description) => return Ok(refuse("invalid_request", description)),
    };
    let asks_for_less = form
        .scope
        .as_deref()
        .is_some_and(|scope| !scope.trim().is_empty());
    let confines_none =
        |grant_type| grant_type != "client_credentials" && discovery::GRANT_TYPES.contains(&grant_type);
    if asks_for_less && form.grant_type.as_deref().is_some_and(confines_none) {
        return Ok(refuse(
            "invalid_scope",
            "Only tokens by client_credentials are confined; leave scope out.",
        ));
    }
    keys::refresh(&app).await?;
    match form.grant_type.as_deref() {
        Some("password") => password::sign_in(&app, &request, form).await,
        Some("client_credentials") => sign_in_client(&app, &request, form).await,
        Some("refresh_token") => refresh(&app, &request, form).await,
        Some("authorization_code") => sso::code::redeem(&app, &request, form).await,
        Some(exchange::GRANT_TYPE) if is_of_provider(&form) => {
            sso::exchange::exchange(&app, &request, form).await
        }
        Some(exchange::GRANT_TYPE) => exchange::exchange(&app, &request, form).await,
        Some(_) => Ok(refuse(
            "unsupported_grant_type",
            "Use password, client_credentials, refresh_token, authorization_code or urn:ietf:params:oauth:grant-type:token-exchange.",
        )),
        None => Ok(refuse(
            "invalid_request",
            "Say grant_type=password, grant_type=client_credentials or grant_type=refresh_token.",
        )),
    }
}

/// Whether a token exchange is of a provider's token, and nobody acts for anybody.
fn is_of_provider(form: &TokenRequest) -> bool {
    form.actor_token.is_none() && sso::exchange::takes(form.subject_token_type.as_deref())
}

async fn sign_in_client(
    app: &Arc<App>,
    request: &HttpRequest,
    form: TokenRequest,
) -> ApiResult<HttpResponse> {
    let credentials = match client::credentials(request, form.client_id, form.client_secret) {
        Ok(Some(credentials)) => credentials,
        Ok(None) => {
            return Ok(refuse(
                "invalid_request",
                "Send client_id and client_secret, in the form or as HTTP Basic.",
            ));
        }
        Err(description) => return Ok(refuse("invalid_request", description)),
    };
    let (account, scope) = match client::authenticate(app, request, credentials).await? {
        Client::Known(account, scope) => (account, scope),
        Client::Unknown => return Ok(unknown_client()),
        Client::Refused(refusal) => return Ok(too_many(refusal)),
    };
    let scope = match confined(scope, form.scope.as_deref().unwrap_or_default()) {
        Ok(scope) => scope,
        Err(description) => return Ok(refuse("invalid_scope", description)),
    };
    Ok(answer(TokenResponse {
        access_token: token::issue_confined(app, account, scope.clone(), app.clock.now())?,
        token_type: "Bearer".into(),
        expires_in: app.config.token_lifetime.as_secs(),
        refresh_token: None,
        scope,
        issued_token_type: None,
    }))
}

/// What a token is confined to, of what its secret is: the permissions that are asked for (RFC 6749, section 3.3), all without.
fn confined(secret: Option<String>, asked: &str) -> Result<Option<String>, &'static str> {
    let mut names: Vec<&str> = asked.split_whitespace().collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(secret);
    }
    if names.iter().any(|name| Permission::from_name(name).is_none()) {
        return Err("The scopes here are permissions, such as users.read.");
    }
    let is_within = |name: &&str| {
        let secret = secret.as_deref();
        secret.is_none_or(|secret| secret.split(' ').any(|held| held == *name))
    };
    if names.iter().all(is_within) {
        Ok(Some(names.join(" ")))
    } else {
        Err("The secret is confined to less.")
    }
}

/// One answer for unknown, used, expired and ended, and for people who may not sign in now.
async fn refresh(app: &Arc<App>, request: &HttpRequest, form: TokenRequest) -> ApiResult<HttpResponse> {
    let Some(token) = form.refresh_token else {
        return Ok(refuse("invalid_request", "Send refresh_token."));
    };
    let attempt = Attempt::with_token(address::of(request));
    let acting = Acting::system(request::current_id().unwrap_or_default());
    let rotated = app
        .on_database(move |app, conn| {
            if let Some(refusal) = attempt.refusal(app, conn)? {
                return Ok(Err(Some(refusal)));
            }
            let rotated = app.write(conn, &acting, |tx| {
                let opened = refresh::rotate(tx, &token)?;
                opened.map(|opened| response(tx, opened)).transpose()
            })?;
            // Tokens that once counted are no guesses: an office that comes back from its holidays has many.
            if rotated.is_none() && refresh::session_of(conn, &token)?.is_none() {
                return Ok(Err(attempt.failed(app, conn)?));
            }
            Ok(rotated.ok_or(None))
        })
        .await?;
    Ok(match rotated {
        Ok(tokens) => answer(tokens),
        Err(Some(refusal)) => too_many(refusal),
        Err(None) => refuse(
            "invalid_grant",
            "The refresh token was used, has expired, or its session has ended; sign in again.",
        ),
    })
}

/// The tokens of a session.
pub fn response(tx: &Tx, (session, refresh_token): Opened) -> ApiResult<TokenResponse> {
    let (access_token, ends_at) = token::issue_in(tx.app, &session, tx.now)?;
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer".into(),
        expires_in: (ends_at - tx.now).num_seconds().unsigned_abs(),
        refresh_token: Some(refresh_token),
        scope: None,
        issued_token_type: None,
    })
}

/// Get the public keys of access tokens.
#[utoipa::path(tag = "sign-in", responses((status = 200, description = "The keys.", body = JwkSet)))]
#[get("/.well-known/jwks.json")]
async fn get_jwks(app: Data<App>) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
    keys::refresh(&app).await?;
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "max-age=300"))
        .json(app.part::<KeyRing>().jwks()?))
}
