//! The one mechanism for every resource that comes in as CSV. Knows no domain: what can be imported is a
//! list of [`Target`]s at the top.
//!
//! A mapping profile ([`profiles`]) is versioned data. An import ([`imports`]) first makes a plan: the file is read
//! into `import_rows` ([`read`]), and set-based statements compare the rows with what is there ([`assess`]).
//! Applying ([`apply`]) writes the plan's rows in batches, each a transaction of its own, and refuses those that no longer
//! fit ([`stale`]).

pub mod apply;
pub mod assess;
pub mod check;
pub mod date;
pub mod events;
pub mod imports;
pub mod keyed;
pub mod mapping;
pub mod naming;
pub mod number;
mod objects;
pub mod plan;
pub mod profiles;
pub mod read;
mod reading;
pub mod record;
pub mod reference;
pub mod resources;
pub mod stale;
pub mod step;
pub mod target;
mod text;
pub mod value;

pub use target::Target;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    app::{App, Part, Tx},
    authz::Permission,
    http::{ApiError, ApiResult},
};

/// The routes of imports and their profiles.
pub fn configure(config: &mut ServiceConfig) {
    profiles::routes::configure(config);
    imports::routes::configure(config);
}

/// What comes in as CSV: a list from the top.
pub struct Targets(pub &'static [&'static dyn Target]);

impl Part for Targets {}

/// The target that writes `resource`.
pub fn target(app: &App, resource: &str) -> Option<&'static dyn Target> {
    app.part::<Targets>()
        .0
        .iter()
        .copied()
        .find(|target| target.declaration().resource == resource)
}

/// The target that writes the `resource` of a stored profile or import.
fn stored_target(app: &App, resource: &str) -> ApiResult<&'static dyn Target> {
    target(app, resource).ok_or_else(|| ApiError::internal(format!("nothing imports {resource}")))
}

/// 403 unless the caller may use each of `permissions` everywhere.
fn require_all(tx: &Tx, permissions: &[Permission]) -> ApiResult<()> {
    let mut permissions = permissions.iter();
    permissions.try_for_each(|permission| tx.require_everywhere(*permission))
}
