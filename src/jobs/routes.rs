//! `/v1/jobs`.

use actix_web::{get, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{model::QueuedJob, queue};
use crate::{
    app::Call,
    http::{ApiResult, ListQuery, Page, Query, Reply},
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/jobs")
            .service(list_jobs)
            .service(get_job)
            .service(retry_job),
    );
}

/// List jobs.
///
/// `filter=state eq "dead"` finds those that were given up.
#[utoipa::path(tag = "jobs", params(ListQuery), responses((status = 200, body = Page<QueuedJob>)),
    extensions(("x-permission" = json!("jobs.read"))))]
#[get("")]
async fn list_jobs(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&queue::list(tx, &query.0)?))
        .await
}

/// Get a job.
#[utoipa::path(tag = "jobs", params(("job_id" = Uuid, Path)), responses((status = 200, body = QueuedJob)),
    extensions(("x-permission" = json!("jobs.read"))))]
#[get("/{job_id}")]
async fn get_job(call: Call, id: Path<Uuid>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::ok(&queue::find(tx, *id)?)).await
}

/// Retry a dead job.
///
/// It becomes ready for up to three more attempts. An operation that failed with it runs again.
#[utoipa::path(tag = "jobs", params(("job_id" = Uuid, Path)), responses((status = 200, body = QueuedJob)),
    extensions(("x-permission" = json!("jobs.write"))))]
#[post("/{job_id}/retry")]
async fn retry_job(call: Call, id: Path<Uuid>) -> ApiResult<Reply> {
    call.write(move |tx| Reply::ok(&queue::retry(tx, *id)?)).await
}
