//! SCIM's groups.

mod filter;
pub mod record;
mod roll;
pub mod routes;
mod store;
pub mod write;
