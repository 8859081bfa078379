//! The types of `/v1/org-units`.

use chrono::{DateTime, Utc};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{db::schema::org_units, http::Versioned, protected};

/// A unit of the organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = org_units)]
pub struct OrgUnit {
    /// Our id.
    pub id: Uuid,
    /// What filters call it; unique.
    #[schema(example = "emea-sales")]
    pub code: String,
    /// What people call it.
    #[schema(example = "Sales EMEA")]
    pub name: String,
    /// The unit that it is part of; none for the top of a tree.
    pub parent_id: Option<Uuid>,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived.
    pub archived_at: Option<DateTime<Utc>>,
}

impl Versioned for OrgUnit {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(OrgUnit in org_units, name: "org unit", external: Some("org_unit"), read: OrgUnitsRead,
    covered: |scope| scope.org_units("org_units.id"));

/// A unit to be added.
#[derive(Debug, Clone, Serialize, Deserialize, Insertable, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = org_units)]
pub struct CreateOrgUnit {
    /// What filters call it.
    #[schema(min_length = 1, max_length = 100, pattern = r"^\S(.*\S)?$")]
    pub code: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// The unit that it is part of.
    #[serde(default)]
    pub parent_id: Option<Uuid>,
}

/// Changes to a unit: a field that is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, AsChangeset, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = org_units)]
pub struct UpdateOrgUnit {
    /// What filters call it. Filters that name the old code find nobody by it any more.
    #[schema(min_length = 1, max_length = 100, pattern = r"^\S(.*\S)?$", nullable = false)]
    pub code: Option<String>,
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub name: Option<String>,
    /// The unit that it is part of from now on, with all below it; null puts it at the top.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<Uuid>)]
    pub parent_id: Option<Option<Uuid>>,
}
