//! The ledger: one event for each thing changed, in the transaction that changed it.
//!
//! `events` is at once the audit log, the change feed and the outbox. Domains append through
//! [`crate::app::Tx::record`]; the sealer gives committed events gap-free positions and chains their hashes.

pub mod event;
pub mod store;

pub use event::{Actor, ActorKind, Event};
