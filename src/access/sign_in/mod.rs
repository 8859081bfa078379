//! The OAuth 2.0 endpoints: tokens by password, client credentials and refresh token, their revocation and
//! introspection, and the discovery of all this.

mod client;
mod discovery;
pub mod exchange;
pub mod form;
mod introspection;
pub mod model;
pub mod password;
mod revocation;
pub mod routes;
pub mod store;

use sha2::{Digest, Sha256};

/// The hash by which a service account's secret or a refresh token is kept. Both have 256 random bits, so SHA-256 is
/// enough.
pub fn hash_secret(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}
