//! `/v1/certificate-templates`: how certificates look.

pub mod model;
pub mod routes;
pub mod store;
