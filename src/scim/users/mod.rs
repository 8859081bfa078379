//! SCIM's users, which are people.

mod filter;
mod homes;
pub mod identity;
pub mod record;
pub mod routes;
mod said;
mod store;
pub mod write;
