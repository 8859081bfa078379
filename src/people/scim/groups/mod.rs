//! SCIM's groups.

mod filter;
mod record;
mod roll;
pub mod routes;
mod store;
pub mod write;
