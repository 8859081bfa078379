//! Absences: periods in which users are away. What they mean for due dates is the business of rules.

pub mod check;
pub mod import;
pub mod model;
pub mod routes;
