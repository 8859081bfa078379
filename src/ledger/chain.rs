//! Checking the chain, link by link, wherever the links come from: the database or an exported file.

use std::collections::BTreeSet;

use super::{canonical::Covered, model::LedgerFault};

/// What is known of an event's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// It fits the event's digest.
    Fits,
    /// It is another than the one that was sealed.
    IsAltered,
    /// It is gone.
    IsGone,
}

/// The chain up to a position, as far as it was checked.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The last position that was checked.
    pub position: i64,
    /// The hash there.
    pub hash: Vec<u8>,
    /// Payloads that are gone, and of which no later event has said so yet.
    gone: BTreeSet<i64>,
}

impl Chain {
    /// The chain after `position`, whose hash is taken as given.
    pub fn after(position: i64, hash: Vec<u8>) -> Self {
        Chain {
            position,
            hash,
            gone: BTreeSet::new(),
        }
    }

    /// Checks that `event` stands next, at `position`, with `hash`.
    pub fn check(
        &mut self,
        position: i64,
        hash: &[u8],
        event: &Covered,
        payload: Payload,
    ) -> Result<(), LedgerFault> {
        let next = self.position.saturating_add(1);
        if position != next {
            return Err(missing(next));
        }
        let expected = event.hash(&self.hash, position);
        if expected != hash {
            return Err(fault(next, "the event is not the one that was sealed here"));
        }
        match payload {
            Payload::Fits => {}
            Payload::IsAltered => return Err(fault(next, "the payload is not the one that was sealed here")),
            Payload::IsGone => {
                self.gone.insert(position);
            }
        }
        self.position = position;
        self.hash = expected;
        Ok(())
    }

    /// The event that was checked last says that the payloads from position `first` to `last` were erased.
    pub fn erased(&mut self, first: i64, last: i64) {
        let told: Vec<i64> = self
            .gone
            .range(first..=last.max(first))
            .copied()
            .filter(|position| *position < self.position)
            .collect();
        for position in told {
            self.gone.remove(&position);
        }
    }

    /// At the end of the chain: every payload that is gone must have been told of.
    pub fn end(&self) -> Result<(), LedgerFault> {
        match self.gone.first() {
            Some(position) => Err(fault(
                *position,
                "the payload is gone, and no later event says that it was erased",
            )),
            None => Ok(()),
        }
    }
}

/// No event stands at `position`.
pub fn missing(position: i64) -> LedgerFault {
    fault(position, "there is no event at this position")
}

fn fault(position: i64, detail: &str) -> LedgerFault {
    LedgerFault {
        position,
        detail: detail.into(),
    }
}
