//! `/v1/identity-providers`: the OpenID providers by which people sign in.

pub mod model;
pub mod routes;
pub mod rules;
pub mod store;
