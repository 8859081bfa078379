//! `/v1/permissions` and `/v1/roles`.

use actix_web::{get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{CreateRole, PermissionInfo, PermissionList, Role, UpdateRole},
    store,
};
use crate::{
    access::{self, Authorized, Permission, inclusion},
    app::{Call, Tx, Wake},
    http::{ApiError, ApiResult, Code, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
    ledger::Event,
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_permissions).service(
        utoipa_actix_web::scope("/roles")
            .service(list_roles)
            .service(create_role)
            .service(get_role)
            .service(update_role)
            .service(archive_role),
    );
}

/// List permissions.
///
/// What roles are made of, and what each opens.
#[utoipa::path(tag = "roles", responses((status = 200, body = PermissionList)),
    extensions(("x-permission" = json!("roles.read")), ("x-scope" = json!("any"))))]
#[get("/permissions")]
async fn list_permissions(call: Call) -> ApiResult<Reply> {
    call.read(|tx| {
        tx.require(Permission::RolesRead)?;
        let data = Permission::ALL.iter().map(|permission| PermissionInfo {
            permission: *permission,
            opens: permission.opens(),
        });
        Reply::ok(&PermissionList { data: data.collect() })
    })
    .await
}

/// List roles.
#[utoipa::path(tag = "roles", params(ListQuery), responses((status = 200, body = Page<Role>)),
    extensions(("x-permission" = json!("roles.read")), ("x-scope" = json!("any"))))]
#[get("")]
async fn list_roles(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Create a role.
///
/// Needs the permission for everything: roles are shared by the whole academy.
#[utoipa::path(tag = "roles", request_body = CreateRole, responses((status = 201, body = Role)),
    extensions(("x-permission" = json!("roles.write"))))]
#[post("")]
async fn create_role(call: Call, body: Valid<CreateRole>) -> ApiResult<Reply> {
    call.write(move |tx| {
        tx.require_everywhere(Permission::RolesWrite)?;
        let role = store::insert(tx, &body.0)?;
        tx.record(Event::new("role.created", "role", role.id).after(&role));
        Reply::created(&role, format!("/v1/roles/{}", role.id))
    })
    .await
}

/// Get a role.
#[utoipa::path(tag = "roles", params(("role_id" = String, Path)), responses((status = 200, body = Role)),
    extensions(("x-permission" = json!("roles.read")), ("x-scope" = json!("any"))))]
#[get("/{role_id}")]
async fn get_role(call: Call, id: Path<Ref<Role>>, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| Reply::unless_known(&access::read(tx, &id)?, &known))
        .await
}

/// Update a role.
///
/// Counts from the next request of everybody who holds it.
#[utoipa::path(tag = "roles", params(("role_id" = String, Path)), request_body = UpdateRole,
    responses((status = 200, body = Role)), extensions(("x-permission" = json!("roles.write"))))]
#[patch("/{role_id}")]
async fn update_role(
    call: Call,
    id: Path<Ref<Role>>,
    known: IfMatch,
    body: Valid<UpdateRole>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = authorize(tx, &id)?;
        known.check(&*before)?;
        if let Some(wanted) = &body.0.permissions {
            let mut added = store::names(wanted);
            added.retain(|name| !before.permissions.contains(name));
            inclusion::require(tx, inclusion::added_to_role(before.id, added, tx.now))?;
        }
        let role = store::update(tx, &before, &body.0)?;
        tx.record(
            Event::new("role.updated", "role", role.id)
                .before(&*before)
                .after(&role),
        );
        tx.wake(Wake::Callers);
        Reply::resource(&role)
    })
    .await
}

/// Archive a role.
///
/// It cannot be granted any more. Refused as long as somebody holds it.
#[utoipa::path(tag = "roles", params(("role_id" = String, Path)), responses((status = 200, body = Role)),
    extensions(("x-permission" = json!("roles.write"))))]
#[post("/{role_id}/archival")]
async fn archive_role(call: Call, id: Path<Ref<Role>>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = authorize(tx, &id)?;
        if before.archived_at.is_some() {
            return Reply::resource(&*before);
        }
        if store::is_granted(tx, before.id)? {
            return Err(ApiError::new(
                Code::RoleInUse,
                "Revoke its grants first; GET /v1/grants with a filter on role_id lists them.",
            ));
        }
        let role = store::archive(tx, &before)?;
        tx.record(
            Event::new("role.archived", "role", role.id)
                .before(&*before)
                .after(&role),
        );
        Reply::resource(&role)
    })
    .await
}

fn authorize(tx: &mut Tx, id: &Ref<Role>) -> ApiResult<Authorized<Role>> {
    let role = access::authorize(tx, id, Permission::RolesWrite)?;
    tx.require_everywhere(Permission::RolesWrite)?;
    if role.built_in {
        return Err(ApiError::new(
            Code::RoleBuiltIn,
            "Make a role of your own with the permissions that you want.",
        ));
    }
    Ok(role)
}
