//! Roles: named sets of permissions, built in or made by administrators.

pub mod check;
pub mod model;
pub mod routes;
