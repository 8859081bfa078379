//! The content library: files, pages, videos, links and packages that courses are made of, and their immutable versions.

pub mod body;
pub mod findings;
pub mod package;
pub mod store;
pub mod versions;
