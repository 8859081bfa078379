//! What operators ask: is it alive, is it ready, what does it measure.

pub mod routes;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes behind authentication.
pub fn configure(_: &mut ServiceConfig) {}

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    routes::configure_public(config);
}
