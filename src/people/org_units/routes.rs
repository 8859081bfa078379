//! `/v1/org-units`.

use actix_web::{delete, get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    bulk,
    model::{CreateOrgUnit, OrgUnit, UpdateOrgUnit},
};
use crate::{
    app::Call,
    http::{ApiResult, IfMatch, IfNoneMatch, Page, Query, Ref, Reply, Valid},
    people::external_keys,
    resource::{
        list::{ReadQuery, SearchQuery},
        routes,
    },
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/org-units")
            .service(list_org_units)
            .service(create_org_unit)
            .service(get_org_unit)
            .service(update_org_unit)
            .service(bulk::bulk_write_org_units)
            .service(archive_org_unit)
            .service(restore_org_unit)
            .configure(external_keys::routes::org_units::configure),
    );
}

/// List org units.
///
/// What the caller may see, with archived units: `filter=archived_at eq null` leaves them out.
#[utoipa::path(tag = "org-units", params(SearchQuery), responses((status = 200, body = Page<OrgUnit>)),
    extensions(("x-permission" = json!("org_units.read"))))]
#[get("")]
async fn list_org_units(call: Call, query: Query<SearchQuery>) -> ApiResult<Reply> {
    routes::list::<OrgUnit>(call, query.0).await
}

/// Create an org unit.
#[utoipa::path(tag = "org-units", request_body = CreateOrgUnit, responses((status = 201, body = OrgUnit)),
    extensions(("x-permission" = json!("org_units.write"))))]
#[post("")]
async fn create_org_unit(call: Call, body: Valid<CreateOrgUnit>) -> ApiResult<Reply> {
    routes::create(call, body.0).await
}

/// Get an org unit.
#[utoipa::path(tag = "org-units", params(("org_unit_id" = String, Path), ReadQuery),
    responses((status = 200, body = OrgUnit)), extensions(("x-permission" = json!("org_units.read"))))]
#[get("/{org_unit_id}")]
async fn get_org_unit(
    call: Call,
    id: Path<Ref<OrgUnit>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    routes::read(call, id.into_inner(), query.0, known).await
}

/// Update an org unit.
///
/// A new `parent_id` moves the unit with all units below it; this needs the permission in both places. Scopes follow at
/// once. Groups and rules whose filters name units follow at once too, or within moments if the units have more than
/// 2,000 users.
#[utoipa::path(tag = "org-units", params(("org_unit_id" = String, Path)), request_body = UpdateOrgUnit,
    responses((status = 200, body = OrgUnit)), extensions(("x-permission" = json!("org_units.write"))))]
#[patch("/{org_unit_id}")]
async fn update_org_unit(
    call: Call,
    id: Path<Ref<OrgUnit>>,
    known: IfMatch,
    body: Valid<UpdateOrgUnit>,
) -> ApiResult<Reply> {
    routes::update(call, id.into_inner(), known, body.0).await
}

/// Archive an org unit.
///
/// Refused while it has live units or users who are not archived.
#[utoipa::path(tag = "org-units", params(("org_unit_id" = String, Path)),
    responses((status = 200, body = OrgUnit)), extensions(("x-permission" = json!("org_units.write"))))]
#[post("/{org_unit_id}/archival")]
async fn archive_org_unit(call: Call, id: Path<Ref<OrgUnit>>) -> ApiResult<Reply> {
    routes::archive(call, id.into_inner()).await
}

/// Restore an org unit.
///
/// Refused while its parent is archived.
#[utoipa::path(tag = "org-units", params(("org_unit_id" = String, Path)),
    responses((status = 200, body = OrgUnit)), extensions(("x-permission" = json!("org_units.write"))))]
#[delete("/{org_unit_id}/archival")]
async fn restore_org_unit(call: Call, id: Path<Ref<OrgUnit>>, known: IfMatch) -> ApiResult<Reply> {
    routes::restore(call, id.into_inner(), known).await
}
