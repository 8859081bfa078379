//! `/scim/v2/Users`.

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
        model::{ScimList, ScimPatch, ScimSearch, ScimUser},
        respond::{self, Representation},
        search::{ScimListParams, ScimProjectionParams, Search},
    },
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_scim_users)
        .service(search_scim_users)
        .service(create_scim_user)
        .service(get_scim_user)
        .service(replace_scim_user)
        .service(update_scim_user)
        .service(delete_scim_user);
}

/// List users (SCIM).
///
/// Users that the caller may see, with inactive ones.
#[utoipa::path(tag = "scim", params(ScimListParams),
    responses((status = 200, body = ScimList, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("users.read"))))]
#[get("/Users")]
async fn list_scim_users(call: ScimCall, search: Search) -> ApiResult<Reply> {
    call.read(move |tx, client| list(tx, client, &search)).await
}

/// Search users (SCIM).
///
/// As the list, with its parameters in the body.
#[utoipa::path(tag = "scim", request_body(content = ScimSearch, content_type = "application/scim+json"),
    responses((status = 200, body = ScimList, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("users.read"))))]
#[post("/Users/.search")]
async fn search_scim_users(call: ScimCall, body: ScimBody) -> ApiResult<Reply> {
    let search = Search::from_body(body.0)?;
    call.read(move |tx, client| list(tx, client, &search)).await
}

/// Create a user (SCIM).
///
/// Somebody who was deleted comes back to the client that calls them by the same external id; without one, to the client
/// that deleted them, by name.
#[utoipa::path(tag = "scim", params(ScimProjectionParams),
    request_body(content = ScimUser, content_type = "application/scim+json"),
    responses((status = 201, body = ScimUser, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("users.write"))))]
#[post("/Users")]
async fn create_scim_user(call: ScimCall, search: Search, body: ScimBody) -> ApiResult<Reply> {
    call.write(body.0, move |tx, client, body| {
        let record = write::create(tx, client, body)?;
        respond::created(one(tx, client, &record, &search)?, &search.projection)
    })
    .await
}

/// Get a user (SCIM).
#[utoipa::path(tag = "scim", params(("scim_user_id" = Uuid, Path), ScimProjectionParams),
    responses((status = 200, body = ScimUser, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("users.read"))))]
#[get("/Users/{scim_user_id}")]
async fn get_scim_user(
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

/// Replace a user (SCIM).
///
/// What SCIM gave before and gives no longer is emptied; what came by other ways stays. `If-Match` is optional.
#[utoipa::path(tag = "scim", params(("scim_user_id" = Uuid, Path), ScimProjectionParams),
    request_body(content = ScimUser, content_type = "application/scim+json"),
    responses((status = 200, body = ScimUser, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("users.write"))))]
#[put("/Users/{scim_user_id}")]
async fn replace_scim_user(
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

/// Update a user (SCIM).
///
/// `If-Match` is optional.
#[utoipa::path(tag = "scim", params(("scim_user_id" = Uuid, Path), ScimProjectionParams),
    request_body(content = ScimPatch, content_type = "application/scim+json"),
    responses((status = 200, body = ScimUser, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("users.write"))))]
#[patch("/Users/{scim_user_id}")]
async fn update_scim_user(
    call: ScimCall,
    id: Path<Uuid>,
    search: Search,
    known: Option<IfMatch>,
    body: ScimBody,
) -> ApiResult<Reply> {
    call.write(body.0, move |tx, client, body| {
        let record = write::update(tx, client, *id, known.as_ref(), body)?;
        respond::resource(one(tx, client, &record, &search)?, &search.projection)
    })
    .await
}

/// Delete a user (SCIM).
///
/// They are archived, keep their history, and are unknown to SCIM until they come back.
#[utoipa::path(tag = "scim", params(("scim_user_id" = Uuid, Path)),
    responses((status = 204, description = "They are gone for SCIM.")),
    extensions(("x-permission" = json!("users.write"))))]
#[delete("/Users/{scim_user_id}")]
async fn delete_scim_user(call: ScimCall, id: Path<Uuid>, known: Option<IfMatch>) -> ApiResult<Reply> {
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

/// People with the groups that they are in, unless the client does not want those.
fn represented(
    tx: &mut Tx,
    client: &Client,
    records: &[Record],
    search: &Search,
) -> ApiResult<Vec<Representation>> {
    let ids: Vec<Uuid> = records.iter().map(|record| record.user.id).collect();
    let mut groups = if search.projection.holds("groups") && !ids.is_empty() {
        store::groups_of(tx, client, &ids)?
    } else {
        Default::default()
    };
    let represented = records
        .iter()
        .map(|record| record.represent(client, groups.remove(&record.user.id)));
    Ok(represented.collect())
}

/// One person.
fn one(tx: &mut Tx, client: &Client, record: &Record, search: &Search) -> ApiResult<Representation> {
    let mut all = represented(tx, client, std::slice::from_ref(record), search)?;
    all.pop()
        .ok_or_else(|| ApiError::internal("somebody was lost on the way"))
}
