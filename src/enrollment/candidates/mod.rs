//! Candidates: versions of courses that are frozen, and that named testers take before they are published as they stand.

pub mod model;
pub mod routes;
mod store;
pub mod test;
