//! Requirements: who must hold a valid completion of what, by when, and why.

pub mod assign;
pub mod deciding;
pub mod filter;
pub mod model;
pub mod routes;
pub mod store;
