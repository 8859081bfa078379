//! The middleware of `/v1` and `/scim/v2`: a bearer token becomes a [`Caller`], before any extractor runs.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage, Responder,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web::Data,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    attempts::Attempt,
    callers::{self, Callers},
    keys, rates,
    service_accounts::scim_tokens,
    sessions,
    sign_in::exchange,
    sso::bearer,
    token::{self, Actor, Claims},
};
use crate::{
    app::{Acting, App, CallerSession, IdempotencyKey, recall},
    authz::{Caller, PermissionSet},
    files::uploads,
    http::{ApiError, ApiResult, Code, address, request::LogPrincipal, upload},
    ledger::ActorKind,
};

/// Authenticates, or answers 401; reads the idempotency key of a POST. What it refuses is an answer like any
/// other, so that the middleware around it (CORS, compression) has its say.
pub async fn authenticate<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match prepare(&mut request, false).await {
        Ok(()) => answer(request, next).await,
        Err(error) => Ok(request.error_response(error)),
    }
}

/// As [`authenticate`]; SCIM tokens count here, and nowhere else.
pub async fn authenticate_scim<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match prepare(&mut request, true).await {
        Ok(()) => answer(request, next).await,
        Err(error) => Ok(request.error_response(error)),
    }
}

/// Has the request answered. Where it is refused and its idempotency key is another request's, that is told instead.
async fn answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (key, caller) = {
        let extensions = request.extensions();
        let key = extensions.get::<IdempotencyKey>().cloned();
        (key, extensions.get::<Arc<Caller>>().cloned())
    };
    let app = app(&request);
    let answer = next.call(request).await?.map_into_boxed_body();
    let (Some(key), Some(caller), Ok(app)) = (key, caller, app) else {
        return Ok(answer);
    };
    if !answer.status().is_client_error() {
        return Ok(answer);
    }
    let acting = Acting {
        caller,
        ..Acting::system("")
    };
    let known = app
        .on_database(move |app, conn| app.read(conn, &acting, |tx| recall(tx, &key)))
        .await;
    Ok(match known {
        Ok(Some(reply)) => {
            let reply = reply.respond_to(answer.request());
            answer.into_response(reply)
        }
        Err(error) if error.code == Code::IdempotencyMismatch => answer.error_response(error),
        _ => answer,
    })
}

