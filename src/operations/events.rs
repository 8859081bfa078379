//! The events of operations.

use super::model::OperationState;
use crate::event_kinds;

event_kinds! {
    /// The operation was begun.
    CREATED = "operation.created" of "operation", after: OperationState;
    /// The operation succeeded.
    SUCCEEDED = "operation.succeeded" of "operation", after: OperationState;
    /// The operation failed; `problem` says why.
    FAILED = "operation.failed" of "operation", after: OperationState;
    /// The operation was cancelled.
    CANCELLED = "operation.cancelled" of "operation", after: OperationState;
    /// The operation is to end early.
    CANCELLATION_REQUESTED = "operation.cancellation_requested" of "operation", after: OperationState;
}
