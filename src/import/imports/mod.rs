//! Imports: a file, its plan, and its application.

pub mod jobs;
pub mod model;
pub mod routes;
pub mod store;
