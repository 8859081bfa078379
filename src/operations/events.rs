//! The events of operations.

use super::model::OperationState;
use crate::app::EventKind;

pub const CREATED: EventKind =
    EventKind::new("operation.created", "operation", "The operation was begun.").after::<OperationState>();
pub const SUCCEEDED: EventKind =
    EventKind::new("operation.succeeded", "operation", "The operation succeeded.").after::<OperationState>();
pub const FAILED: EventKind = EventKind::new(
    "operation.failed",
    "operation",
    "The operation failed; `problem` says why.",
)
.after::<OperationState>();
pub const CANCELLED: EventKind =
    EventKind::new("operation.cancelled", "operation", "The operation was cancelled.")
        .after::<OperationState>();
pub const CANCELLATION_REQUESTED: EventKind = EventKind::new(
    "operation.cancellation_requested",
    "operation",
    "The operation is to end early.",
)
.after::<OperationState>();

/// All of them.
pub const KINDS: &[EventKind] = &[CREATED, SUCCEEDED, FAILED, CANCELLED, CANCELLATION_REQUESTED];
