//! The filter language, also against a real PostgreSQL.

mod agreement;
mod explanation;
mod faults;
mod fixture;
mod folding;
mod fuzz;
mod grammar;
mod statement;
mod strategies;
mod times;
