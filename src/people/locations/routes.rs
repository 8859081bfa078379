//! `/v1/locations`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{BulkLocationRow, CreateLocation, Location, UpdateLocation};
use crate::{resource::list::SearchQuery, resource_endpoints};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(utoipa_actix_web::scope("/locations").configure(endpoints::configure));
}

resource_endpoints! {
    (Location, tag: "locations", id: "location_id", path: "/{location_id}", archival: "/{location_id}/archival",
        read: "locations.read", write: "locations.write")
    /// List locations.
    ///
    /// The locations of the org units in the caller's scope, and those that belong to no org unit. Archived ones too:
    /// `filter=archived_at eq null` leaves them out.
    list list_locations(SearchQuery);
    /// Create a location.
    ///
    /// Its org unit must be in the caller's scope. A location without an org unit takes the scope of everything.
    create create_location(CreateLocation);
    /// Create and update locations in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
    /// With an `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_locations(BulkLocationRow);
    /// Get a location.
    get get_location;
    /// Update a location.
    ///
    /// Moving a location to another org unit needs the permission in both units.
    update update_location(UpdateLocation);
    /// Archive a location.
    ///
    /// Users keep an archived location; it cannot be assigned to others.
    archive archive_location;
    /// Restore a location.
    restore restore_location;
}
