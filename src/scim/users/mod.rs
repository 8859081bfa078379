//! SCIM's users, which are people.

pub mod filter;
pub mod identity;
mod mapped;
pub mod record;
pub mod routes;
mod said;
mod store;
pub mod write;
