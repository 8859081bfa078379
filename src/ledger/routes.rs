//! `/v1/ledger`.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    heads::{self, SignedHead},
    model::LedgerHead,
    seal,
    verify::VerifyLedger,
};
use crate::{
    app::{App, Call},
    authz::{self, Permission},
    http::{ApiResult, ListQuery, Page, Query, Ref, Reply, jwk::JwkSet},
    operations::{self, Operation},
};

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    config.service(get_ledger_keys);
}

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/ledger")
            .service(get_ledger)
            .service(verify_ledger)
            .service(list_signed_heads)
            .service(get_signed_head),
    );
}

/// Get the head of the ledger.
///
/// Keep it elsewhere: a ledger that was rewritten before this position no longer leads to this hash.
#[utoipa::path(tag = "events", responses((status = 200, body = LedgerHead)),
    extensions(("x-permission" = json!("events.read"))))]
#[get("")]
async fn get_ledger(call: Call) -> ApiResult<Reply> {
    call.read(move |tx| {
        tx.require_everywhere(Permission::EventsRead)?;
        Reply::ok(&seal::head(tx.conn)?)
    })
    .await
}

/// List signed heads.
///
/// The end of the ledger is signed every hour and at every export. Keep them elsewhere: they prove later what the ledger was.
#[utoipa::path(tag = "events", params(ListQuery), responses((status = 200, body = Page<SignedHead>)),
    extensions(("x-permission" = json!("events.read"))))]
#[get("/heads")]
async fn list_signed_heads(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&heads::list(tx, &query.0)?))
        .await
}

/// Get a signed head.
#[utoipa::path(tag = "events", params(("signed_head_id" = Uuid, Path)), responses((status = 200, body = SignedHead)),
    extensions(("x-permission" = json!("events.read"))))]
#[get("/heads/{signed_head_id}")]
async fn get_signed_head(call: Call, id: Path<Uuid>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::ok(&authz::read::<SignedHead>(tx, &Ref::from(*id))?))
        .await
}

/// Get the public keys of the ledger.
///
/// All keys that ever signed a head of the ledger, as JWKs (RFC 8037): what `provost ledger verify --keys` takes.
#[utoipa::path(tag = "events", responses((status = 200, description = "The keys.", body = JwkSet)))]
#[get("/.well-known/ledger-keys.json")]
async fn get_ledger_keys(app: Data<App>) -> ApiResult<HttpResponse> {
    let keys = app.db.run(heads::keys).await??;
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "max-age=300"))
        .json(keys))
}

/// Verify the ledger.
///
/// Walks the whole chain. The operation's result says whether it is intact, and the first position that is not.
#[utoipa::path(tag = "events", responses((status = 202, body = Operation)),
    extensions(("x-permission" = json!("events.read"))))]
#[post("/verifications")]
async fn verify_ledger(call: Call) -> ApiResult<Reply> {
    call.write(|tx| {
        tx.require_everywhere(Permission::EventsRead)?;
        let head = seal::head(tx.conn)?;
        let operation = operations::begin(tx, "ledger.verification", Some(head.position))?;
        tx.enqueue(&VerifyLedger {
            operation_id: operation.id,
            head,
        })?;
        operations::accepted(&operation)
    })
    .await
}
