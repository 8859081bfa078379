//! The types of `/v1/roles` and `/v1/permissions`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{access::Permission, db::Sql, db::schema::roles, http::Versioned, protected};

/// A permission and what it opens.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PermissionInfo {
    /// Its name.
    pub permission: Permission,
    /// What it opens.
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = roles)]
pub struct Role {
    /// Our id.
    pub id: Uuid,
    /// Its unique code.
    #[schema(example = "site_trainer")]
    pub code: String,
    /// Its name.
    #[schema(example = "Site trainer")]
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it opens.
    #[schema(value_type = Vec<Permission>)]
    pub permissions: Vec<String>,
    /// Whether it comes with Provost; such a role does not change.
    pub built_in: bool,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was put away; an archived role cannot be granted.
    pub archived_at: Option<DateTime<Utc>>,
}

impl Versioned for Role {
    fn version(&self) -> i64 {
        self.version
    }
}

// Roles are the academy's shared words: whoever may read them anywhere reads them all. Changing them is another matter.
protected!(Role in roles, name: "role", external: None, read: RolesRead, covered: |_scope| Sql::always());

/// A role to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateRole {
    /// Its unique code.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,62}$", example = "site_trainer")]
    pub code: String,
    /// Its name.
    #[schema(min_length = 1, max_length = 200, example = "Site trainer")]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 2000, format = "multiline")]
    pub description: String,
    /// What it opens.
    #[schema(max_items = 100)]
    pub permissions: Vec<Permission>,
}

/// Changes to a role: a field that is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct UpdateRole {
    /// Its name.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub name: Option<String>,
    /// What it is for.
    #[schema(max_length = 2000, format = "multiline", nullable = false)]
    pub description: Option<String>,
    /// What it opens, all of it. What is added must be held by the caller wherever the role is granted.
    #[schema(max_items = 100, nullable = false)]
    pub permissions: Option<Vec<Permission>>,
}
