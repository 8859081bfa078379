//! The types of `/v1/waivers`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    bulk_row,
    db::schema::waivers,
    enrollment::target::Target,
    http::rules::rule,
    resource,
    resource::{Create, Record, Update},
};

/// An exemption: while it is in force, the user need not complete the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = waivers)]
pub struct Waiver {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: WaiverFields,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived: it counts no more.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What callers write of a waiver.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = waivers)]
#[validate(schema(function = expires_after_beginning, skip_on_field_errors = false))]
pub struct WaiverFields {
    /// The user.
    #[record(fixed)]
    pub user_id: Uuid,
    /// What it is about.
    #[record(fixed, opaque)]
    pub target: Target,
    /// The first day on which it counts, in the time zone of the user.
    #[record(sort)]
    pub begins_on: NaiveDate,
    /// The last day on which it counts; null: for good.
    #[serde(default)]
    pub expires_on: Option<NaiveDate>,
    /// Why, for those who ask later.
    #[schema(
        min_length = 1,
        max_length = 1000,
        format = "multiline",
        example = "Holds the licence of the fire brigade."
    )]
    pub reason: String,
    /// What proves it, such as the number of a document or where it is kept.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 1000,
        format = "multiline",
        example = "Licence 4711, seen on 2026-11-02"
    )]
    #[record(opaque)]
    pub evidence: Option<String>,
}

/// A waiver to be added.
pub type CreateWaiver = Create<Waiver>;

/// Changes to a waiver.
pub type UpdateWaiver = Update<Waiver>;

bulk_row! {
    /// A waiver to create or update: either `create`, or `id` with `update`.
    BulkWaiverRow: CreateWaiver, UpdateWaiver
}

resource!(Waiver in waivers, fields: WaiverFields, name: "waiver", kind: "waiver", external: None,
    read: WaiversRead, write: WaiversWrite,
    covered: |scope| scope.users("waivers.user_id"),
    archived: archived_at);

fn expires_after_beginning(waiver: &WaiverFields) -> Result<(), ValidationError> {
    match waiver.expires_on {
        Some(expires_on) if expires_on < waiver.begins_on => {
            rule("/expires_on", "must not be before begins_on")
        }
        _ => Ok(()),
    }
}
