//! `/v1/org-units`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    bulk,
    model::{CreateOrgUnit, OrgUnit, UpdateOrgUnit},
};
use crate::{people::external_keys, resource::list::SearchQuery, resource_endpoints};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/org-units")
            .configure(endpoints::configure)
            .service(bulk::bulk_write_org_units)
            .configure(external_keys::routes::org_units::configure),
    );
}

resource_endpoints! {
    (OrgUnit, tag: "org-units", id: "org_unit_id", path: "/{org_unit_id}", archival: "/{org_unit_id}/archival",
        read: "org_units.read", write: "org_units.write")
    /// List org units.
    ///
    /// What the caller may see, with archived units: `filter=archived_at eq null` leaves them out.
    list list_org_units(SearchQuery);
    /// Create an org unit.
    create create_org_unit(CreateOrgUnit);
    /// Get an org unit.
    get get_org_unit;
    /// Update an org unit.
    ///
    /// A new `parent_id` moves the unit with all units below it; this needs the permission in both places. Scopes follow at
    /// once. Groups and rules whose filters name units follow at once too, or within moments if the units have more than
    /// 2,000 users.
    update update_org_unit(UpdateOrgUnit);
    /// Archive an org unit.
    ///
    /// Refused while it has live units or users who are not archived.
    archive archive_org_unit;
    /// Restore an org unit.
    ///
    /// Refused while its parent is archived.
    restore restore_org_unit;
}
