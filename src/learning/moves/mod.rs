//! Moves enrollments from earlier versions of a course to another one, by plan and apply.

pub mod job;
pub mod model;
pub mod plan;
pub mod routes;
