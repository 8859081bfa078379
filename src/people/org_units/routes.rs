//! `/v1/org-units`.

use actix_web::{delete, get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    bulk,
    model::{CreateOrgUnit, OrgUnit, UpdateOrgUnit},
    store, write,
};
use crate::{
    access::{self, Permission},
    app::Call,
    http::{
        ApiError, ApiResult, Code, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid,
        precondition::require_archived,
    },
    ledger::Event,
    people::{closure::ORG_UNITS, external_keys},
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
/// Those that the caller may see, archived ones too: `filter=archived_at eq null` leaves them out.
#[utoipa::path(tag = "org-units", params(ListQuery), responses((status = 200, body = Page<OrgUnit>)),
    extensions(("x-permission" = json!("org_units.read"))))]
#[get("")]
async fn list_org_units(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Add an org unit.
#[utoipa::path(tag = "org-units", request_body = CreateOrgUnit, responses((status = 201, body = OrgUnit)),
    extensions(("x-permission" = json!("org_units.write"))))]
#[post("")]
async fn create_org_unit(call: Call, body: Valid<CreateOrgUnit>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let unit = write::create(tx, body.0.clone())?;
        Reply::created(&unit, format!("/v1/org-units/{}", unit.id))
    })
    .await
}

/// Read an org unit.
#[utoipa::path(tag = "org-units", params(("org_unit_id" = String, Path)),
    responses((status = 200, body = OrgUnit)), extensions(("x-permission" = json!("org_units.read"))))]
#[get("/{org_unit_id}")]
async fn get_org_unit(call: Call, id: Path<Ref<OrgUnit>>, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| Reply::unless_known(&access::read(tx, &id)?, &known))
        .await
}

/// Change an org unit.
///
/// With another `parent_id` it moves there, with all below it; that needs the permission in both places. Scopes follow at
/// once; so do groups and rules whose filters name units, or in the next moments where more than 2,000 people are in it.
#[utoipa::path(tag = "org-units", params(("org_unit_id" = String, Path)), request_body = UpdateOrgUnit,
    responses((status = 200, body = OrgUnit)), extensions(("x-permission" = json!("org_units.write"))))]
#[patch("/{org_unit_id}")]
async fn update_org_unit(
    call: Call,
    id: Path<Ref<OrgUnit>>,
    known: IfMatch,
    body: Valid<UpdateOrgUnit>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        if body.0.parent_id.is_some() {
            ORG_UNITS.lock(tx)?;
        }
        let before = access::authorize(tx, &id, Permission::OrgUnitsWrite)?;
        known.check(&*before)?;
        let unit = write::update(tx, before, body.0.clone())?;
        Reply::resource(&unit)
    })
    .await
}

/// Archive an org unit.
///
/// Refused while it has units that live or people who are not archived.
#[utoipa::path(tag = "org-units", params(("org_unit_id" = String, Path)),
    responses((status = 200, body = OrgUnit)), extensions(("x-permission" = json!("org_units.write"))))]
#[post("/{org_unit_id}/archival")]
async fn archive_org_unit(call: Call, id: Path<Ref<OrgUnit>>) -> ApiResult<Reply> {
    call.write(move |tx| {
        ORG_UNITS.lock(tx)?;
        let before = access::authorize(tx, &id, Permission::OrgUnitsWrite)?;
        if before.archived_at.is_some() {
            return Reply::resource(&*before);
        }
        if store::is_in_use(tx, &before)? {
            return Err(ApiError::new(
                Code::OrgUnitNotEmpty,
                "Move its people and its units elsewhere first, or archive them.",
            ));
        }
        let unit = store::set_archived(tx, &before, Some(tx.now))?;
        tx.record(
            Event::new("org_unit.archived", "org_unit", unit.id)
                .before(&*before)
                .after(&unit),
        );
        Reply::resource(&unit)
    })
    .await
}

/// Bring an archived org unit back.
///
/// Refused while the unit above it is archived.
#[utoipa::path(tag = "org-units", params(("org_unit_id" = String, Path)),
    responses((status = 200, body = OrgUnit)), extensions(("x-permission" = json!("org_units.write"))))]
#[delete("/{org_unit_id}/archival")]
async fn restore_org_unit(call: Call, id: Path<Ref<OrgUnit>>, known: IfMatch) -> ApiResult<Reply> {
    call.write(move |tx| {
        ORG_UNITS.lock(tx)?;
        let before = access::authorize(tx, &id, Permission::OrgUnitsWrite)?;
        known.check(&*before)?;
        require_archived(before.archived_at)?;
        if store::is_below_archived(tx, &before)? {
            return Err(ApiError::new(
                Code::Conflict,
                "The unit above it is archived: bring that back first, or move this one elsewhere.",
            ));
        }
        let unit = store::set_archived(tx, &before, None)?;
        tx.record(
            Event::new("org_unit.restored", "org_unit", unit.id)
                .before(&*before)
                .after(&unit),
        );
        Reply::resource(&unit)
    })
    .await
}
