//! The types of `/v1/org-units`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    db::schema::org_units,
    resource,
    resource::{Create, Record, Update},
};

/// A unit of the organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = org_units)]
pub struct OrgUnit {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: OrgUnitFields,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What callers write of a unit.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = org_units)]
pub struct OrgUnitFields {
    /// What filters call it; unique, whatever the case of its letters. Filters that name an old code find nobody by it any
    /// more.
    #[schema(min_length = 1, max_length = 100, example = "emea-sales")]
    #[record(folded, sort)]
    pub code: String,
    /// Its display name.
    #[schema(min_length = 1, max_length = 200, example = "Sales EMEA")]
    #[record(folded, sort)]
    pub name: String,
    /// The unit that it is part of, itself; none for the top of a tree. With another one it moves there, with all below it.
    #[serde(default)]
    pub parent_id: Option<Uuid>,
    /// IANA time zone of its people and of the units below it that have none of their own; null if it is
    /// inherited.
    #[serde(default)]
    #[schema(max_length = 64, format = "time-zone", example = "Europe/Lisbon")]
    pub time_zone: Option<String>,
}

/// A unit to be added.
pub type CreateOrgUnit = Create<OrgUnit>;

/// Changes to a unit.
pub type UpdateOrgUnit = Update<OrgUnit>;

resource!(OrgUnit in org_units, fields: OrgUnitFields, name: "org unit", kind: "org_unit", external: Some("org_unit"),
    read: OrgUnitsRead, write: OrgUnitsWrite,
    covered: |scope| scope.org_units("org_units.id"),
    archived: archived_at);
