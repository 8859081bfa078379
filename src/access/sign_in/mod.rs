//! Getting an access token: passwords and client credentials at the OAuth 2.0 token endpoint.

pub mod model;
pub mod routes;
pub mod store;
