//! The integration tests: one binary, public behaviour, a real PostgreSQL.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test whose set-up fails has failed"
)]

mod support;
//! The integration tests: one binary.
mod filter;
