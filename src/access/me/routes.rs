//! `/v1/me`.

use actix_web::get;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{HeldPermission, Me},
    store,
};
use crate::{
    access::Permission,
    app::Call,
    http::{ApiResult, Reply},
};

/// The route of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(get_me);
}

/// Who am I?
///
/// The caller, with every permission that counts now and where it may be used.
#[utoipa::path(tag = "sign-in", responses((status = 200, body = Me)),
    extensions(("x-permission" = json!("any caller"))))]
#[get("/me")]
async fn get_me(call: Call) -> ApiResult<Reply> {
    call.read(|tx| {
        let held = |permission: &Permission| {
            let scope = tx.caller.scope_if_any(*permission, tx.now)?;
            Some(HeldPermission {
                permission: *permission,
                scopes: scope.parts().iter().copied().map(Into::into).collect(),
            })
        };
        let permissions = Permission::ALL.iter().filter_map(held).collect();
        Reply::ok(&Me {
            kind: tx.caller.actor.kind,
            id: tx.caller.principal_id(),
            name: store::name(tx)?,
            permissions,
        })
    })
    .await
}
