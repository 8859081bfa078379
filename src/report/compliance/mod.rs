//! `/v1/reports/compliance`: how many must, how many did, unit by unit.

pub mod model;
pub mod routes;
pub mod store;
