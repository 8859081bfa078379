//! `/v1/permissions` and `/v1/roles`.

use actix_web::{get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{BulkRoleRow, CreateRole, PermissionInfo, PermissionList, Role, UpdateRole};
use crate::{
    access::Permission,
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
    config.service(list_permissions).service(
        utoipa_actix_web::scope("/roles")
            .service(list_roles)
            .service(create_role)
            .service(bulk_write_roles)
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
#[utoipa::path(tag = "roles", params(SearchQuery), responses((status = 200, body = Page<Role>)),
    extensions(("x-permission" = json!("roles.read")), ("x-scope" = json!("any"))))]
#[get("")]
async fn list_roles(call: Call, query: Query<SearchQuery>) -> ApiResult<Reply> {
    routes::list::<Role>(call, query.0).await
}

/// Create a role.
///
/// Needs the permission for everything: roles are shared by the whole academy.
#[utoipa::path(tag = "roles", request_body = CreateRole, responses((status = 201, body = Role)),
    extensions(("x-permission" = json!("roles.write"))))]
#[post("")]
async fn create_role(call: Call, body: Valid<CreateRole>) -> ApiResult<Reply> {
    routes::create(call, body.0).await
}

/// Create and update roles in bulk.
///
/// Up to 1,000 rows in one transaction. A row that is wrong is answered with its problem and changes nothing; the
/// others are written. What a row adds to a role must be held by the caller wherever the role is granted.
/// With an `Idempotency-Key` the whole request is safe to repeat.
#[utoipa::path(tag = "roles", request_body = BulkRequest<BulkRoleRow>,
    responses((status = 200, body = BulkAnswer<Role>)), extensions(("x-permission" = json!("roles.write"))))]
#[post("/bulk")]
async fn bulk_write_roles(call: Call, body: BulkBody) -> ApiResult<Reply> {
    bulk::respond::<Role, BulkRoleRow>(call, body).await
}

/// Get a role.
#[utoipa::path(tag = "roles", params(("role_id" = String, Path), ReadQuery),
    responses((status = 200, body = Role)),
    extensions(("x-permission" = json!("roles.read")), ("x-scope" = json!("any"))))]
#[get("/{role_id}")]
async fn get_role(
    call: Call,
    id: Path<Ref<Role>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    routes::read(call, id.into_inner(), query.0, known).await
}

/// Update a role.
///
/// Takes effect with the next request of every holder.
#[utoipa::path(tag = "roles", params(("role_id" = String, Path)), request_body = UpdateRole,
    responses((status = 200, body = Role)), extensions(("x-permission" = json!("roles.write"))))]
#[patch("/{role_id}")]
async fn update_role(
    call: Call,
    id: Path<Ref<Role>>,
    known: IfMatch,
    body: Valid<UpdateRole>,
) -> ApiResult<Reply> {
    routes::update(call, id.into_inner(), known, body.0).await
}

/// Archive a role.
///
/// It cannot be granted any more. Refused as long as somebody holds it.
#[utoipa::path(tag = "roles", params(("role_id" = String, Path)), responses((status = 200, body = Role)),
    extensions(("x-permission" = json!("roles.write"))))]
#[post("/{role_id}/archival")]
async fn archive_role(call: Call, id: Path<Ref<Role>>) -> ApiResult<Reply> {
    routes::archive(call, id.into_inner()).await
}
