//! `/v1/absences`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{Absence, BulkAbsenceRow, CreateAbsence, UpdateAbsence};
use crate::resource_endpoints;

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(utoipa_actix_web::scope("/absences").configure(endpoints::configure));
}

resource_endpoints! {
    (Absence, tag: "absences", id: "absence_id", path: "/{absence_id}", archival: "/{absence_id}/archival",
        read: "absences.read", write: "absences.write")
    /// List absences.
    ///
    /// Those of the users in the caller's scope, archived ones too: `filter=archived_at eq null` leaves them out, and
    /// `filter=user_id eq "…"` finds those of one user.
    ///
    /// CSV for `Accept: text/csv` or `format=csv`, NDJSON for `Accept: application/x-ndjson` or `format=ndjson`: the whole list
    /// from `cursor` on. An import reads such a CSV again.
    export list_absences;
    /// Create an absence.
    ///
    /// Absences of one user must not overlap. What the rules want of the user is settled with it.
    create create_absence(CreateAbsence);
    /// Create and update absences in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
    /// Each row is checked against the absences that are there and against earlier rows: a period that one row gives up is
    /// free for later requests only. With an `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_absences(BulkAbsenceRow);
    /// Get an absence.
    get get_absence;
    /// Update an absence.
    ///
    /// Give it a last day as soon as that is known. The user stays the same.
    update update_absence(UpdateAbsence);
    /// Archive an absence.
    ///
    /// It did not happen, or was taken back. To end one that happened, set `ends_on`.
    archive archive_absence;
    /// Restore an absence.
    restore restore_absence;
}
