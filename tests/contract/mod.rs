//! The API's document, the router and the house's rules agree. These tests walk the document, so that a new
//! operation is covered by itself; `samples.rs` is the one table that it must be added to.

mod access;
mod bulk_faults;
mod constraints;
mod database_faults;
mod deadlines;
mod document;
mod errors;
mod events;
mod faults;
mod growth;
mod health;
mod http;
mod imports;
mod inputs;
mod instants;
mod matrix;
mod migrations;
pub mod operations;
mod parameters;
mod patterns;
mod resources;
mod routes;
mod sample;
pub mod samples;
mod scim;
mod shapes;
pub mod story;
mod two_stages;
mod writes;
