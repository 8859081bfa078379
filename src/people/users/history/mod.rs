//! The periods of a person's job fields, for reading; [`crate::people::facts`] writes them.

pub mod model;
pub mod routes;
pub mod store;
