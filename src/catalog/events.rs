//! The events of this domain, beside those of its resources.

use super::{
    contents::{checks::model::ContentChecks, model::Content, versions::model::ContentVersionSummary},
    courses::versions::model::CourseVersion,
};
use crate::event_kinds;

event_kinds! {
    /// A version of the course was published.
    COURSE_PUBLISHED = "course.published" of "course", after: CourseVersion;
    /// The content got another current version.
    CONTENT_VERSION_CHANGED = "content.version_changed" of "content", changes: Content;
    /// A version was added to a content. A package is read afterwards.
    CONTENT_VERSION_CREATED = "content_version.created" of "content_version", after: ContentVersionSummary;
    /// The package of the content version was read, and can be used.
    CONTENT_VERSION_READY = "content_version.ready" of "content_version", after: ContentVersionSummary;
    /// The package of the content version cannot be used; its findings say why.
    CONTENT_VERSION_REFUSED = "content_version.refused" of "content_version", after: ContentVersionSummary;
    /// The content version was deleted: what it showed is gone.
    CONTENT_VERSION_DELETED = "content_version.deleted" of "content_version", after: ContentVersionSummary;
    /// What findings about content do when a course is published was changed.
    CONTENT_CHECKS_UPDATED = "content_checks.updated" of "content_checks", changes: ContentChecks;
}
