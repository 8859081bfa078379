//! `/v1/locations`.

use actix_web::{delete, get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{BulkLocationRow, CreateLocation, Location, UpdateLocation};
use crate::{
    app::Call,
    http::{
        ApiResult, IfMatch, IfNoneMatch, Page, Query, Ref, Reply, Valid,
        bulk::{BulkAnswer, BulkBody, BulkRequest},
    },
    resource::{
        bulk,
        list::{ReadQuery, SearchQuery},
        routes,
    },
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/locations")
            .service(list_locations)
            .service(create_location)
            .service(get_location)
            .service(update_location)
            .service(bulk_write_locations)
            .service(archive_location)
            .service(restore_location),
    );
}

/// List locations.
///
/// The locations of the org units in the caller's scope, and those that belong to no org unit. Archived ones too:
/// `filter=archived_at eq null` leaves them out.
#[utoipa::path(tag = "locations", params(SearchQuery), responses((status = 200, body = Page<Location>)),
    extensions(("x-permission" = json!("locations.read"))))]
#[get("")]
async fn list_locations(call: Call, query: Query<SearchQuery>) -> ApiResult<Reply> {
    routes::list::<Location>(call, query.0).await
}

/// Create a location.
///
/// Its org unit must be in the caller's scope. A location without an org unit takes the scope of everything.
#[utoipa::path(tag = "locations", request_body = CreateLocation, responses((status = 201, body = Location)),
    extensions(("x-permission" = json!("locations.write"))))]
#[post("")]
async fn create_location(call: Call, body: Valid<CreateLocation>) -> ApiResult<Reply> {
    routes::create(call, body.0).await
}

/// Create and update locations in bulk.
///
/// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
/// With an `Idempotency-Key` you can safely repeat the whole request.
#[utoipa::path(tag = "locations", request_body = BulkRequest<BulkLocationRow>,
    responses((status = 200, body = BulkAnswer<Location>)), extensions(("x-permission" = json!("locations.write"))))]
#[post("/bulk")]
async fn bulk_write_locations(call: Call, body: BulkBody) -> ApiResult<Reply> {
    bulk::respond::<Location, BulkLocationRow>(call, body).await
}

/// Get a location.
#[utoipa::path(tag = "locations", params(("location_id" = String, Path), ReadQuery),
    responses((status = 200, body = Location)), extensions(("x-permission" = json!("locations.read"))))]
#[get("/{location_id}")]
async fn get_location(
    call: Call,
    id: Path<Ref<Location>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    routes::read(call, id.into_inner(), query.0, known).await
}

/// Update a location.
///
/// Moving a location to another org unit needs the permission in both units.
#[utoipa::path(tag = "locations", params(("location_id" = String, Path)), request_body = UpdateLocation,
    responses((status = 200, body = Location)), extensions(("x-permission" = json!("locations.write"))))]
#[patch("/{location_id}")]
async fn update_location(
    call: Call,
    id: Path<Ref<Location>>,
    known: IfMatch,
    body: Valid<UpdateLocation>,
) -> ApiResult<Reply> {
    routes::update(call, id.into_inner(), known, body.0).await
}

/// Archive a location.
///
/// Users keep an archived location; it cannot be assigned to others.
#[utoipa::path(tag = "locations", params(("location_id" = String, Path)),
    responses((status = 200, body = Location)), extensions(("x-permission" = json!("locations.write"))))]
#[post("/{location_id}/archival")]
async fn archive_location(call: Call, id: Path<Ref<Location>>) -> ApiResult<Reply> {
    routes::archive(call, id.into_inner()).await
}

/// Restore a location.
#[utoipa::path(tag = "locations", params(("location_id" = String, Path)),
    responses((status = 200, body = Location)), extensions(("x-permission" = json!("locations.write"))))]
#[delete("/{location_id}/archival")]
async fn restore_location(call: Call, id: Path<Ref<Location>>, known: IfMatch) -> ApiResult<Reply> {
    routes::restore(call, id.into_inner(), known).await
}
