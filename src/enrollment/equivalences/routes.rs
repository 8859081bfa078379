//! `/v1/course-equivalences`.

use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{
    BulkCourseEquivalenceRow, CourseEquivalence, CreateCourseEquivalence, UpdateCourseEquivalence,
};
use crate::resource_endpoints;

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(utoipa_actix_web::scope("/course-equivalences").configure(endpoints::configure));
}

resource_endpoints! {
    (CourseEquivalence, tag: "course-equivalences", id: "course_equivalence_id", path: "/{course_equivalence_id}", archival: "/{course_equivalence_id}/archival",
        read: "courses.read" in "any", write: "courses.write")
    /// List course equivalences.
    ///
    /// Those whose courses the caller may both see, archived ones too: `filter=archived_at eq null` leaves them out.
    ///
    /// CSV for `Accept: text/csv` or `format=csv`, NDJSON for `Accept: application/x-ndjson` or `format=ndjson`: the whole list
    /// from `cursor` on. An import reads such a CSV again.
    export list_course_equivalences;
    /// Create a course equivalence.
    ///
    /// Completions of `equivalent_id` count for `course_id`, earlier ones too; if it is mutual, the other way round as well.
    /// The caller writes the courses that completions are to count for. Equivalences do not chain: for three courses that
    /// count for each other create three.
    create create_course_equivalence(CreateCourseEquivalence);
    /// Create and update course equivalences in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
    /// With an `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_course_equivalences(BulkCourseEquivalenceRow);
    /// Get a course equivalence.
    get get_course_equivalence;
    /// Update a course equivalence.
    ///
    /// The two courses stay.
    update update_course_equivalence(UpdateCourseEquivalence);
    /// Archive a course equivalence.
    ///
    /// Requirements that only a completion of the other course satisfied are open again.
    archive archive_course_equivalence;
    /// Restore a course equivalence.
    restore restore_course_equivalence;
}
