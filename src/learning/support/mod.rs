//! What happened in launches: what a package said and when, in words, and why the activity counts or
//! does not. Commits write the log; it is kept for 30 days.

pub mod log;
pub mod model;
pub mod purge;
pub mod routes;
mod store;
mod verdict;
mod words;
