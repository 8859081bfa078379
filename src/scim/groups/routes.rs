//! `/scim/v2/Groups`.

use actix_web::{delete, get, patch, post, put, web::Path};
use serde_json::Value;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{record::Record, store, write};
use crate::{
    app::Tx,
    http::{ApiError, ApiResult, IfMatch, IfNoneMatch, Reply},
    scim::{
        call::{Client, ScimBody, ScimCall},
        model::{ScimGroup, ScimList, ScimPatch, ScimSearch},
        respond::{self, Representation},
        search::{ScimListParams, ScimProjectionParams, Search},
    },
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_scim_groups)
        .service(search_scim_groups)
        .service(create_scim_group)
        .service(get_scim_group)
        .service(replace_scim_group)
        .service(update_scim_group)
        .service(delete_scim_group);
}

/// List groups (SCIM).
///
/// Groups that the caller may see, with the members that the caller may see.
#[utoipa::path(tag = "scim", params(ScimListParams),
    responses((status = 200, body = ScimList, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("groups.read"))))]
#[get("/Groups")]
async fn list_scim_groups(call: ScimCall, search: Search) -> ApiResult<Reply> {
    call.read(move |tx, client| list(tx, client, &search)).await
}

/// Search groups (SCIM).
///
/// As the list, with its parameters in the body.
#[utoipa::path(tag = "scim", request_body(content = ScimSearch, content_type = "application/scim+json"),
    responses((status = 200, body = ScimList, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("groups.read"))))]
#[post("/Groups/.search")]
async fn search_scim_groups(call: ScimCall, body: ScimBody) -> ApiResult<Reply> {
    let search = Search::from_body(body.0)?;
    call.read(move |tx, client| list(tx, client, &search)).await
}

/// Create a group (SCIM).
#[utoipa::path(tag = "scim", params(ScimProjectionParams),
    request_body(content = ScimGroup, content_type = "application/scim+json"),
    responses((status = 201, body = ScimGroup, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("groups.write"))))]
#[post("/Groups")]
async fn create_scim_group(call: ScimCall, search: Search, body: ScimBody) -> ApiResult<Reply> {
    call.write(body.0, move |tx, client, body| {
        let record = write::create(tx, client, body)?;
        respond::created(one(tx, client, &record, &search)?, &search.projection)
    })
    .await
}

/// Get a group (SCIM).
#[utoipa::path(tag = "scim", params(("scim_group_id" = Uuid, Path), ScimProjectionParams),
    responses((status = 200, body = ScimGroup, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("groups.read"))))]
#[get("/Groups/{scim_group_id}")]
async fn get_scim_group(
    call: ScimCall,
    id: Path<Uuid>,
    search: Search,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx, client| {
        let record = store::read(tx, client, *id)?;
        let found = one(tx, client, &record, &search)?;
        if known.has(found.etag.trim_start_matches("W/")) {
            return Ok(respond::not_modified(&found.etag));
        }
        respond::resource(found, &search.projection)
    })
    .await
}

/// Replace a group (SCIM).
///
/// Its members become those of the body; members that the caller may not see stay. `If-Match` is optional.
#[utoipa::path(tag = "scim", params(("scim_group_id" = Uuid, Path), ScimProjectionParams),
    request_body(content = ScimGroup, content_type = "application/scim+json"),
    responses((status = 200, body = ScimGroup, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("groups.write"))))]
#[put("/Groups/{scim_group_id}")]
async fn replace_scim_group(
    call: ScimCall,
    id: Path<Uuid>,
    search: Search,
    known: Option<IfMatch>,
    body: ScimBody,
) -> ApiResult<Reply> {
    call.write(body.0, move |tx, client, body| {
        let record = write::replace(tx, client, *id, known.as_ref(), body)?;
        respond::resource(one(tx, client, &record, &search)?, &search.projection)
    })
    .await
}

/// Update a group (SCIM).
///
/// One request may add and remove thousands of members. The answer has no body: read the group to see it. `If-Match` is
/// optional.
#[utoipa::path(tag = "scim", params(("scim_group_id" = Uuid, Path)),
    request_body(content = ScimPatch, content_type = "application/scim+json"),
    responses((status = 204, description = "It is done.")),
    extensions(("x-permission" = json!("groups.write"))))]
#[patch("/Groups/{scim_group_id}")]
async fn update_scim_group(
    call: ScimCall,
    id: Path<Uuid>,
    known: Option<IfMatch>,
    body: ScimBody,
) -> ApiResult<Reply> {
    call.write(body.0, move |tx, client, body| {
        write::update(tx, client, *id, known.as_ref(), body)?;
        Ok(Reply::no_content())
    })
    .await
}

/// Delete a group (SCIM).
///
/// Archives the group and ends all its memberships.
#[utoipa::path(tag = "scim", params(("scim_group_id" = Uuid, Path)),
    responses((status = 204, description = "The group is deleted for SCIM.")),
    extensions(("x-permission" = json!("groups.write"))))]
#[delete("/Groups/{scim_group_id}")]
async fn delete_scim_group(call: ScimCall, id: Path<Uuid>, known: Option<IfMatch>) -> ApiResult<Reply> {
    call.write(Value::Null, move |tx, client, _| {
        write::delete(tx, client, *id, known.as_ref())?;
        Ok(Reply::no_content())
    })
    .await
}

fn list(tx: &mut Tx, client: &Client, search: &Search) -> ApiResult<Reply> {
    let (total, page) = store::list(tx, client, search)?;
    let resources = represented(tx, client, &page.data, search)?;
    respond::list(search, total, resources, page.next_cursor)
}

/// How many there are in all, and the page.
pub fn found(tx: &mut Tx, client: &Client, search: &Search) -> ApiResult<(i64, Vec<Representation>)> {
    let (total, page) = store::list(tx, client, search)?;
    Ok((total, represented(tx, client, &page.data, search)?))
}

/// Groups with their members, unless the client does not want those.
fn represented(
    tx: &mut Tx,
    client: &Client,
    records: &[Record],
    search: &Search,
) -> ApiResult<Vec<Representation>> {
    let ids: Vec<Uuid> = records.iter().map(|record| record.group.id).collect();
    let members = match search.projection.holds("members") {
        true => store::members(tx, &ids)?,
        false => Default::default(),
    };
    let represented = records.iter().map(|record| {
        let members = members.get(&record.group.id);
        record.represent(client, members.map(Vec::as_slice))
    });
    Ok(represented.collect())
}

/// One group.
fn one(tx: &mut Tx, client: &Client, record: &Record, search: &Search) -> ApiResult<Representation> {
    let mut all = represented(tx, client, std::slice::from_ref(record), search)?;
    all.pop()
        .ok_or_else(|| ApiError::internal("a group was lost on the way"))
}
