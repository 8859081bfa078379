//! Who is calling (tokens, passwords, keys) and what they may do (permission, role, scope).

pub mod authenticate;
pub mod built_in;
pub mod caller;
pub mod callers;
pub mod hashing;
pub mod keys;
pub mod permission;
pub mod protected;
pub mod scope;
pub mod sign_in;
pub mod token;

pub use caller::{Caller, HeldGrant};
pub use permission::{Permission, PermissionSet};
pub use protected::{Authorized, Protected, authorize, authorize_all, confirm, outside, read};
pub use scope::{Scope, ScopePart};

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes behind authentication.
pub fn configure(_: &mut ServiceConfig) {}

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    sign_in::routes::configure_public(config);
}
