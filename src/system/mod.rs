//! What operators ask: is it alive, is it ready, what does it measure; and the page at the top.

mod index;
pub mod routes;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes behind authentication.
pub fn configure(_: &mut ServiceConfig) {}

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    config.service(index::get_index);
}

/// What watches over Provost asks.
pub fn configure_probes(config: &mut ServiceConfig) {
    routes::configure_probes(config);
}
