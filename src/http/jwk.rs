//! Public keys as they are published: JWKs (RFC 7517, RFC 8037).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A public key as a JWK (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    /// The key type.
    #[schema(example = "OKP")]
    pub kty: String,
    /// The curve.
    #[schema(example = "Ed25519")]
    pub crv: String,
    /// What it is for.
    #[schema(example = "sig")]
    pub r#use: String,
    /// The algorithm.
    #[schema(example = "EdDSA")]
    pub alg: String,
    /// The key's id.
    pub kid: String,
    /// The public key, in base64url.
    pub x: String,
}

impl Jwk {
    /// The Ed25519 key with that id.
    pub fn ed25519(kid: String, public_key: &[u8]) -> Self {
        Jwk {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            r#use: "sig".into(),
            alg: "EdDSA".into(),
            kid,
            x: URL_SAFE_NO_PAD.encode(public_key),
        }
    }

    /// The bytes of the public key; none if they cannot be read.
    pub fn public_key(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(&self.x).ok()
    }
}

/// The public keys (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JwkSet {
    /// The keys. What they sign names its key by `kid`.
    pub keys: Vec<Jwk>,
}
