//! `/v1/content-checks`.

use actix_web::{get, put};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{ContentChecks, ReplaceContentChecks},
    store,
};
use crate::{
    app::Call,
    authz::Permission,
    http::{ApiResult, IfMatch, IfNoneMatch, Reply, Valid},
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/content-checks")
            .service(get_content_checks)
            .service(replace_content_checks),
    );
}

/// Get the content checks.
///
/// Every kind of finding about content, what it means, and whether it keeps a course from being published.
#[utoipa::path(tag = "contents", responses((status = 200, body = ContentChecks)),
    extensions(("x-permission" = json!("contents.read")), ("x-scope" = json!("any"))))]
#[get("")]
async fn get_content_checks(call: Call, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| {
        tx.require(Permission::ContentsRead)?;
        Reply::unless_known(&store::find(tx)?, &known)
    })
    .await
}

/// Replace the content checks.
///
/// Takes the permission for everything. Findings that are left out go back to what they do without a choice: a package without
/// its launch file blocks, all others warn. Published courses stay as they are.
#[utoipa::path(tag = "contents", request_body = ReplaceContentChecks, responses((status = 200, body = ContentChecks)),
    extensions(("x-permission" = json!("contents.write"))))]
#[put("")]
async fn replace_content_checks(
    call: Call,
    known: IfMatch,
    body: Valid<ReplaceContentChecks>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        tx.require_everywhere(Permission::ContentsWrite)?;
        let checks = store::replace(tx, &body.0.checks, |present| known.check(present))?;
        Reply::resource(&checks)
    })
    .await
}
