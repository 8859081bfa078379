//! `POST /v1/attribute-definitions/bulk`.

use actix_web::post;
use validator::Validate;

use super::{
    model::{AttributeDefinition, CreateAttributeDefinition, UpdateAttributeDefinition},
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
    /// An attribute to be defined, or a definition to be changed: either `create`, or `id` with `update`.
    BulkAttributeDefinitionRow: CreateAttributeDefinition, UpdateAttributeDefinition
}

/// Define attributes and change definitions in bulk.
///
/// Up to 1,000 rows in one transaction. A row that is wrong is answered with its problem and changes nothing; the
/// others are written. With an `Idempotency-Key` the whole request is safe to repeat.
#[utoipa::path(tag = "attribute-definitions", request_body = BulkRequest<BulkAttributeDefinitionRow>,
    responses((status = 200, body = BulkAnswer<AttributeDefinition>)),
    extensions(("x-permission" = json!("attributes.write"))))]
#[post("/bulk")]
pub(super) async fn bulk_write_attribute_definitions(call: Call, body: BulkBody) -> ApiResult<Reply> {
    access::bulk::respond::<AttributeDefinition, BulkAttributeDefinitionRow>(
        call,
        body,
        Permission::AttributesWrite,
        write::apply,
    )
    .await
}
