//! `/v1/org-units`.

use actix_web::{delete, get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    model::{CreateOrgUnit, OrgUnit, UpdateOrgUnit},
    store,
};
use crate::{
    access::{self, Permission, caller::lacks},
    app::{Call, Tx},
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
        tx.require(Permission::OrgUnitsWrite)?;
        ORG_UNITS.lock(tx)?;
        confirm_parent(tx, body.0.parent_id)?;
        let unit = store::insert(tx, &body.0)?;
        ORG_UNITS.keep(tx, &[unit.id])?;
        tx.record(Event::new("org_unit.created", "org_unit", unit.id).after(&unit));
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
/// With another `parent_id` it moves there, with all below it; that needs the permission in both places.
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
        let parent = body.0.parent_id.filter(|parent| *parent != before.parent_id);
        if let Some(parent) = parent {
            refuse_cycle(tx, before.id, parent)?;
            confirm_parent(tx, before.parent_id).map_err(|error| match error.code {
                Code::ValidationFailed => lacks(Permission::OrgUnitsWrite),
                _ => error,
            })?;
            confirm_parent(tx, parent)?;
        }
        let unit = store::update(tx, &before, &body.0)?;
        if parent.is_some() {
            ORG_UNITS.keep(tx, &[unit.id])?;
        }
        tx.record(
            Event::new("org_unit.updated", "org_unit", unit.id)
                .before(&*before)
                .after(&unit),
        );
        if parent.is_some() || unit.code != before.code {
            let people = store::people_within(tx, unit.id)?;
            tx.touch_users(people);
        }
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

fn refuse_cycle(tx: &mut Tx, unit: Uuid, parent: Option<Uuid>) -> ApiResult<()> {
    if ORG_UNITS.cycles(tx, &[(unit, parent)])?.is_empty() {
        return Ok(());
    }
    Err(ORG_UNITS.cycle())
}

/// Whoever changes what is below a unit needs the permission on that unit; at the top, on everything.
fn confirm_parent(tx: &mut Tx, parent: Option<Uuid>) -> ApiResult<()> {
    let Some(parent) = parent else {
        let scope = tx.scope(Permission::OrgUnitsWrite)?;
        return if scope.is_everything() {
            Ok(())
        } else {
            Err(lacks(Permission::OrgUnitsWrite))
        };
    };
    match access::authorize::<OrgUnit>(tx, &Ref::from(parent), Permission::OrgUnitsWrite) {
        Ok(parent) if parent.archived_at.is_some() => Err(ApiError::field("/parent_id", "is archived")),
        Ok(_) => Ok(()),
        Err(error) if error.code == Code::NotFound => {
            Err(ApiError::field("/parent_id", "names no unit that you may see"))
        }
        Err(error) => Err(error),
    }
}
