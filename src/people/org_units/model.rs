//! The types of `/v1/org-units`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{db::schema::org_units, http::Versioned, protected, stored};

/// A unit of the organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = org_units)]
pub struct OrgUnit {
    /// Our id.
    pub id: Uuid,
    /// What filters call it; unique, whatever the case of its letters.
    #[schema(example = "emea-sales")]
    pub code: String,
    /// What people call it.
    #[schema(example = "Sales EMEA")]
    pub name: String,
    /// The unit that it is part of; none for the top of a tree.
    pub parent_id: Option<Uuid>,
    /// IANA time zone of its people and of the units below it, as far as they have none of their own; null if it is
    /// inherited.
    #[schema(example = "Europe/Lisbon")]
    pub time_zone: Option<String>,
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

stored!(OrgUnit in "org_units", events: "org_unit", columns: ["code", "name", "parent_id", "time_zone"],
    folded: ["code", "name"]);

/// A unit to be added.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateOrgUnit {
    /// What filters call it.
    #[schema(min_length = 1, max_length = 100)]
    pub code: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// The unit that it is part of.
    #[serde(default)]
    pub parent_id: Option<Uuid>,
    /// IANA time zone of its people and of the units below it, as far as they have none of their own.
    #[serde(default)]
    #[schema(max_length = 64, format = "time-zone")]
    pub time_zone: Option<String>,
}

impl CreateOrgUnit {
    /// The unit that this makes.
    pub fn into_unit(self, id: Uuid, now: DateTime<Utc>) -> OrgUnit {
        OrgUnit {
            id,
            code: self.code,
            name: self.name,
            parent_id: self.parent_id,
            time_zone: self.time_zone,
            version: 1,
            created_at: now,
            updated_at: now,
            archived_at: None,
        }
    }
}

/// Changes to a unit: a field that is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct UpdateOrgUnit {
    /// What filters call it. Filters that name the old code find nobody by it any more.
    #[schema(min_length = 1, max_length = 100, nullable = false)]
    pub code: Option<String>,
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub name: Option<String>,
    /// The unit that it is part of from now on, with all below it; null puts it at the top.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<Uuid>)]
    pub parent_id: Option<Option<Uuid>>,
    /// IANA time zone of its people; inherited, if null.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<String>, max_length = 64, format = "time-zone")]
    pub time_zone: Option<Option<String>>,
}

impl UpdateOrgUnit {
    /// The unit that this makes of `unit`.
    pub fn apply_to(self, unit: OrgUnit) -> OrgUnit {
        OrgUnit {
            code: self.code.unwrap_or(unit.code),
            name: self.name.unwrap_or(unit.name),
            parent_id: self.parent_id.unwrap_or(unit.parent_id),
            time_zone: self.time_zone.unwrap_or(unit.time_zone),
            ..unit
        }
    }
}
