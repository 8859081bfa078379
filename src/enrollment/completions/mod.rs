//! Completions: append-only evidence of what people did.

pub mod correct;
mod known;
pub mod model;
pub mod record;
pub mod routes;
pub mod store;
