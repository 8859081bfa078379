//! The kinds of events that the ledger records itself.

use super::{ErasedPayloads, EventKind, consumers::SetAsideEvent};

pub const PAYLOADS_ERASED: EventKind = EventKind::new(
    "ledger.payloads_erased",
    "ledger",
    "The payloads of the events at `positions` were erased; `reason` says why.",
)
.after::<ErasedPayloads>();
pub const SET_ASIDE_EVENT_RETRIED: EventKind = EventKind::new(
    "set_aside_event.retried",
    "set_aside_event",
    "An event that a consumer had failed to react to is tried again.",
)
.after::<SetAsideEvent>();

/// All of them.
pub const KINDS: &[EventKind] = &[PAYLOADS_ERASED, SET_ASIDE_EVENT_RETRIED];
