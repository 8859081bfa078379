//! Users, their absences and attributes, org units, locations and groups.

pub mod absences;
pub mod attributes;
pub mod closure;
pub mod days;
pub mod events;
pub mod external_keys;
pub mod facts;
pub mod groups;
pub mod locations;
pub mod new_days;
pub mod org_units;
pub mod users;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this domain.
pub fn configure(config: &mut ServiceConfig) {
    users::routes::configure(config);
    org_units::routes::configure(config);
    locations::routes::configure(config);
    absences::routes::configure(config);
    groups::routes::configure(config);
    attributes::routes::configure(config);
}

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    users::credentials::configure_public(config);
}
