//! `/v1/operations`.

use actix_web::{get, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{model::Operation, store};
use crate::{
    app::Call,
    http::{ApiResult, IfNoneMatch, ListQuery, Page, Query, Reply},
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/operations")
            .service(list_operations)
            .service(get_operation)
            .service(cancel_operation),
    );
}

/// List operations.
///
/// The caller's own operations, or those of the user that the token acts for; with `operations.read` for everything
/// also those of others.
#[utoipa::path(tag = "operations", params(ListQuery), responses((status = 200, body = Page<Operation>)),
    extensions(("x-permission" = json!("any caller"))))]
#[get("")]
async fn list_operations(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Get an operation.
///
/// One of the caller's own operations, or any with `operations.read` for everything. A token that acts for a user shows
/// that user's. Poll until `finished_at` is set.
#[utoipa::path(tag = "operations", params(("operation_id" = Uuid, Path)), responses((status = 200, body = Operation)),
    extensions(("x-permission" = json!("any caller"))))]
#[get("/{operation_id}")]
async fn get_operation(call: Call, id: Path<Uuid>, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| Reply::unless_known(&store::find(tx, *id)?, &known))
        .await
}

/// Cancel an operation.
///
/// A waiting operation ends at once; a running one ends at its next step, and what it did stays. Cancelling the
/// operation of others needs `operations.read` and `jobs.write`, both for everything.
#[utoipa::path(tag = "operations", params(("operation_id" = Uuid, Path)), responses((status = 202, body = Operation)),
    extensions(("x-permission" = json!("any caller"))))]
#[post("/{operation_id}/cancellation")]
async fn cancel_operation(call: Call, id: Path<Uuid>) -> ApiResult<Reply> {
    call.write(move |tx| super::accepted(&store::request_cancel(tx, *id)?))
        .await
}
