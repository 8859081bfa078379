//! Grants: who holds which role where, from when until when.

pub mod check;
pub mod model;
pub mod routes;
