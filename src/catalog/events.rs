//! The events of this domain, beside those of its resources.

use super::courses::versions::model::CourseVersion;
use crate::ledger::EventKind;

pub const COURSE_PUBLISHED: EventKind = EventKind::new(
    "course.published",
    "course",
    "A version of the course was published.",
)
.after::<CourseVersion>();

/// All of them.
pub const KINDS: &[EventKind] = &[COURSE_PUBLISHED];
