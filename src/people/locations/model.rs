//! The types of `/v1/locations`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    bulk_row,
    db::{Sql, schema::locations},
    resource,
    resource::{Create, Record, Update},
    sql,
};

/// A place where people work or where sessions take place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = locations)]
pub struct Location {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: LocationFields,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived. Those who work there keep it, and nobody new gets it.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What callers write of a location.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = locations)]
pub struct LocationFields {
    /// A short name for programs; unique, whatever the case of its letters.
    #[schema(min_length = 1, max_length = 100, example = "lis-2")]
    #[record(folded, sort)]
    pub code: String,
    /// Its display name.
    #[schema(min_length = 1, max_length = 200, example = "Lisbon, second floor")]
    #[record(folded, sort)]
    pub name: String,
    /// The postal address.
    #[serde(default)]
    #[schema(
        max_length = 1000,
        format = "multiline",
        example = "Rua Augusta 1\n1100-048 Lisboa"
    )]
    pub address: Option<String>,
    /// IANA time zone of what takes place there. It is not the time zone of the people who work there.
    #[serde(default)]
    #[schema(max_length = 64, format = "time-zone", example = "Europe/Lisbon")]
    pub time_zone: Option<String>,
    /// The org unit that the location belongs to; null for the whole academy.
    #[serde(default)]
    pub org_unit_id: Option<Uuid>,
    /// The number of people it has room for; null if unknown.
    #[serde(default)]
    #[schema(minimum = 1, example = 12)]
    pub capacity: Option<i32>,
}

/// A location to be added.
pub type CreateLocation = Create<Location>;

/// Changes to a location.
pub type UpdateLocation = Update<Location>;

bulk_row! {
    /// A location to create or update: either `create`, or `id` with `update`.
    BulkLocationRow: CreateLocation, UpdateLocation
}

// Locations without a unit belong to the whole academy: everyone who reads locations sees them, and only callers with the
// scope of everything write them.
resource!(Location in locations, fields: LocationFields, name: "location", kind: "location", external: None,
    read: LocationsRead, write: LocationsWrite,
    covered: |scope| scope.org_units("locations.org_unit_id"),
    visible: |scope| Sql::any([scope.org_units("locations.org_unit_id"), sql!("locations.org_unit_id IS NULL")]),
    archived: archived_at);
