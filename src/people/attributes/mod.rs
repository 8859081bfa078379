//! Custom attributes of people: their definitions, and checking values against them.

pub mod check;
pub mod model;
pub mod routes;
pub mod store;
