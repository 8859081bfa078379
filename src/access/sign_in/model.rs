//! The types of the token endpoint (RFC 6749, sections 4.3, 4.4, 5 and 6), of revocation (RFC 7009), introspection
//! (RFC 7662) and discovery (RFC 8414).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{access::token::Actor, ledger::ActorKind};

/// A token request, as `application/x-www-form-urlencoded`. Parameters beside these are ignored (RFC 6749,
/// section 3.2).
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct TokenRequest {
    /// How the client proves who it is.
    #[schema(
        example = "password",
        pattern = "^(password|client_credentials|refresh_token|authorization_code|urn:ietf:params:oauth:grant-type:token-exchange)$"
    )]
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
    /// With `refresh_token`: the refresh token of the answer before.
    #[schema(format = Password)]
    pub refresh_token: Option<String>,
    /// With `authorization_code`: the code that came back from `/oauth/authorize`.
    #[schema(format = Password)]
    pub code: Option<String>,
    /// With `authorization_code`: what `code_challenge` is the SHA-256 of.
    #[schema(format = Password)]
    pub code_verifier: Option<String>,
    /// With `authorization_code`: the same as at `/oauth/authorize`.
    pub redirect_uri: Option<String>,
    /// With token exchange: the id of the person to act for, or a token of an OpenID provider.
    pub subject_token: Option<String>,
    /// With token exchange: `urn:provost:token-type:user-id`, or `urn:ietf:params:oauth:token-type:id_token`, `…:access_token`
    /// or `…:jwt`.
    pub subject_token_type: Option<String>,
    /// With token exchange: the access token of who acts.
    #[schema(format = Password)]
    pub actor_token: Option<String>,
    /// With token exchange: `urn:ietf:params:oauth:token-type:access_token`.
    pub actor_token_type: Option<String>,
    /// With token exchange: `urn:ietf:params:oauth:token-type:access_token`, or absent.
    pub requested_token_type: Option<String>,
    /// With `client_credentials`: the permissions that the token shall be confined to, with spaces between; without it, to
    /// those of the secret. Other tokens carry all that their person may do: asking for less is refused.
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
    /// What was issued by token exchange; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "urn:ietf:params:oauth:token-type:access_token")]
    pub issued_token_type: Option<String>,
    /// The permissions that it is confined to, with spaces between, where its secret is; absent for all of its principal's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "users.read courses.read")]
    pub scope: Option<String>,
    /// A person's refresh token, good for one use. Programs get none: they have their secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refresh_token: Option<String>,
}

/// A token error (RFC 6749, section 5.2).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenError {
    /// The error code, for programs.
    #[schema(example = "invalid_grant")]
    pub error: String,
    /// What went wrong and how to fix it, for people.
    pub error_description: String,
}

/// A token that a request is about, as `application/x-www-form-urlencoded` (RFC 7009, section 2.1; RFC 7662, section
/// 2.1).
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct TokenQuery {
    /// The access token or refresh token.
    #[schema(format = Password)]
    pub token: Option<String>,
    /// Ignored: Provost recognizes the kind of a token.
    pub token_type_hint: Option<String>,
    /// For introspection: the service account's id, unless HTTP Basic carries it.
    pub client_id: Option<String>,
    /// For introspection: one of its secrets, unless HTTP Basic carries it.
    #[schema(format = Password)]
    pub client_secret: Option<String>,
}

/// What there is to say of a token (RFC 7662, section 2.2). Of one that does not count, only that.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Introspection {
    /// Whether it counts now.
    pub active: bool,
    /// `Bearer` for an access token; absent for a refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Bearer", nullable = false)]
    pub token_type: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sub: Option<Uuid>,
    /// What kind of principal that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ActorKind, required = false)]
    pub kind: Option<ActorKind>,
    /// A person's username.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub username: Option<String>,
    /// The service account, if it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_id: Option<Uuid>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub iss: Option<String>,
    /// Whom it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub aud: Option<String>,
    /// When it was made, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub iat: Option<i64>,
    /// When it ends, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp: Option<i64>,
    /// An access token's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub jti: Option<Uuid>,
    /// The permissions that it is confined to, with spaces between; absent for all of its principal's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub scope: Option<String>,
    /// Who acts in the principal's place (RFC 8693, section 4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Actor, required = false)]
    pub act: Option<Actor>,
    /// The session that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sid: Option<Uuid>,
}

/// What the authorization server offers, and where (RFC 8414, section 2).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ServerMetadata {
    /// Who makes the tokens.
    pub issuer: String,
    /// Where browsers sign in by an OpenID provider.
    pub authorization_endpoint: String,
    /// Where tokens are got.
    pub token_endpoint: String,
    /// Where tokens are revoked.
    pub revocation_endpoint: String,
    /// Where others ask about tokens.
    pub introspection_endpoint: String,
    /// The public keys of access tokens.
    pub jwks_uri: String,
    /// What people read.
    pub service_documentation: String,
    /// The ways to a token.
    pub grant_types_supported: &'static [&'static str],
    /// What the authorization endpoint answers.
    pub response_types_supported: &'static [&'static str],
    /// How codes are bound to those who asked (RFC 7636).
    pub code_challenge_methods_supported: &'static [&'static str],
    /// Its answers name the issuer (RFC 9207).
    pub authorization_response_iss_parameter_supported: bool,
    /// How clients say who they are at the token endpoint.
    pub token_endpoint_auth_methods_supported: &'static [&'static str],
    /// How clients say who they are at the revocation endpoint.
    pub revocation_endpoint_auth_methods_supported: &'static [&'static str],
    /// How clients say who they are at the introspection endpoint.
    pub introspection_endpoint_auth_methods_supported: &'static [&'static str],
}
