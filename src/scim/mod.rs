//! SCIM 2.0 (RFC 7643, 7644, 9865) at `/scim/v2`: how identity providers bring people and groups.
//!
//! A translation and no second way: people are written by [`crate::resource::write`], groups and their members by
//! [`crate::people::groups`], in the caller's scope and with their events. What has no column is kept as the client said it.

pub mod bulk;
pub mod call;
pub mod discovery;
pub mod dry_runs;
pub mod error;
pub mod events;
mod everything;
pub mod groups;
pub mod model;
mod paging;
pub mod passwords;
mod patch;
mod projection;
mod respond;
pub mod schema;
mod search;
pub mod users;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of its dry runs, below `/v1`.
pub fn configure_v1(config: &mut ServiceConfig) {
    dry_runs::routes::configure(config);
}

/// The routes of `/scim/v2`.
pub fn configure(config: &mut ServiceConfig) {
    discovery::configure(config);
    users::routes::configure(config);
    groups::routes::configure(config);
    bulk::configure(config);
    everything::configure(config);
}
