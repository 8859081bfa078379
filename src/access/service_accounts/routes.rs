//! `/v1/service-accounts`.

use actix_web::{get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{CreateServiceAccount, ServiceAccount, UpdateServiceAccount},
    secrets, store,
};
use crate::{
    access::{self, Permission},
    app::{Call, Wake},
    http::{ApiResult, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
    ledger::Event,
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/service-accounts")
            .service(list_service_accounts)
            .service(create_service_account)
            .service(get_service_account)
            .service(update_service_account)
            .configure(secrets::configure),
    );
}

/// List service accounts.
#[utoipa::path(tag = "service-accounts", params(ListQuery), responses((status = 200, body = Page<ServiceAccount>)),
    extensions(("x-permission" = json!("roles.read"))))]
#[get("")]
async fn list_service_accounts(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Create a service account.
///
/// It holds nothing until it is granted a role, and calls with a secret of its own.
#[utoipa::path(tag = "service-accounts", request_body = CreateServiceAccount,
    responses((status = 201, body = ServiceAccount)), extensions(("x-permission" = json!("roles.write"))))]
#[post("")]
async fn create_service_account(call: Call, body: Valid<CreateServiceAccount>) -> ApiResult<Reply> {
    call.write(move |tx| {
        tx.require_everywhere(Permission::RolesWrite)?;
        let account = store::insert(tx, &body.0)?;
        tx.record(Event::new("service_account.created", "service_account", account.id).after(&account));
        Reply::created(&account, format!("/v1/service-accounts/{}", account.id))
    })
    .await
}

/// Get a service account.
#[utoipa::path(tag = "service-accounts", params(("service_account_id" = String, Path)),
    responses((status = 200, body = ServiceAccount)), extensions(("x-permission" = json!("roles.read"))))]
#[get("/{service_account_id}")]
async fn get_service_account(
    call: Call,
    id: Path<Ref<ServiceAccount>>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx| Reply::unless_known(&access::read(tx, &id)?, &known))
        .await
}

/// Update a service account.
///
/// Once suspended it is refused from its next request.
#[utoipa::path(tag = "service-accounts", params(("service_account_id" = String, Path)),
    request_body = UpdateServiceAccount, responses((status = 200, body = ServiceAccount)),
    extensions(("x-permission" = json!("roles.write"))))]
#[patch("/{service_account_id}")]
async fn update_service_account(
    call: Call,
    id: Path<Ref<ServiceAccount>>,
    known: IfMatch,
    body: Valid<UpdateServiceAccount>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = access::authorize(tx, &id, Permission::RolesWrite)?;
        known.check(&*before)?;
        let account = store::update(tx, &before, &body.0)?;
        tx.record(
            Event::new("service_account.updated", "service_account", account.id)
                .before(&*before)
                .after(&account),
        );
        tx.wake(Wake::Caller(account.id));
        Reply::resource(&account)
    })
    .await
}
