//! `/v1/extensions`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{BulkExtensionRow, CreateExtension, Extension, UpdateExtension};
use crate::resource_endpoints;

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(utoipa_actix_web::scope("/extensions").configure(endpoints::configure));
}

resource_endpoints! {
    (Extension, tag: "extensions", id: "extension_id", path: "/{extension_id}", archival: "/{extension_id}/archival",
        read: "extensions.read", write: "extensions.write")
    /// List extensions.
    ///
    /// Those of users and groups in the caller's scope, archived ones too: `filter=archived_at eq null` leaves them out.
    ///
    /// CSV for `Accept: text/csv` or `format=csv`, NDJSON for `Accept: application/x-ndjson` or `format=ndjson`: the whole list
    /// from `cursor` on. An import reads such a CSV again.
    export list_extensions;
    /// Create an extension.
    ///
    /// For a user or for a group, one of the two. It never makes anything due earlier. Those who join the group later get it,
    /// too, and those who leave it lose it.
    create create_extension(CreateExtension);
    /// Create and update extensions in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
    /// With an `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_extensions(BulkExtensionRow);
    /// Get an extension.
    get get_extension;
    /// Update an extension.
    ///
    /// The user or group and the target stay.
    update update_extension(UpdateExtension);
    /// Archive an extension.
    ///
    /// Due dates are again what the rules say. The extension stays on record.
    archive archive_extension;
    /// Restore an extension.
    restore restore_extension;
}
