//! People: who they are, where they work, whom they report to.

pub mod filter;
pub mod import;
pub mod model;
pub mod routes;
pub mod store;
