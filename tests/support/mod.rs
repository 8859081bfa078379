//! What the tests stand on.

pub mod app;
pub mod client;
pub mod postgres;

pub use app::TestApp;
#[allow(unused_imports, reason = "named by the tests that need the types")]
pub use client::{Answer, Client};
