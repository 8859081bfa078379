//! Courses: the working copy that authors change, and the versions that learners take.

pub mod filter;
pub mod import;
pub mod model;
pub mod modules;
pub mod publish;
pub mod routes;
pub mod search;
pub mod store;
pub mod versions;
