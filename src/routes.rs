//! The routes of every room: a list.

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    access, catalog, credential, enrollment, files, import, jobs, learning, ledger, operations, people,
    report, scim, system,
};

/// The domains' routes, all behind authentication.
pub fn v1(config: &mut ServiceConfig) {
    access::configure(config);
    enrollment::configure_of_users(config);
    learning::configure_of_courses(config);
    people::configure(config);
    scim::configure_v1(config);
    catalog::configure(config);
    credential::configure(config);
    report::configure(config);
    learning::configure(config);
    enrollment::configure(config);
    system::configure(config);
    jobs::routes::configure(config);
    operations::configure(config);
    ledger::configure(config);
    files::configure(config);
    import::configure(config);
}

/// The routes of SCIM, all behind an authentication that takes SCIM tokens too.
pub fn scim(config: &mut ServiceConfig) {
    scim::configure(config);
}

/// The routes that need no token, beside [`probes`].
pub fn public(config: &mut ServiceConfig) {
    access::configure_public(config);
    ledger::configure_public(config);
    people::configure_public(config);
    credential::configure_public(config);
    system::configure_public(config);
}

/// The addresses of the content listener: each is itself the permission.
pub fn content(config: &mut web::ServiceConfig) {
    files::configure_content(config);
    learning::content::configure(config);
}

/// What watches over Provost asks: beside the API, or on a listener of its own.
pub fn probes(config: &mut ServiceConfig) {
    system::configure_probes(config);
}
