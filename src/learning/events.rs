//! The events of this domain. What packages store while they run makes none.

use super::model::{ActivityRecord, Attempt};
use crate::event_kinds;

event_kinds! {
    /// The learner opened the activity for the first time.
    ACTIVITY_STARTED = "activity.started" of "activity", after: ActivityRecord;
    /// The criterion of the activity was met.
    ACTIVITY_COMPLETED = "activity.completed" of "activity", after: ActivityRecord;
    /// An attempt at the activity passed.
    ACTIVITY_PASSED = "activity.passed" of "activity", after: Attempt;
    /// An attempt at the activity failed.
    ACTIVITY_FAILED = "activity.failed" of "activity", after: Attempt;
    /// The activity was reset: the next launch begins another attempt.
    ACTIVITY_RESET = "activity.reset" of "activity", changes: ActivityRecord;
    /// What is on record about the activity was corrected.
    ACTIVITY_CORRECTED = "activity.corrected" of "activity", changes: ActivityRecord;
    /// The learner was granted more attempts.
    ACTIVITY_ATTEMPTS_GRANTED = "activity.attempts_granted" of "activity", changes: ActivityRecord;
}
