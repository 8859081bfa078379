//! Custom attributes of people: their definitions, and checking values against them.

pub mod bulk;
pub mod check;
pub mod filter;
pub mod model;
pub mod routes;
pub mod store;
pub mod write;
