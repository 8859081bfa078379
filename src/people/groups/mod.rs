//! Groups of people: chosen one by one, or found by a filter.

pub mod bulk;
pub mod dynamic;
pub mod filter;
pub mod members;
pub mod model;
pub mod routes;
pub mod store;
pub mod upkeep;
pub mod write;
