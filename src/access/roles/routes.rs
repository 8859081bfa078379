//! `/v1/permissions` and `/v1/roles`.

use actix_web::get;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{BulkRoleRow, CreateRole, PermissionInfo, PermissionList, Role, UpdateRole};
use crate::{
    app::Call,
    authz::Permission,
    http::{ApiResult, Reply},
    resource::list::SearchQuery,
    resource_endpoints,
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_permissions)
        .service(utoipa_actix_web::scope("/roles").configure(endpoints::configure));
}

resource_endpoints! {
    (Role, tag: "roles", id: "role_id", path: "/{role_id}", archival: "/{role_id}/archival",
        read: "roles.read" in "any", write: "roles.write")
    /// List roles.
    list list_roles(SearchQuery);
    /// Create a role.
    ///
    /// Needs the permission for everything: roles are shared by the whole academy.
    create create_role(CreateRole);
    /// Create and update roles in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are
    /// written. What a row adds to a role must be held by the caller wherever the role is granted. With an
    /// `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_roles(BulkRoleRow);
    /// Get a role.
    get get_role;
    /// Update a role.
    ///
    /// Takes effect with the next request of every holder.
    update update_role(UpdateRole);
    /// Archive a role.
    ///
    /// An archived role cannot be granted. Refused while somebody holds the role.
    archive archive_role;
}

/// List permissions.
///
/// The permissions that roles consist of, and what each allows.
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
