//! `/v1/events`: the sealed events, for people who look and for programs that follow.

pub mod changes;
pub mod model;
pub mod routes;
mod store;

use crate::{
    access::service_accounts::model::ServiceAccount, people::users::model::User, resource::Expansion,
};

/// What events show inside themselves.
pub const EXPANSIONS: &[Expansion] = &[
    Expansion::of::<User>("user", "user_id"),
    Expansion::either::<User, ServiceAccount>("actor", "actor_id"),
];
