//! Who is calling (tokens, passwords, keys, single sign-on), and what they were granted: roles, grants, sessions.

pub mod attempts;
pub mod authenticate;
pub mod built_in;
pub mod callers;
pub mod events;
pub mod grants;
pub mod hashing;
pub mod inclusion;
pub mod keys;
pub mod me;
pub mod passwords;
pub mod rates;
pub mod roles;
pub mod sealed;
pub mod service_accounts;
pub mod sessions;
pub mod sign_in;
pub mod sso;
pub mod subject;
pub mod token;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    app::{Tx, Wake},
    http::ApiResult,
};

/// The routes behind authentication.
pub fn configure(config: &mut ServiceConfig) {
    me::routes::configure(config);
    roles::routes::configure(config);
    grants::routes::configure(config);
    service_accounts::routes::configure(config);
    sso::providers::routes::configure(config);
}

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    sign_in::routes::configure_public(config);
    sso::configure_public(config);
}

/// Past so many changed people, all callers are forgotten instead of each of them.
const MOST_CALLERS_NAMED: usize = 100;

/// What a suspended or moved person may do counts from the next request, and who has left is signed out. Runs after the reactions that change
/// groups.
pub fn forget_changed_callers(tx: &mut Tx) -> ApiResult<()> {
    let changed = tx.changed_users();
    if !changed.is_empty() {
        sessions::end::of_archived(tx, changed.clone())?;
    }
    if changed.len() > MOST_CALLERS_NAMED {
        tx.wake(Wake::Callers);
    } else {
        changed.into_iter().for_each(|user| tx.wake(Wake::Caller(user)));
    }
    Ok(())
}
