//! Operations: work that takes longer than a request, as its caller watches it. Knows no domain.
//!
//! A domain [`begin`]s one in the transaction that queues its job and answers [`accepted`]. The worker starts it and
//! fails it if the job dies; the job reports [`progress`] and ends with [`succeed`] or [`cancel`].

pub mod events;
mod model;
pub mod routes;
mod store;

pub use model::{Operation, OperationStatus};
pub use store::{
    begin, cancel, count, counted, fail, is_cancel_requested, progress, set_total, start, succeed,
};

use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::{ApiResult, Reply};

/// The routes of operations.
pub fn configure(config: &mut ServiceConfig) {
    routes::configure(config);
}

/// 202 with the operation and where it is watched.
pub fn accepted(operation: &Operation) -> ApiResult<Reply> {
    Reply::accepted(operation, format!("/v1/operations/{}", operation.id))
}
