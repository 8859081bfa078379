//! `/v1/reports/transcripts/{user_id}`: all that is known of what a person must do, takes and did.

pub mod model;
pub mod routes;
pub mod store;
