//! The content library: files, pages, videos, links and packages that courses are made of, and their immutable versions.

pub mod body;
pub mod check;
pub mod checks;
pub mod findings;
pub mod import;
pub mod model;
pub mod package;
pub mod routes;
pub mod store;
pub mod uses;
pub mod versions;
pub mod video;
