//! Overrides: users whom a rule must include, or releases, by the decision of an administrator.

pub mod check;
pub mod import;
pub mod model;
pub mod routes;
