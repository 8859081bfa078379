//! SCIM's groups.

mod filter;
mod member_changes;
pub mod record;
pub mod routes;
mod store;
pub mod write;
