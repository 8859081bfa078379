//! The events of jobs.

use super::model::RetriedJob;
use crate::app::EventKind;

pub const RETRIED: EventKind = EventKind::new(
    "job.retried",
    "job",
    "A job that had failed for good was queued again.",
)
.after::<RetriedJob>();

/// All of them.
pub const KINDS: &[EventKind] = &[RETRIED];
