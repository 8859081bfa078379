//! `POST /v1/users/bulk`.

use actix_web::post;
use validator::Validate;

use super::{
    model::{CreateUser, UpdateUser, User},
    write,
};
use crate::{
    access::{self, Permission},
    app::Call,
    bulk_row,
    http::{
        ApiResult, Reply,
        bulk::{BulkAnswer, BulkBody, BulkRequest},
    },
};

bulk_row! {
    /// A person to be added or changed: either `create`, or `id` with `update`.
    BulkUserRow: CreateUser, UpdateUser
}

/// Add and change people in bulk.
///
/// Up to 1,000 rows in one transaction. A row that is wrong is answered with its problem and changes nothing; the
/// others are written. With an `Idempotency-Key` the whole request is safe to repeat.
#[utoipa::path(tag = "users", request_body = BulkRequest<BulkUserRow>,
    responses((status = 200, body = BulkAnswer<User>)), extensions(("x-permission" = json!("users.write"))))]
#[post("/bulk")]
pub(super) async fn bulk_write_users(call: Call, body: BulkBody) -> ApiResult<Reply> {
    access::bulk::respond::<User, BulkUserRow>(call, body, Permission::UsersWrite, write::apply).await
}
