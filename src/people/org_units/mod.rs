//! Org units: the tree that people belong to.

pub mod bulk;
pub mod check;
pub mod model;
pub mod routes;
