//! Sign-in by OpenID Connect providers: Provost as their relying party, for front ends that sign in at Provost.
//!
//! Three ways lead in: the authorization code flow with PKCE, which Provost runs (`authorize`, `callback`, `code`); a provider's
//! token in exchange for ours (`exchange`); and a provider's access token as bearer (`bearer`). All verify in `tokens`
//! and ask [`SsoPeople`] who it is. Signing out at the provider ends sessions here, and the other way round (`sign_out`).

mod authorize;
pub mod bearer;
pub mod cache;
mod callback;
pub mod code;
mod documents;
pub mod exchange;
mod fetch;
pub mod flows;
mod people;
pub mod providers;
mod sign_out;
mod tokens;

pub use people::{PeopleOfProviders, Person, SsoPeople};

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    config
        .service(authorize::begin_sign_in)
        .service(authorize::list_offered_providers)
        .service(callback::return_from_provider)
        .service(sign_out::sign_out)
        .service(sign_out::end_provider_sessions);
}
