//! `/v1/users/{user_id}/access`.

use actix_web::{get, web::Path};

use super::{
    explain,
    model::{AccessExplanation, ExplainAccess, UserAccess},
};
use crate::{
    app::{Call, Tx},
    authz::{self, Permission, lacks},
    http::{ApiResult, Query, Ref, Reply},
    people::users::model::User,
};

/// Get what a user may do.
///
/// Every permission that counts now with its scopes, and the user's roles. Users may ask about themselves without the
/// permission.
#[utoipa::path(tag = "grants", params(("user_id" = String, Path)), responses((status = 200, body = UserAccess)),
    extensions(("x-permission" = json!("roles.read"))))]
#[get("/{user_id}/access")]
pub(in crate::people::users) async fn get_user_access(call: Call, id: Path<Ref<User>>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let user = about(tx, &id)?;
        Reply::ok(&explain::access(tx, &user)?)
    })
    .await
}

/// Explain why a user may or may not do something.
///
/// Grant by grant: whether the role holds the permission, counts now, and covers the object. It answers "why can't I
/// see my course?". Users may ask about themselves without the permission.
#[utoipa::path(tag = "grants", params(("user_id" = String, Path), ExplainAccess),
    responses((status = 200, body = AccessExplanation)), extensions(("x-permission" = json!("roles.read"))))]
#[get("/{user_id}/access/explanation")]
pub(in crate::people::users) async fn explain_user_access(
    call: Call,
    id: Path<Ref<User>>,
    asked: Query<ExplainAccess>,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let user = about(tx, &id)?;
        Reply::ok(&explain::explain(tx, &user, &asked.0)?)
    })
    .await
}

/// The person, for who may look at what they were granted.
fn about(tx: &mut Tx, id: &Ref<User>) -> ApiResult<User> {
    let user: User = authz::read(tx, id)?;
    let is_own = tx.caller.person() == Some(user.id);
    if is_own || authz::outside::<User>(tx, &[user.id], Permission::RolesRead)?.is_empty() {
        Ok(user)
    } else {
        Err(lacks(Permission::RolesRead))
    }
}
