//! Mapping profiles: versioned data. A change is a new version; imports keep the one that they began with.

pub mod model;
pub mod routes;
pub mod store;
