//! Categories: what courses are sorted into, and what instructors are put in charge of.

pub mod check;
pub mod model;
pub mod routes;
