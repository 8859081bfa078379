//! `/v1/attribute-definitions`.

use actix_web::{delete, get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{
    AttributeDefinition, BulkAttributeDefinitionRow, CreateAttributeDefinition, UpdateAttributeDefinition,
};
use crate::{
    app::Call,
    http::{
        ApiResult, IfMatch, IfNoneMatch, Page, Query, Ref, Reply, Valid,
        bulk::{BulkAnswer, BulkBody, BulkRequest},
    },
    resource::{
        bulk,
        list::{ReadQuery, ResourceQuery},
        routes,
    },
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/attribute-definitions")
            .service(list_attribute_definitions)
            .service(create_attribute_definition)
            .service(get_attribute_definition)
            .service(update_attribute_definition)
            .service(bulk_write_attribute_definitions)
            .service(archive_attribute_definition)
            .service(restore_attribute_definition),
    );
}

/// List attribute definitions.
#[utoipa::path(tag = "attribute-definitions", params(ResourceQuery),
    responses((status = 200, body = Page<AttributeDefinition>)),
    extensions(("x-permission" = json!("attributes.read"))))]
#[get("")]
async fn list_attribute_definitions(call: Call, query: Query<ResourceQuery>) -> ApiResult<Reply> {
    routes::list::<AttributeDefinition>(call, query.0).await
}

/// Create an attribute definition.
#[utoipa::path(tag = "attribute-definitions", request_body = CreateAttributeDefinition,
    responses((status = 201, body = AttributeDefinition)),
    extensions(("x-permission" = json!("attributes.write"))))]
#[post("")]
async fn create_attribute_definition(call: Call, body: Valid<CreateAttributeDefinition>) -> ApiResult<Reply> {
    routes::create(call, body.0).await
}

/// Create and update attribute definitions in bulk.
///
/// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
/// With an `Idempotency-Key` you can safely repeat the whole request.
#[utoipa::path(tag = "attribute-definitions", request_body = BulkRequest<BulkAttributeDefinitionRow>,
    responses((status = 200, body = BulkAnswer<AttributeDefinition>)),
    extensions(("x-permission" = json!("attributes.write"))))]
#[post("/bulk")]
async fn bulk_write_attribute_definitions(call: Call, body: BulkBody) -> ApiResult<Reply> {
    bulk::respond::<AttributeDefinition, BulkAttributeDefinitionRow>(call, body).await
}

/// Get an attribute definition.
#[utoipa::path(tag = "attribute-definitions", params(("attribute_definition_id" = String, Path), ReadQuery),
    responses((status = 200, body = AttributeDefinition)),
    extensions(("x-permission" = json!("attributes.read"))))]
#[get("/{attribute_definition_id}")]
async fn get_attribute_definition(
    call: Call,
    id: Path<Ref<AttributeDefinition>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    routes::read(call, id.into_inner(), query.0, known).await
}

/// Update an attribute definition.
#[utoipa::path(tag = "attribute-definitions", params(("attribute_definition_id" = String, Path)),
    request_body = UpdateAttributeDefinition, responses((status = 200, body = AttributeDefinition)),
    extensions(("x-permission" = json!("attributes.write"))))]
#[patch("/{attribute_definition_id}")]
async fn update_attribute_definition(
    call: Call,
    id: Path<Ref<AttributeDefinition>>,
    known: IfMatch,
    body: Valid<UpdateAttributeDefinition>,
) -> ApiResult<Reply> {
    routes::update(call, id.into_inner(), known, body.0).await
}

/// Archive an attribute definition.
///
/// Values stay, and filters go on finding them; new ones are refused.
#[utoipa::path(tag = "attribute-definitions", params(("attribute_definition_id" = String, Path)),
    responses((status = 200, body = AttributeDefinition)),
    extensions(("x-permission" = json!("attributes.write"))))]
#[post("/{attribute_definition_id}/archival")]
async fn archive_attribute_definition(call: Call, id: Path<Ref<AttributeDefinition>>) -> ApiResult<Reply> {
    routes::archive(call, id.into_inner()).await
}

/// Restore an attribute definition.
#[utoipa::path(tag = "attribute-definitions", params(("attribute_definition_id" = String, Path)),
    responses((status = 200, body = AttributeDefinition)),
    extensions(("x-permission" = json!("attributes.write"))))]
#[delete("/{attribute_definition_id}/archival")]
async fn restore_attribute_definition(
    call: Call,
    id: Path<Ref<AttributeDefinition>>,
    known: IfMatch,
) -> ApiResult<Reply> {
    routes::restore(call, id.into_inner(), known).await
}