/// The caller by a SCIM token, if the request carries one; refused if it does not count.
async fn scim_caller(app: &Arc<App>, request: &ServiceRequest) -> ApiResult<Option<Known>> {
    let Some(token) = bearer(request).filter(|token| token.starts_with(scim_tokens::PREFIX)) else {
        return Ok(None);
    };
    let attempt = Attempt::with("scim", address::of(request.request()));
    let found = app
        .on_database(
            move |app, conn| match scim_tokens::find(conn, &token, app.clock.now())? {
                Some(found) => Ok(found),
                None => Err(attempt
                    .count_wrong_secret(app, conn)?
                    .map_or_else(token::refused, ApiError::from)),
            },
        )
        .await?;
    let caller = principal(app, ActorKind::ServiceAccount, found.token.service_account_id).await?;
    let means = format!("scim {} {:?}", found.token.dry_run, found.permissions);
    request.extensions_mut().insert(found.token);
    Ok(Some(Known {
        caller: match found.permissions {
            Some(permissions) => Arc::new(caller.confined_to(permissions)),
            None => caller,
        },
        session: None,
        means,
    }))
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

async fn prepare(request: &mut ServiceRequest, takes_scim_tokens: bool) -> ApiResult<()> {
    let app = app(request)?;
    let Known {
        caller,
        session,
        means,
    } = match caller(&app, request, takes_scim_tokens).await {
        Ok(known) => known,
        Err(refusal) => {
            rates::count_address(&app, request)?;
            return Err(refusal);
        }
    };
    rates::count_principal(&app, request, caller.actor.id.unwrap_or_default())?;
    request.extensions_mut().insert(CallerSession(session));
    let principal = format!("{}:{}", caller.kind().as_str(), caller.principal_id());
    request.extensions_mut().insert(LogPrincipal(principal));
    request.extensions_mut().insert(caller);
    if let Some(key) = idempotency_key(request, &means).await? {
        request.extensions_mut().insert(key);
    }
    Ok(())
}

/// Who calls.
struct Known {
    caller: Arc<Caller>,
    /// In which session.
    session: Option<Uuid>,
    /// By what means, where that makes the same request another one: what the token is confined to, who acts by it,
    /// whether it only tries.
    means: String,
}

/// Who calls, and in which session.
async fn caller(app: &Arc<App>, request: &ServiceRequest, takes_scim_tokens: bool) -> ApiResult<Known> {
    if takes_scim_tokens && let Some(known) = scim_caller(app, request).await? {
        return Ok(known);
    }
    let token = bearer(request).ok_or_else(token::refused)?;
    let Identified { claims, caller } = identify(app, &token).await?;
    let caller = match &claims.act {
        Some(actor) => on_behalf(app, actor, &caller).await?,
        None => caller,
    };
    Ok(Known {
        caller,
        session: claims.sid,
        means: format!("{:?} {:?}", claims.scope, claims.act.map(|actor| actor.sub)),
    })
}

/// Who a token is of.
pub struct Identified {
    /// What it says.
    pub claims: Claims,
    /// What its principal may do by it.
    pub caller: Arc<Caller>,
}

/// Finds the principal of a token; refuses a token that is invalid. Does not check whether another principal may use it to act
/// for this one.
pub async fn identify(app: &Arc<App>, token: &str) -> ApiResult<Identified> {
    keys::refresh(app).await?;
    let claims = match token::verify(app, token, app.clock.now()) {
        Ok(claims) => claims,
        Err(refusal) => bearer::read(app, token).await?.ok_or(refusal)?,
    };
    let caller = holder(
        app,
        (claims.kind, claims.sub),
        claims.sid,
        claims.scope.as_deref(),
    )
    .await?;
    Ok(Identified { claims, caller })
}

/// A principal in a session, confined to a scope.
async fn holder(
    app: &Arc<App>,
    (kind, id): (ActorKind, Uuid),
    session: Option<Uuid>,
    scope: Option<&str>,
) -> ApiResult<Arc<Caller>> {
    let caller = principal(app, kind, id).await?;
    if session.is_some_and(|session| caller.ended_sessions.contains(&session)) {
        return Err(token::refused());
    }
    Ok(match scope {
        Some(scope) => Arc::new(caller.confined_to(PermissionSet::from_scope(scope))),
        None => caller,
    })
}

/// Who acts for a person, as long as they hold all that the person does.
async fn on_behalf(app: &Arc<App>, actor: &Actor, subject: &Caller) -> ApiResult<Arc<Caller>> {
    let holder = holder(app, (actor.kind, actor.sub), actor.sid, actor.scope.as_deref()).await?;
    let person = subject.principal_id();
    let acting = Acting {
        caller: holder,
        ..Acting::system("")
    };
    let representative = acting.caller.clone();
    let may = app
        .on_database(move |app, conn| app.read(conn, &acting, |tx| exchange::require(tx, person)))
        .await;
    match may {
        Ok(()) => Ok(Arc::new(subject.acted_for_by(representative))),
        Err(error) if error.code.status().is_client_error() => Err(token::refused()),
        Err(error) => Err(error),
    }
}

/// A principal as it is known, or as it is read now; refused if it may not call.
pub(super) async fn principal(app: &Arc<App>, kind: ActorKind, id: Uuid) -> ApiResult<Arc<Caller>> {
    let known = app.part::<Callers>().get(id);
    if let Some(caller) = known.filter(|caller| caller.actor.kind == kind) {
        return Ok(caller);
    }
    let mark = app.part::<Callers>().mark();
    let ended_since = sessions::tokens_since(app)?;
    let loaded = app
        .on_database(move |_, conn| Ok(callers::load(conn, kind, id, ended_since)?))
        .await?;
    let caller = Arc::new(loaded.ok_or_else(token::refused)?);
    app.part::<Callers>().insert(id, caller.clone(), mark);
    Ok(caller)
}

const LONGEST_KEY: usize = 255;

async fn idempotency_key(request: &mut ServiceRequest, means: &str) -> ApiResult<Option<IdempotencyKey>> {
    // The bytes of uploads are not held in memory; their protocol does without the key.
    if request.method() != Method::POST || request.request().content_type() == uploads::BYTES {
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
    hash.update(means);
    hash.update([0]);
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
