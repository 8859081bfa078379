//! Getting an access token: passwords and client credentials at the OAuth 2.0 token endpoint.

pub mod model;
pub mod routes;
pub mod store;

use sha2::{Digest, Sha256};

/// The hash by which a service account's secret is kept. The secret has 256 random bits, so SHA-256 is enough.
pub fn hash_secret(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}
