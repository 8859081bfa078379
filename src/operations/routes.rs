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
/// The caller's own, or with a token that acts for a person that person's; those of others too with `operations.read` for
/// everything.
#[utoipa::path(tag = "operations", params(ListQuery), responses((status = 200, body = Page<Operation>)),
    extensions(("x-permission" = json!("any caller"))))]
#[get("")]
async fn list_operations(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Get an operation.
///
/// The caller's own, or another's with `operations.read` for everything. A token that acts for a person watches that person's. Ask again until `finished_at` is there.
#[utoipa::path(tag = "operations", params(("operation_id" = Uuid, Path)), responses((status = 200, body = Operation)),
    extensions(("x-permission" = json!("any caller"))))]
#[get("/{operation_id}")]
async fn get_operation(call: Call, id: Path<Uuid>, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| Reply::unless_known(&store::find(tx, *id)?, &known))
        .await
}

/// Cancel an operation.
///
/// One that waits ends at once; one that is being worked on ends at its next step, and what it did stays.
/// Another's operation takes `operations.read` and `jobs.write`, both for everything.
#[utoipa::path(tag = "operations", params(("operation_id" = Uuid, Path)), responses((status = 202, body = Operation)),
    extensions(("x-permission" = json!("any caller"))))]
#[post("/{operation_id}/cancellation")]
async fn cancel_operation(call: Call, id: Path<Uuid>) -> ApiResult<Reply> {
    call.write(move |tx| super::accepted(&store::request_cancel(tx, *id)?))
        .await
}
