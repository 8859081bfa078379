//! The integration tests: one binary.

mod filter;
