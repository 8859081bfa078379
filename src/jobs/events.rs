//! The events of jobs.

use super::model::RetriedJob;
use crate::event_kinds;

event_kinds! {
    /// A job that had failed for good was queued again.
    RETRIED = "job.retried" of "job", after: RetriedJob;
}
