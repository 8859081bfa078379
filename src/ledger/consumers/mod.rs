//! Consumers: what reacts to events after they are sealed.
//!
//! A consumer has a name, the kinds of events that it wants and a reaction. It is handed these events in the order of their
//! positions, each once in effect: the reaction's transaction moves the consumer's cursor, too. The reaction writes to the
//! database only; mail and HTTP are jobs that it enqueues. The list stands in `cli/worker.rs`.
//!
//! An event whose reaction fails is tried again ten times, over some minutes, while later events wait. Then it is set
//! aside, to be looked at and retried, and the consumer goes on. Consumers do not wait for each other.

mod model;
mod routes;
mod run;
mod store;

use crate::{
    app::{Part, Tx},
    http::ApiResult,
};

use super::{EventKind, SealedEvent};

pub use model::SetAsideEvent;
pub use routes::configure;
pub use run::Consume;
pub use store::{counts, register};

/// Code that reacts to events.
#[derive(Debug, Clone, Copy)]
pub struct Consumer {
    /// Its name; never changes.
    pub name: &'static str,
    /// The kinds of events that it wants.
    pub kinds: &'static [EventKind],
    /// Reacts to events of one request, in the order of their positions; in a transaction on behalf of the principal
    /// who made the request.
    pub react: fn(&mut Tx, &[SealedEvent]) -> ApiResult<()>,
}

/// The consumers of this process.
#[derive(Debug, Clone, Copy)]
pub struct Consumers(pub &'static [Consumer]);

impl Consumer {
    fn wants(&self, action: &str) -> bool {
        self.kinds.iter().any(|kind| kind.action == action)
    }
}

impl Part for Consumers {}

impl Consumers {
    fn find(self, name: &str) -> Option<&'static Consumer> {
        self.0.iter().find(|consumer| consumer.name == name)
    }
}

/// Wakes the consumers that want one of `actions`.
pub fn wake<'a>(tx: &mut Tx, actions: impl Iterator<Item = &'a str> + Clone) -> ApiResult<()> {
    for consumer in tx.app.part::<Consumers>().0 {
        if actions.clone().any(|action| consumer.wants(action)) {
            tx.enqueue(&Consume::of(consumer))?;
        }
    }
    Ok(())
}

/// Wakes every consumer: those whose job was given up go on, and cursors follow the ledger's end.
pub fn wake_all(tx: &mut Tx) -> ApiResult<()> {
    for consumer in tx.app.part::<Consumers>().0 {
        tx.enqueue(&Consume::of(consumer))?;
    }
    Ok(())
}
