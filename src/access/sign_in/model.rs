//! The types of the token endpoint (RFC 6749, sections 4.3, 4.4 and 5).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token request, as `application/x-www-form-urlencoded`. Parameters beside these are ignored (RFC 6749,
/// section 3.2).
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct TokenRequest {
    /// How the client proves who it is.
    #[schema(example = "password", pattern = "^(password|client_credentials)$")]
    pub grant_type: Option<String>,
    /// With `password`: the username.
    pub username: Option<String>,
    /// With `password`: the password.
    #[schema(format = Password)]
    pub password: Option<String>,
    /// With `client_credentials`: the service account's id, unless HTTP Basic carries it.
    pub client_id: Option<String>,
    /// With `client_credentials`: one of its secrets, unless HTTP Basic carries it.
    #[schema(format = Password)]
    pub client_secret: Option<String>,
    /// Ignored: what a principal may do is granted, not asked for.
    pub scope: Option<String>,
}

/// An access token (RFC 6749, section 5.1).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenResponse {
    /// The token, for `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// Seconds until it ends.
    pub expires_in: u64,
}

/// Why there is no token (RFC 6749, section 5.2).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenError {
    /// What went wrong, for programs.
    #[schema(example = "invalid_grant")]
    pub error: String,
    /// What went wrong and how to mend it, for people.
    pub error_description: String,
}
