//! How people come to a password of their own: by invitation, by mail when they forgot it, by the one that they have.
//! What needs no token stands beside the token endpoint, outside `/v1`.

pub mod changes;
pub mod invitations;
pub mod letters;
pub mod resets;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    config
        .service(changes::change_password)
        .service(changes::choose_password)
        .service(resets::request_password_reset);
}
