//! The filter language against a real PostgreSQL.

mod agreement;
mod fixture;
mod folding;
mod strategies;
