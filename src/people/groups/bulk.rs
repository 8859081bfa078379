//! `POST /v1/groups/bulk`.

use actix_web::post;
use validator::Validate;

use super::{
    model::{CreateGroup, Group, UpdateGroup},
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
    /// A group to be added or changed: either `create`, or `id` with `update`.
    BulkGroupRow: CreateGroup, UpdateGroup
}

/// Add and change groups in bulk.
///
/// Up to 1,000 rows in one transaction. A row that is wrong is answered with its problem and changes nothing; the
/// others are written, and dynamic groups have their members at once. With an `Idempotency-Key` the whole request is
/// safe to repeat.
#[utoipa::path(tag = "groups", request_body = BulkRequest<BulkGroupRow>,
    responses((status = 200, body = BulkAnswer<Group>)), extensions(("x-permission" = json!("groups.write"))))]
#[post("/bulk")]
pub(super) async fn bulk_write_groups(call: Call, body: BulkBody) -> ApiResult<Reply> {
    access::bulk::respond::<Group, BulkGroupRow>(call, body, Permission::GroupsWrite, write::apply).await
}
