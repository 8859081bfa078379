//! Extensions: more time for a user or for the members of a group.

pub mod check;
pub mod import;
pub mod model;
pub mod routes;
