//! Credentials: certificates and what proves them. Knows people, the catalog and enrollments.

pub mod certificates;
pub mod events;
pub mod pdf;
pub mod serial;
pub mod templates;
pub mod verification;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    enrollment::events::{COMPLETION_CORRECTED, COMPLETION_CREATED},
    ledger::Consumer,
};

/// The routes behind authentication.
pub fn configure(config: &mut ServiceConfig) {
    templates::routes::configure(config);
    certificates::routes::configure(config);
}

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    verification::routes::configure_public(config);
}

/// Each completion gets its certificate.
pub const CERTIFICATES: Consumer = Consumer {
    name: "certificates",
    kinds: &[COMPLETION_CREATED, COMPLETION_CORRECTED],
    react: certificates::issue::react,
};
