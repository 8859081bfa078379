//! `/v1/waivers`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{BulkWaiverRow, CreateWaiver, UpdateWaiver, Waiver};
use crate::resource_endpoints;

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(utoipa_actix_web::scope("/waivers").configure(endpoints::configure));
}

resource_endpoints! {
    (Waiver, tag: "waivers", id: "waiver_id", path: "/{waiver_id}", archival: "/{waiver_id}/archival",
        read: "waivers.read", write: "waivers.write")
    /// List waivers.
    ///
    /// Those of users in the caller's scope, archived ones too: `filter=archived_at eq null` leaves them out.
    ///
    /// CSV for `Accept: text/csv` or `format=csv`, NDJSON for `Accept: application/x-ndjson` or `format=ndjson`: the whole list
    /// from `cursor` on. An import reads such a CSV again.
    export list_waivers;
    /// Create a waiver.
    ///
    /// It satisfies what the user must complete for the target from `begins_on` to `expires_on`, without an enrollment and
    /// without a completion.
    create create_waiver(CreateWaiver);
    /// Create and update waivers in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
    /// With an `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_waivers(BulkWaiverRow);
    /// Get a waiver.
    get get_waiver;
    /// Update a waiver.
    ///
    /// The user and the target stay.
    update update_waiver(UpdateWaiver);
    /// Archive a waiver.
    ///
    /// What the user must complete for the target is open again. The waiver stays on record.
    archive archive_waiver;
    /// Restore a waiver.
    restore restore_waiver;
}
