//! `/oauth/token` and the public keys.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header,
    post,
    web::{Bytes, Data},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    client, discovery,
    form::{self, answer, refuse, unknown_client},
    introspection,
    model::{TokenError, TokenRequest, TokenResponse},
    revocation, store,
};
use crate::{
    access::{
        keys::JwkSet,
        sessions::{
            model::Origin,
            refresh::{self, Opened},
        },
        token,
    },
    app::{Acting, App, Tx},
    http::{ApiResult, body::unreadable, request},
    ledger::ActorKind,
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

/// Get an access token.
///
/// With a username and password, with the refresh token of the answer before, or with a service account's credentials
/// (in the form or as HTTP Basic). Form-encoded, and errors have the shape of RFC 6749, section 5.2.
///
/// A refresh token is good for one use. One that comes again ends its session, unless it comes within seconds.
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
    let form: TokenRequest = match form::read(&request, &body) {
        Ok(form) => form,
        Err(description) => return Ok(refuse("invalid_request", description)),
    };
    match form.grant_type.as_deref() {
        Some("password") => sign_in(app, &request, form).await,
        Some("client_credentials") => sign_in_client(app, &request, form).await,
        Some("refresh_token") => refresh(app, form).await,
        Some(_) => Ok(refuse(
            "unsupported_grant_type",
            "Use password, client_credentials or refresh_token.",
        )),
        None => Ok(refuse(
            "invalid_request",
            "Say grant_type=password, grant_type=client_credentials or grant_type=refresh_token.",
        )),
    }
}

/// One answer for unknown, wrong and not active, after the same work.
async fn sign_in(app: Data<App>, request: &HttpRequest, form: TokenRequest) -> ApiResult<HttpResponse> {
    let (Some(username), Some(password)) = (form.username, form.password) else {
        return Ok(refuse("invalid_request", "Send username and password."));
    };
    let app = app.into_inner();
    let found = app
        .on_database(move |_, conn| Ok(store::password_of(conn, &username)?))
        .await?;
    let (user, hash) = found.unzip();
    let fits = app.hashing.verify(password, hash.clone()).await?;
    let tokens = match user.zip(hash).filter(|_| fits) {
        Some((user, hash)) => begin(&app, user, hash, origin(request)).await?,
        None => None,
    };
    Ok(tokens.map_or_else(
        || {
            refuse(
                "invalid_grant",
                "Username or password is wrong, or the account may not sign in.",
            )
        },
        answer,
    ))
}

/// Begins a session, unless the password that was shown has been changed meanwhile: whoever changed it ended the
/// sessions that they found.
async fn begin(app: &Arc<App>, user: Uuid, hash: String, origin: Origin) -> ApiResult<Option<TokenResponse>> {
    let acting = Acting::signing_in(user, request::current_id().unwrap_or_default());
    app.on_database(move |app, conn| {
        app.write(conn, &acting, |tx| {
            if !store::lock_password(tx.conn, user, &hash)? {
                return Ok(None);
            }
            let opened = refresh::begin(tx, user, &origin)?;
            response(tx, opened).map(Some)
        })
    })
    .await
}

async fn sign_in_client(
    app: Data<App>,
    request: &HttpRequest,
    form: TokenRequest,
) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
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
    let Some(account) = client::authenticate(&app, credentials).await? else {
        return Ok(unknown_client());
    };
    Ok(answer(TokenResponse {
        access_token: token::issue(&app, ActorKind::ServiceAccount, account, app.clock.now())?,
        token_type: "Bearer".into(),
        expires_in: app.config.token_lifetime.as_secs(),
        refresh_token: None,
    }))
}

/// One answer for unknown, used, expired and ended, and for people who may not sign in now.
async fn refresh(app: Data<App>, form: TokenRequest) -> ApiResult<HttpResponse> {
    let Some(token) = form.refresh_token else {
        return Ok(refuse("invalid_request", "Send refresh_token."));
    };
    let acting = Acting::system(request::current_id().unwrap_or_default());
    let rotated = app
        .into_inner()
        .on_database(move |app, conn| {
            app.write(conn, &acting, |tx| {
                let opened = refresh::rotate(tx, &token)?;
                opened.map(|opened| response(tx, opened)).transpose()
            })
        })
        .await?;
    Ok(rotated.map_or_else(
        || {
            refuse(
                "invalid_grant",
                "The refresh token was used, has expired, or its session has ended; sign in again.",
            )
        },
        answer,
    ))
}

/// The tokens of a session.
fn response(tx: &Tx, (session, refresh_token): Opened) -> ApiResult<TokenResponse> {
    let (access_token, ends_at) = token::issue_in(tx.app, &session, tx.now)?;
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer".into(),
        expires_in: (ends_at - tx.now).num_seconds().unsigned_abs(),
        refresh_token: Some(refresh_token),
    })
}

/// How a program that signs in calls itself is kept up to here.
const LONGEST_USER_AGENT: usize = 300;

fn origin(request: &HttpRequest) -> Origin {
    let user_agent = request
        .headers()
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    Origin {
        user_agent: user_agent.map(|text| text.chars().take(LONGEST_USER_AGENT).collect()),
        address: request.peer_addr().map(|address| address.ip().to_string()),
    }
}

/// The public keys of access tokens (RFC 7517).
#[utoipa::path(tag = "sign-in", responses((status = 200, description = "The keys.", body = JwkSet)))]
#[get("/.well-known/jwks.json")]
async fn get_jwks(app: Data<App>) -> ApiResult<HttpResponse> {
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "max-age=300"))
        .json(app.keys.jwks()?))
}
