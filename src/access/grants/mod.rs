//! Grants: who holds which role where, from when until when.

pub mod model;
pub mod routes;
pub mod store;
