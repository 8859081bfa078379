//! The types of `/v1/roles` and `/v1/permissions`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    authz::Permission,
    bulk_row,
    db::{Sql, schema::roles},
    resource,
    resource::{Create, Record, Update},
};

/// A permission and what it opens.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PermissionInfo {
    /// Its name.
    pub permission: Permission,
    /// Its permissions.
    #[schema(example = "See people and their history.")]
    pub opens: &'static str,
}

/// Every permission.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PermissionList {
    /// The permissions.
    pub data: Vec<PermissionInfo>,
}

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = roles)]
pub struct Role {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: RoleFields,
    /// Whether it is built in; built-in roles cannot be changed.
    pub built_in: bool,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was created.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived; an archived role cannot be granted.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What callers write of a role.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = roles)]
pub struct RoleFields {
    /// Its unique code. It stays.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,62}$", example = "site_trainer")]
    #[record(fixed, sort)]
    pub code: String,
    /// Its name.
    #[schema(min_length = 1, max_length = 200, example = "Site trainer")]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 2000, format = "multiline")]
    pub description: String,
    /// What it opens, all of it. What is added to a role must be held by the caller wherever the role is granted.
    #[schema(value_type = Vec<Permission>, max_items = 100)]
    #[record(opaque)]
    pub permissions: Vec<String>,
}

/// A role to create.
pub type CreateRole = Create<Role>;

/// Changes to a role.
pub type UpdateRole = Update<Role>;

bulk_row! {
    /// A role to be made or changed: either `create`, or `id` with `update`.
    BulkRoleRow: CreateRole, UpdateRole
}

// Roles are the academy's shared words: callers who may read them in any scope read them all. Changing them takes more.
resource!(Role in roles, fields: RoleFields, name: "role", kind: "role", external: None,
    read: RolesRead, write: RolesWrite,
    covered: |scope| scope.global(),
    visible: |_scope| Sql::always(),
    new: { built_in: false },
    archived: archived_at, restored: never);
