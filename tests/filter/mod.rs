//! The filter language, also against a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod agreement;
mod compose;
mod explanation;
mod faults;
mod fixture;
mod folding;
mod fuzz;
mod grammar;
mod statement;
mod strategies;
mod times;
