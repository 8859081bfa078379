//! Equivalent courses: completions of one count for another.

pub mod check;
pub mod import;
pub mod model;
pub mod routes;
