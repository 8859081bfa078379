//! Categories, and courses with their immutable published versions.

pub mod categories;
pub mod contents;
pub mod courses;
pub mod events;
pub mod tags;
pub mod visibility;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this domain.
pub fn configure(config: &mut ServiceConfig) {
    categories::routes::configure(config);
    contents::routes::configure(config);
    courses::routes::configure(config);
}
