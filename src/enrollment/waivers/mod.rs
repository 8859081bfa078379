//! Waivers: what a user need not complete, for a while or for good.

pub mod check;
pub mod import;
pub mod model;
pub mod routes;
