//! Courses: the working copy that authors change, and the versions that learners take.

pub mod check;
mod contents;
pub mod findings;
pub mod import;
pub mod model;
pub mod modules;
mod moving;
mod public;
pub mod publish;
pub mod routes;
pub mod search;
pub mod store;
pub mod versions;

crate::external_key_routes!(external_keys: crate::catalog::courses::model::Course, tag: "courses", id: "course_id",
    path: "/{course_id}/external-keys", key_path: "/{course_id}/external-keys/{source}/{key}",
    bulk_path: "/external-keys/bulk",
    list_course_external_keys create_course_external_key delete_course_external_key bulk_write_course_external_keys,
    read: "courses.read" in "any", write: "courses.write" CoursesWrite);
