//! The events of this domain, beside those of its resources.

use super::courses::versions::model::CourseVersion;
use crate::event_kinds;

event_kinds! {
    /// A version of the course was published.
    COURSE_PUBLISHED = "course.published" of "course", after: CourseVersion;
}
