//! Dry runs: what SCIM clients whose tokens only try would have changed.

pub mod model;
pub mod purge;
pub mod record;
pub mod routes;
mod store;
