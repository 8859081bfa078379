//! The ledger: one event for each thing changed, in the transaction that changed it.
//!
//! `events` is at once the audit log, the change feed and the outbox. Domains append through
//! [`crate::app::Tx::record`]; the sealer gives committed events gap-free positions in `ledger_entries` and chains their
//! hashes. Never put secrets into `before` and `after`: the feed shows them.

mod canonical;
mod chain;
pub mod consumers;
mod erasure;
pub mod events;
mod export;
mod heads;
mod model;
mod routes;
mod seal;
pub mod store;
mod verify;

pub use crate::{
    app::{Event, EventKind},
    authz::{Actor, ActorKind},
};
pub use consumers::{Consumer, Consumers};
pub use erasure::{ErasedPayloads, erase_older};
pub use export::{Exported, FileVerification, export, verify_file};
pub use heads::{SignHead, SignedHead, replace_key};
pub use model::{LedgerFault, LedgerHead, LedgerVerification, SealedEvent};
pub use seal::{head, seal, seal_some};
pub use store::{count_lost, count_unsealed, position_from, position_until};
pub use verify::{VerifyLedger, verify};

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    routes::configure_public(config);
}

/// The routes of the ledger and its consumers.
pub fn configure(config: &mut ServiceConfig) {
    routes::configure(config);
    consumers::configure(config);
}
