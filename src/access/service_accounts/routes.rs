//! `/v1/service-accounts`.

use actix_web::{get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{CreateServiceAccount, ServiceAccount, UpdateServiceAccount},
    secrets,
};
use crate::{
    app::Call,
    http::{ApiResult, IfMatch, IfNoneMatch, Page, Query, Ref, Reply, Valid},
    resource::{
        list::{ReadQuery, ResourceQuery},
        routes,
    },
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
#[utoipa::path(tag = "service-accounts", params(ResourceQuery),
    responses((status = 200, body = Page<ServiceAccount>)), extensions(("x-permission" = json!("roles.read"))))]
#[get("")]
async fn list_service_accounts(call: Call, query: Query<ResourceQuery>) -> ApiResult<Reply> {
    routes::list::<ServiceAccount>(call, query.0).await
}

/// Create a service account.
///
/// It holds nothing until it is granted a role, and calls with a secret of its own.
#[utoipa::path(tag = "service-accounts", request_body = CreateServiceAccount,
    responses((status = 201, body = ServiceAccount)), extensions(("x-permission" = json!("roles.write"))))]
#[post("")]
async fn create_service_account(call: Call, body: Valid<CreateServiceAccount>) -> ApiResult<Reply> {
    routes::create(call, body.0).await
}

/// Get a service account.
#[utoipa::path(tag = "service-accounts", params(("service_account_id" = String, Path), ReadQuery),
    responses((status = 200, body = ServiceAccount)), extensions(("x-permission" = json!("roles.read"))))]
#[get("/{service_account_id}")]
async fn get_service_account(
    call: Call,
    id: Path<Ref<ServiceAccount>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    routes::read(call, id.into_inner(), query.0, known).await
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
    routes::update(call, id.into_inner(), known, body.0).await
}
