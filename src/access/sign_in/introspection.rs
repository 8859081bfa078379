//! `/oauth/introspect` (RFC 7662): what a token says and whether it counts, for programs that are shown tokens.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    post,
    web::{Bytes, Data},
};
use chrono::TimeDelta;

use super::{
    client::{self, Client},
    form::{self, answer, refuse, refuse_with, too_many, unknown_client},
    model::{Introspection, TokenError, TokenQuery},
    store,
};
use crate::{
    access::{
        authenticate::principal,
        sessions::refresh,
        token::{self, Actor, Claims},
    },
    app::{Acting, App, Tx},
    authz::{Caller, Permission, PermissionSet, Scope},
    http::{ApiError, ApiResult, Problem, request},
    ledger::ActorKind,
};

/// Introspect a token.
///
/// For service accounts (HTTP Basic, or `client_id` and `client_secret` in the form) that hold the permission in a
/// scope which covers the user. The answer is `{"active": false}` for expired, used and unknown tokens, for ended
/// sessions and suspended principals, and for tokens outside the caller's scope.
#[utoipa::path(tag = "sign-in",
    request_body(content = TokenQuery, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The state of the token.", body = Introspection),
        (status = 400, description = "The request is wrong.", body = TokenError),
        (status = 401, description = "The client's credentials are wrong.", body = TokenError),
        (status = 403, description = "The client lacks the permission.", body = TokenError),
        (status = 429, description = "Too many attempts failed, or too many requests; wait as long as `Retry-After` says.",
            content((TokenError = "application/json"), (Problem = "application/problem+json")))),
    extensions(("x-permission" = json!("tokens.introspect"))))]
#[post("/oauth/introspect")]
pub(super) async fn introspect_token(
    app: Data<App>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
    let form: TokenQuery = match form::read(&request, body)? {
        Ok(form) => form,
        Err(description) => return Ok(refuse("invalid_request", description)),
    };
    let credentials = match client::credentials(&request, form.client_id, form.client_secret) {
        Ok(Some(credentials)) => credentials,
        Ok(None) => return Ok(unknown_client()),
        Err(description) => return Ok(refuse("invalid_request", description)),
    };
    let (account, confined) = match client::authenticate(&app, &request, credentials).await? {
        Client::Known(account, scope) => (account, scope),
        Client::Unknown => return Ok(unknown_client()),
        Client::Refused(refusal) => return Ok(too_many(refusal)),
    };
    let mut caller = principal(&app, ActorKind::ServiceAccount, account).await?;
    if let Some(scope) = confined {
        caller = Arc::new(caller.confined_to(PermissionSet::from_scope(&scope)));
    }
    let Some(scope) = caller.scope_if_any(Permission::TokensIntrospect, app.clock.now()) else {
        return Ok(refuse_with(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            "This needs the permission tokens.introspect; ask an administrator for a role that holds it.",
        ));
    };
    let Some(token) = form.token else {
        return Ok(refuse("invalid_request", "Send the token as token."));
    };
    introspect(&app, scope, token).await.map(answer)
}

async fn introspect(app: &Arc<App>, scope: Scope, token: String) -> ApiResult<Introspection> {
    let acting = Acting::system(request::current_id().unwrap_or_default());
    let found = app
        .on_database(move |app, conn| {
            if token.starts_with(refresh::PREFIX) {
                return app.read(conn, &acting, |tx| of_refresh_token(tx, &scope, &token));
            }
            match token::verify_now(app, conn, &token)? {
                Some(claims) => app.read(conn, &acting, |tx| of_access_token(tx, &scope, claims)),
                None => Ok(None),
            }
        })
        .await?;
    Ok(found.unwrap_or_default())
}

fn of_refresh_token(tx: &mut Tx, scope: &Scope, token: &str) -> ApiResult<Option<Introspection>> {
    let Some((session, issued_at)) = refresh::in_force(tx, token)? else {
        return Ok(None);
    };
    let username = store::active_person(tx.conn, scope, session.user_id, Some(session.id), tx.now)?;
    let lifetime = TimeDelta::from_std(tx.app.config.refresh_lifetime).map_err(ApiError::internal)?;
    Ok(username.map(|username| Introspection {
        active: true,
        sub: Some(session.user_id),
        kind: Some(ActorKind::User),
        username: Some(username),
        iss: Some(tx.app.config.public_url()),
        iat: Some(issued_at.timestamp()),
        exp: Some(session.expires_at.min(issued_at + lifetime).timestamp()),
        sid: Some(session.id),
        ..Introspection::default()
    }))
}

fn of_access_token(tx: &mut Tx, scope: &Scope, claims: Claims) -> ApiResult<Option<Introspection>> {
    let (username, client_id) = match claims.kind {
        ActorKind::User => {
            let username = store::active_person(tx.conn, scope, claims.sub, claims.sid, tx.now)?;
            (username, None)
        }
        ActorKind::ServiceAccount => {
            let is_in_force = store::is_account_in_force(tx.conn, scope, claims.sub)?;
            (None, is_in_force.then_some(claims.sub))
        }
        ActorKind::System => (None, None),
    };
    let is_acted_by = claims
        .act
        .as_ref()
        .map(|actor| is_in_force(tx, actor))
        .transpose()?;
    if (username.is_none() && client_id.is_none()) || is_acted_by == Some(false) {
        return Ok(None);
    }
    Ok(Some(Introspection {
        active: true,
        token_type: Some("Bearer".into()),
        sub: Some(claims.sub),
        kind: Some(claims.kind),
        username,
        client_id,
        iss: Some(claims.iss),
        aud: Some(claims.aud),
        iat: Some(claims.iat),
        exp: Some(claims.exp),
        jti: Some(claims.jti),
        scope: claims.scope,
        act: claims.act,
        sid: claims.sid,
    }))
}

/// Whether the principal that acts for a person may still call. Their permissions are checked by each request.
fn is_in_force(tx: &mut Tx, actor: &Actor) -> ApiResult<bool> {
    let everything = Caller::system().scope(Permission::UsersRead, tx.now)?;
    Ok(match actor.kind {
        ActorKind::User => {
            store::active_person(tx.conn, &everything, actor.sub, actor.sid, tx.now)?.is_some()
        }
        ActorKind::ServiceAccount => store::is_account_in_force(tx.conn, &everything, actor.sub)?,
        ActorKind::System => false,
    })
}
