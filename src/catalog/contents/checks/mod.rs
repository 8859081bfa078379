//! Content checks: what the academy makes of findings when a course is published.

pub mod model;
pub mod routes;
pub mod store;
