//! `/.well-known/oauth-authorization-server`: what clients may count on. A test tries all of it.

use actix_web::{HttpResponse, get, web::Data};

use super::{exchange, model::ServerMetadata};
use crate::app::App;

/// The ways to a token.
pub(super) const GRANT_TYPES: &[&str] = &[
    "password",
    "client_credentials",
    "refresh_token",
    "authorization_code",
    exchange::GRANT_TYPE,
];

/// Get the metadata of the authorization server.
#[utoipa::path(tag = "sign-in",
    responses((status = 200, description = "Endpoints and methods.", body = ServerMetadata)))]
#[get("/.well-known/oauth-authorization-server")]
pub(super) async fn get_authorization_server(app: Data<App>) -> HttpResponse {
    let issuer = app.config.public_url();
    let at = |path: &str| format!("{issuer}{path}");
    let metadata = ServerMetadata {
        authorization_endpoint: at("/oauth/authorize"),
        token_endpoint: at("/oauth/token"),
        revocation_endpoint: at("/oauth/revoke"),
        introspection_endpoint: at("/oauth/introspect"),
        jwks_uri: at("/.well-known/jwks.json"),
        service_documentation: at("/docs"),
        grant_types_supported: GRANT_TYPES,
        response_types_supported: &["code"],
        code_challenge_methods_supported: &["S256"],
        authorization_response_iss_parameter_supported: true,
        token_endpoint_auth_methods_supported: &["none", "client_secret_basic", "client_secret_post"],
        revocation_endpoint_auth_methods_supported: &["none"],
        introspection_endpoint_auth_methods_supported: &["client_secret_basic", "client_secret_post"],
        issuer,
    };
    HttpResponse::Ok()
        .insert_header(("Cache-Control", "max-age=300"))
        .json(metadata)
}
