//! `/v1/users/{user_id}/history`.

use actix_web::{get, web::Path};

use super::{model::UserPeriod, store};
use crate::{
    app::Call,
    authz,
    http::{ApiResult, ListQuery, Page, Query, Ref, Reply},
    people::users::model::User,
};

/// List the history of a user.
///
/// Each period in which status, job fields, custom attributes, manager and org unit stayed the same, oldest first.
#[utoipa::path(tag = "users", params(("user_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<UserPeriod>)), extensions(("x-permission" = json!("users.read"))))]
#[get("/{user_id}/history")]
pub(crate) async fn list_user_history(
    call: Call,
    id: Path<Ref<User>>,
    query: Query<ListQuery>,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let user = authz::read(tx, &id)?;
        Reply::page(&store::list(tx, user.id, &query.0)?)
    })
    .await
}
