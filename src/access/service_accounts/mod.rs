//! Service accounts: programs that call the API with credentials of their own.

pub mod model;
pub mod routes;
pub mod scim_tokens;
pub mod secrets;
pub mod store;
