//! Course versions: what was published, word for word. Nobody changes them.

pub mod model;
pub mod routes;
pub mod store;
