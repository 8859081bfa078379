//! Org units: the tree that people belong to.

pub mod bulk;
pub mod filter;
pub mod model;
pub mod routes;
pub mod store;
pub mod write;
