//! Groups of people: chosen one by one, or found by a filter.

pub mod check;
pub mod dynamic;
pub mod members;
pub mod model;
pub mod routes;
pub mod upkeep;
