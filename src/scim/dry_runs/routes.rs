//! `/v1/scim/dry-runs`.

use actix_web::{get, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{model::ScimDryRun, store};
use crate::{
    app::Call,
    authz,
    http::{ApiResult, IfNoneMatch, ListQuery, Page, Query, Ref, Reply},
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/scim")
            .service(list_scim_dry_runs)
            .service(get_scim_dry_run),
    );
}

/// List SCIM dry runs.
///
/// Requests of SCIM tokens in dry-run mode, and what each would have changed.
#[utoipa::path(tag = "scim", params(ListQuery), responses((status = 200, body = Page<ScimDryRun>)),
    extensions(("x-permission" = json!("events.read"))))]
#[get("/dry-runs")]
async fn list_scim_dry_runs(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Get a SCIM dry run.
#[utoipa::path(tag = "scim", params(("dry_run_id" = Uuid, Path)),
    responses((status = 200, body = ScimDryRun)), extensions(("x-permission" = json!("events.read"))))]
#[get("/dry-runs/{dry_run_id}")]
async fn get_scim_dry_run(call: Call, id: Path<Uuid>, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| {
        let run: ScimDryRun = authz::read(tx, &Ref::from(*id))?;
        Reply::unless_known(&run, &known)
    })
    .await
}
