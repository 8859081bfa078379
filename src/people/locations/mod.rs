//! Locations: where people work and where sessions take place.

pub mod check;
pub mod model;
pub mod routes;
