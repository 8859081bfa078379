//! `/v1/attribute-definitions`.

use actix_web::{delete, get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    bulk,
    model::{AttributeDefinition, CreateAttributeDefinition, UpdateAttributeDefinition},
    store, write,
};
use crate::{
    access::{self, Permission},
    app::Call,
    http::{
        ApiResult, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid,
        precondition::require_archived,
    },
    ledger::Event,
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/attribute-definitions")
            .service(list_attribute_definitions)
            .service(create_attribute_definition)
            .service(get_attribute_definition)
            .service(update_attribute_definition)
            .service(bulk::bulk_write_attribute_definitions)
            .service(archive_attribute_definition)
            .service(restore_attribute_definition),
    );
}

/// List attribute definitions.
#[utoipa::path(tag = "attribute-definitions", params(ListQuery),
    responses((status = 200, body = Page<AttributeDefinition>)),
    extensions(("x-permission" = json!("attributes.read"))))]
#[get("")]
async fn list_attribute_definitions(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Define an attribute.
#[utoipa::path(tag = "attribute-definitions", request_body = CreateAttributeDefinition,
    responses((status = 201, body = AttributeDefinition)),
    extensions(("x-permission" = json!("attributes.write"))))]
#[post("")]
async fn create_attribute_definition(call: Call, body: Valid<CreateAttributeDefinition>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let definition = write::create(tx, body.0.clone())?;
        Reply::created(
            &definition,
            format!("/v1/attribute-definitions/{}", definition.id),
        )
    })
    .await
}

/// Read an attribute definition.
#[utoipa::path(tag = "attribute-definitions", params(("attribute_definition_id" = String, Path)),
    responses((status = 200, body = AttributeDefinition)),
    extensions(("x-permission" = json!("attributes.read"))))]
#[get("/{attribute_definition_id}")]
async fn get_attribute_definition(
    call: Call,
    id: Path<Ref<AttributeDefinition>>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx| Reply::unless_known(&access::read(tx, &id)?, &known))
        .await
}

/// Change an attribute definition.
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
    call.write(move |tx| {
        let before = access::authorize(tx, &id, Permission::AttributesWrite)?;
        known.check(&*before)?;
        let definition = write::update(tx, before, body.0.clone())?;
        Reply::resource(&definition)
    })
    .await
}

/// Archive an attribute definition.
///
/// Values stay, and filters go on finding them; new ones are refused.
#[utoipa::path(tag = "attribute-definitions", params(("attribute_definition_id" = String, Path)),
    responses((status = 200, body = AttributeDefinition)),
    extensions(("x-permission" = json!("attributes.write"))))]
#[post("/{attribute_definition_id}/archival")]
async fn archive_attribute_definition(call: Call, id: Path<Ref<AttributeDefinition>>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = access::authorize(tx, &id, Permission::AttributesWrite)?;
        if before.archived_at.is_some() {
            return Reply::resource(&*before);
        }
        let definition = store::set_archived(tx, &before, Some(tx.now))?;
        tx.record(
            Event::new(
                "attribute_definition.archived",
                "attribute_definition",
                definition.id,
            )
            .before(&*before)
            .after(&definition),
        );
        Reply::resource(&definition)
    })
    .await
}

/// Bring an archived attribute definition back.
#[utoipa::path(tag = "attribute-definitions", params(("attribute_definition_id" = String, Path)),
    responses((status = 200, body = AttributeDefinition)),
    extensions(("x-permission" = json!("attributes.write"))))]
#[delete("/{attribute_definition_id}/archival")]
async fn restore_attribute_definition(
    call: Call,
    id: Path<Ref<AttributeDefinition>>,
    known: IfMatch,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = access::authorize(tx, &id, Permission::AttributesWrite)?;
        known.check(&*before)?;
        require_archived(before.archived_at)?;
        let definition = store::set_archived(tx, &before, None)?;
        tx.record(
            Event::new(
                "attribute_definition.restored",
                "attribute_definition",
                definition.id,
            )
            .before(&*before)
            .after(&definition),
        );
        Reply::resource(&definition)
    })
    .await
}
