//! Versions of contents: what was uploaded or written, word for word. Nobody changes one that is ready.

pub mod add;
pub mod import;
pub mod model;
pub mod page;
mod prepare;
pub mod routes;
pub mod store;
pub mod tracks;
