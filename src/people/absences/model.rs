//! The types of `/v1/absences`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    bulk_row,
    db::schema::absences,
    http::rules::rule,
    resource,
    resource::{Create, Record, Update},
    text_enum,
};

text_enum! {
    /// The kind of an absence.
    AbsenceKind {
        /// Maternity, paternity or parental leave.
        ParentalLeave = "parental_leave",
        /// Sickness.
        Sickness = "sickness",
        /// Any other leave, such as a sabbatical.
        Leave = "leave",
        /// Anything else.
        Other = "other",
    }
}

/// A period in which a user is away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = absences)]
pub struct Absence {
    /// Our id.
    pub id: Uuid,
    /// What callers write.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: AbsenceFields,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived: the user was not away.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What callers write of an absence.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = absences)]
#[validate(schema(function = ends_after_start, skip_on_field_errors = false))]
pub struct AbsenceFields {
    /// The user.
    #[record(fixed)]
    pub user_id: Uuid,
    /// The kind.
    pub kind: AbsenceKind,
    /// The first day, in the time zone of the user.
    #[record(sort)]
    pub starts_on: NaiveDate,
    /// The last day; null if it is not known yet.
    #[serde(default)]
    pub ends_on: Option<NaiveDate>,
    /// A note for those who may see the absence. Leave medical details out.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 1000,
        format = "multiline",
        example = "Agreed with HR on 2026-11-02."
    )]
    #[record(opaque)]
    pub note: Option<String>,
}

/// An absence to be added.
pub type CreateAbsence = Create<Absence>;

/// Changes to an absence.
pub type UpdateAbsence = Update<Absence>;

bulk_row! {
    /// An absence to create or update: either `create`, or `id` with `update`.
    BulkAbsenceRow: CreateAbsence, UpdateAbsence
}

resource!(Absence in absences, fields: AbsenceFields, name: "absence", kind: "absence", external: None,
    read: AbsencesRead, write: AbsencesWrite,
    covered: |scope| scope.users("absences.user_id"),
    archived: archived_at);

fn ends_after_start(absence: &AbsenceFields) -> Result<(), ValidationError> {
    match absence.ends_on {
        Some(ends_on) if ends_on < absence.starts_on => rule("/ends_on", "must not be before starts_on"),
        _ => Ok(()),
    }
}
