//! The middleware of `/v1` and `/scim/v2`: a bearer token becomes a [`Caller`], before any extractor runs.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web::Data,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    Caller, callers,
    service_accounts::scim_tokens::{self, ScimToken},
    sessions, token,
};
use crate::{
    app::{App, CallerSession, IdempotencyKey},
    http::{ApiError, ApiResult, request::LoggedPrincipal, upload},
    ledger::ActorKind,
};

/// Authenticates, or answers 401; reads the idempotency key of a POST. What it refuses is an answer like any
/// other, so that the middleware around it (CORS, compression) has its say.
pub async fn authenticate<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match prepare(&mut request, None).await {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(error) => Ok(request.error_response(error)),
    }
}

/// As [`authenticate`]; SCIM tokens count here, and nowhere else.
pub async fn authenticate_scim<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let prepared = match scim_token(&request).await {
        Ok(token) => prepare(&mut request, token).await,
        Err(error) => Err(error),
    };
    match prepared {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(error) => Ok(request.error_response(error)),
    }
}

/// The SCIM token that a request carries, if it is one; refused if it does not count.
async fn scim_token(request: &ServiceRequest) -> ApiResult<Option<ScimToken>> {
    let Some(token) = bearer(request).filter(|token| token.starts_with(scim_tokens::PREFIX)) else {
        return Ok(None);
    };
    let app = app(request)?;
    let now = app.clock.now();
    let found = app
        .on_database(move |_, conn| Ok(scim_tokens::find(conn, &token, now)?))
        .await?;
    found.map(Some).ok_or_else(token::refused)
}

fn app(request: &ServiceRequest) -> ApiResult<Arc<App>> {
    let app = request
        .app_data::<Data<App>>()
        .ok_or_else(|| ApiError::internal("the app is not in the request"))?;
    Ok(app.clone().into_inner())
}

fn bearer(request: &ServiceRequest) -> Option<String> {
    let header = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

/// Finds the caller, by the SCIM token if it is known already.
async fn prepare(request: &mut ServiceRequest, token: Option<ScimToken>) -> ApiResult<()> {
    let app = app(request)?;
    let (caller, session) = match token {
        Some(token) => {
            request.extensions_mut().insert(token);
            let account = token.service_account_id;
            (principal(&app, ActorKind::ServiceAccount, account).await?, None)
        }
        None => caller(&app, request).await?,
    };
    request.extensions_mut().insert(CallerSession(session));
    let principal = format!("{}:{}", caller.actor.kind.as_str(), caller.principal_id());
    request.extensions_mut().insert(LoggedPrincipal(principal));
    request.extensions_mut().insert(caller);
    if let Some(key) = idempotency_key(request).await? {
        request.extensions_mut().insert(key);
    }
    Ok(())
}

/// Who calls, and in which session.
async fn caller(app: &Arc<App>, request: &ServiceRequest) -> ApiResult<(Arc<Caller>, Option<Uuid>)> {
    let token = bearer(request).ok_or_else(token::refused)?;
    if app.keys.is_stale() {
        app.on_database(|app, conn| app.keys.load(conn)).await?;
    }
    let claims = token::verify(app, &token, app.clock.now())?;
    let caller = principal(app, claims.kind, claims.sub).await?;
    match claims.sid {
        Some(session) if caller.ended_sessions.contains(&session) => Err(token::refused()),
        session => Ok((caller, session)),
    }
}

/// A principal as it is known, or as it is read now; refused if it may not call.
pub(super) async fn principal(app: &Arc<App>, kind: ActorKind, id: Uuid) -> ApiResult<Arc<Caller>> {
    let known = app.callers.get(id);
    if let Some(caller) = known.filter(|caller| caller.actor.kind == kind) {
        return Ok(caller);
    }
    let mark = app.callers.mark();
    let ended_since = sessions::tokens_since(app)?;
    let loaded = app
        .on_database(move |_, conn| Ok(callers::load(conn, kind, id, ended_since)?))
        .await?;
    let caller = Arc::new(loaded.ok_or_else(token::refused)?);
    app.callers.keep(id, caller.clone(), mark);
    Ok(caller)
}

const LONGEST_KEY: usize = 255;

async fn idempotency_key(request: &mut ServiceRequest) -> ApiResult<Option<IdempotencyKey>> {
    if request.method() != Method::POST {
        return Ok(None);
    }
    let Some(value) = request.headers().get("idempotency-key") else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (1..=LONGEST_KEY).contains(&key.len()))
        .map(str::to_owned);
    let Some(key) = key else {
        return Err(ApiError::parameter(
            "Idempotency-Key",
            format!("must have 1 to {LONGEST_KEY} visible ASCII characters"),
        ));
    };
    let mut hash = Sha256::new();
    hash.update(request.path());
    hash.update([0]);
    hash.update(request.query_string());
    hash.update([0]);
    let (http_request, payload) = request.parts_mut();
    if upload::is_csv(http_request) {
        let file = upload::receive(http_request, payload).await?;
        hash.update(file.hash);
        request.extensions_mut().insert(file);
    } else {
        let body = upload::read(http_request, payload).await?;
        hash.update(&body);
        request.set_payload(Payload::from(body));
    }
    Ok(Some(IdempotencyKey {
        key,
        fingerprint: hash.finalize().to_vec(),
    }))
}
