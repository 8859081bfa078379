//! Users, org units, groups and their attributes.

pub mod users;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this domain.
pub fn configure(config: &mut ServiceConfig) {
    users::routes::configure(config);
}
