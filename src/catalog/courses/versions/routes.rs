//! `/v1/courses/{course_id}/publications` and `/v1/courses/{course_id}/versions`.

use actix_web::{get, post, web::Path};

use super::{
    model::{CourseVersion, CourseVersionWithFindings, PublishCourse},
    store,
};
use crate::{
    app::Call,
    authz::{self, Permission},
    catalog::courses::{model::Course, public, publish},
    http::{ApiError, ApiResult, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
};

/// Publish a course version.
///
/// Freezes the working copy; learners who enroll from now on get this version. `earlier_count_until` says how long completions of
/// earlier versions count; what is required of users follows within moments. With `version_number` an earlier version is
/// published once more, as the next version: that rolls a course back. `findings` are what was found wrong with its contents;
/// those that `/v1/content-checks` lets block are 409 `content_blocks_publishing`.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path)), request_body = PublishCourse,
    responses((status = 201, body = CourseVersionWithFindings)), extensions(("x-permission" = json!("courses.publish"))))]
#[post("/{course_id}/publications")]
pub async fn publish_course(
    call: Call,
    id: Path<Ref<Course>>,
    body: Valid<PublishCourse>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let course = authz::authorize(tx, &id, Permission::CoursesPublish)?;
        let earlier_count_until = body.0.earlier_count_until;
        let published = match body.0.version_number {
            Some(number) => publish::publish_again(tx, &course, number, earlier_count_until)?,
            None => publish::publish(tx, &course, earlier_count_until)?,
        };
        let location = format!("/v1/courses/{}/versions/{}", course.id, published.version.number);
        Reply::created(&published, location)
    })
    .await
}

/// List the versions of a course.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<CourseVersion>)), extensions(("x-permission" = json!("courses.read")), ("x-scope" = json!("any"))))]
#[get("/{course_id}/versions")]
pub async fn list_course_versions(
    call: Call,
    id: Path<Ref<Course>>,
    query: Query<ListQuery>,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let course = authz::read(tx, &id)?;
        let mut page = store::list(tx, course.id, &query.0)?;
        public::reduce_versions(tx, course.id, &mut page.data)?;
        Reply::page(&page)
    })
    .await
}

/// Get a course version.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path), ("number" = i32, Path, minimum = 1)),
    responses((status = 200, body = CourseVersion)), extensions(("x-permission" = json!("courses.read")), ("x-scope" = json!("any"))))]
#[get("/{course_id}/versions/{number}")]
pub async fn get_course_version(
    call: Call,
    path: Path<(Ref<Course>, i32)>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    let (id, number) = path.into_inner();
    call.read(move |tx| {
        let course = authz::read(tx, &id)?;
        let mut version =
            store::find(tx, course.id, number)?.ok_or_else(|| ApiError::not_found("version"))?;
        public::reduce_versions(tx, course.id, std::slice::from_mut(&mut version))?;
        Reply::unless_known(&version, &known)
    })
    .await
}
