//! The kinds of events that the ledger records itself.

use super::{ErasedPayloads, consumers::SetAsideEvent};
use crate::event_kinds;

event_kinds! {
    /// A key was made, which signs the heads of the ledger from now on.
    LEDGER_KEY_CREATED = "ledger_key.created" of "ledger_key";
    /// A key of the ledger signs no more.
    LEDGER_KEY_RETIRED = "ledger_key.retired" of "ledger_key";
    /// The payloads of the events at `positions` were erased; `reason` says why.
    PAYLOADS_ERASED = "ledger.payloads_erased" of "ledger", after: ErasedPayloads;
    /// An event that a consumer had failed to react to is tried again.
    SET_ASIDE_EVENT_RETRIED = "set_aside_event.retried" of "set_aside_event", after: SetAsideEvent;
}
