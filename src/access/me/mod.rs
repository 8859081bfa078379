//! Who am I, and what may I do where.

pub mod model;
pub mod routes;
pub mod store;
