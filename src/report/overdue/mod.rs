//! `/v1/reports/overdue`: who is late with what, and who their manager is.

pub mod model;
pub mod routes;
pub mod store;
