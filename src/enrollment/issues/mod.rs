//! Open issues: where a rule cannot give a user a due date, and what somebody decided.

pub mod check;
pub mod import;
pub mod model;
pub mod resolve;
pub mod routes;
