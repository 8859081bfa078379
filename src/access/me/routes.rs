//! `/v1/me`.

use actix_web::get;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{HeldPermission, Me},
    store,
};
use crate::{
    app::Call,
    http::{ApiResult, Reply},
};

/// The route of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(get_me);
}

/// Get the calling principal.
///
/// The caller, with every permission that counts now and its scopes.
#[utoipa::path(tag = "sign-in", responses((status = 200, body = Me)),
    extensions(("x-permission" = json!("any caller"))))]
#[get("/me")]
async fn get_me(call: Call) -> ApiResult<Reply> {
    call.read(|tx| {
        Reply::ok(&Me {
            kind: tx.caller.kind(),
            id: tx.caller.principal_id(),
            name: store::name(tx)?,
            acted_for_by: tx.caller.representative(),
            permissions: HeldPermission::of(&tx.caller, tx.now),
        })
    })
    .await
}
