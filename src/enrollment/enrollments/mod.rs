//! Enrollments: who takes which version of which course.

pub mod model;
pub mod progress;
pub mod routes;
pub mod store;
