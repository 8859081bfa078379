//! What this server can do and knows: `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas` (RFC 7644, section 4).

use actix_web::{get, web::Path};
use serde_json::{Value, json};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    bulk::MOST_OPERATIONS,
    call::{Client, ScimCall},
    model::{ScimDescription, ScimList},
    respond,
    schema::{GROUP, ResourceType, Schema, USER},
    search::{DEFAULT_COUNT, MOST},
};
use crate::http::{ApiError, ApiResult, Reply};

/// The routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(get_scim_config)
        .service(list_scim_resource_types)
        .service(get_scim_resource_type)
        .service(list_scim_schemas)
        .service(get_scim_schema);
}

/// Get the service provider configuration (SCIM).
#[utoipa::path(tag = "scim",
    responses((status = 200, body = ScimDescription, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("any caller"))))]
#[get("/ServiceProviderConfig")]
async fn get_scim_config(call: ScimCall) -> ApiResult<Reply> {
    respond::ok(&config(&call.client))
}

/// List resource types (SCIM).
#[utoipa::path(tag = "scim",
    responses((status = 200, body = ScimList, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("any caller"))))]
#[get("/ResourceTypes")]
async fn list_scim_resource_types(call: ScimCall) -> ApiResult<Reply> {
    whole(TYPES.iter().map(|one| resource_type(&call.client, one)).collect())
}

/// Get a resource type (SCIM).
#[utoipa::path(tag = "scim", params(("resource_type" = String, Path)),
    responses((status = 200, body = ScimDescription, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("any caller"))))]
#[get("/ResourceTypes/{resource_type}")]
async fn get_scim_resource_type(call: ScimCall, name: Path<String>) -> ApiResult<Reply> {
    let found = TYPES.iter().find(|one| one.name.eq_ignore_ascii_case(&name));
    let found = found.ok_or_else(|| ApiError::not_found("resource type"))?;
    respond::ok(&resource_type(&call.client, found))
}

/// List schemas (SCIM).
#[utoipa::path(tag = "scim",
    responses((status = 200, body = ScimList, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("any caller"))))]
#[get("/Schemas")]
async fn list_scim_schemas(call: ScimCall) -> ApiResult<Reply> {
    whole(
        schemas()
            .map(|schema| schema.describe(&call.client.base))
            .collect(),
    )
}

/// Get a schema (SCIM).
#[utoipa::path(tag = "scim", params(("schema" = String, Path)),
    responses((status = 200, body = ScimDescription, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("any caller"))))]
#[get("/Schemas/{schema}")]
async fn get_scim_schema(call: ScimCall, urn: Path<String>) -> ApiResult<Reply> {
    let found = schemas().find(|schema| schema.urn.eq_ignore_ascii_case(&urn));
    let found = found.ok_or_else(|| ApiError::not_found("schema"))?;
    respond::ok(&found.describe(&call.client.base))
}

static TYPES: [&ResourceType; 2] = [&USER, &GROUP];

fn schemas() -> impl Iterator<Item = &'static Schema> {
    TYPES
        .iter()
        .flat_map(|one| std::iter::once(one.core).chain(one.extensions.iter().copied()))
}

/// A list that is one page.
fn whole(resources: Vec<Value>) -> ApiResult<Reply> {
    respond::ok(&json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": resources.len(), "itemsPerPage": resources.len(), "startIndex": 1, "Resources": resources,
    }))
}

fn resource_type(client: &Client, one: &ResourceType) -> Value {
    let extensions = one
        .extensions
        .iter()
        .map(|schema| json!({ "schema": schema.urn, "required": false }));
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": one.name, "name": one.name, "endpoint": one.endpoint, "description": one.doc, "schema": one.core.urn,
        "schemaExtensions": extensions.collect::<Vec<_>>(),
        "meta": {
            "resourceType": "ResourceType", "location": format!("{}/ResourceTypes/{}", client.base, one.name),
        },
    })
}

fn config(client: &Client) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": true, "maxOperations": MOST_OPERATIONS, "maxPayloadSize": client.body_limit },
        "filter": { "supported": true, "maxResults": MOST },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "pagination": {
            "cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": DEFAULT_COUNT,
            "maxPageSize": MOST,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Bearer token", "primary": true,
            "description": "A SCIM token of a service account, or an access token.",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig", "location": format!("{}/ServiceProviderConfig", client.base),
        },
    })
}
