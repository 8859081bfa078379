//! Who a person is at the OpenID providers by which people sign in.

pub mod model;
pub mod routes;
pub mod store;
