//! `/v1/courses`.

use actix_web::{delete, get, post, put, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    contents, external_keys,
    model::{
        BulkCourseRow, CloneCourse, Course, CourseFields, CourseOutline, CreateCourse, ListCourses,
        UpdateCourse,
    },
    store, versions,
};
use crate::{
    app::Call,
    authz::{self, Permission},
    http::{ApiError, ApiResult, Code, IfMatch, IfNoneMatch, Page, Query, Ref, Reply, Valid},
    resource::{Change, Create, NoExtra, Resource, expand::Expand, list::ReadQuery, routes, write},
    resource_endpoints,
};

/// The routes of this resource and of its versions.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/courses")
            .configure(endpoints::configure)
            .service(list_courses)
            .service(get_course)
            .service(versions::routes::publish_course)
            .service(versions::routes::list_course_versions)
            .service(versions::routes::get_course_version)
            .service(clone_course)
            .service(replace_course_outline)
            .service(retire_course)
            .service(restore_course)
            .configure(external_keys::configure),
    );
}

resource_endpoints! {
    (Course, tag: "courses", id: "course_id", path: "/{course_id}",
        read: "courses.read" in "any", write: "courses.write")
    /// Create a course.
    ///
    /// It begins as a draft, which only its authors see.
    create create_course(CreateCourse);
    /// Create and update courses in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
    /// New courses are drafts. With an `Idempotency-Key` you can safely repeat the whole request.
    bulk bulk_write_courses(BulkCourseRow);
    /// Update a course.
    ///
    /// Changes its working copy; published versions stay as they are.
    update update_course(UpdateCourse);
}

/// Get a course.
///
/// Its working copy: what learners take is its current version. Callers whose scope does not cover the course see the current
/// version instead, without where its activities lead (`url`, `content_version_id`). Activities whose content has a later version
/// tell its number in `newer_version`, here alone; since that changes by itself, a course that uses contents is always answered
/// in full.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path), ReadQuery), responses((status = 200, body = Course)),
    extensions(("x-permission" = json!("courses.read")), ("x-scope" = json!("any"))))]
#[get("/{course_id}")]
async fn get_course(
    call: Call,
    id: Path<Ref<Course>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let mut course = authz::read(tx, &id)?;
        let known = match contents::tell_newer(tx, &mut course)? {
            true => &IfNoneMatch::default(),
            false => &known,
        };
        routes::show(tx, course, known, query.0.expand.as_deref(), Course::EXPANSIONS)
    })
    .await
}

/// List or search courses.
///
/// All that were ever published, and drafts within the caller's scope. Of a restricted category only those within the
/// caller's scope, and those that people in it must take, take or took. Courses outside of the scope are shown as their
/// current versions have them, without where their activities lead.
#[utoipa::path(tag = "courses", params(ListCourses), responses((status = 200, body = Page<Course>)),
    extensions(("x-permission" = json!("courses.read")), ("x-scope" = json!("any"))))]
#[get("")]
async fn list_courses(call: Call, query: Query<ListCourses>) -> ApiResult<Reply> {
    let mut query = query.0;
    let expand = Expand::read(query.expand.as_deref(), Course::EXPANSIONS, &mut query.faults);
    call.read(move |tx| {
        let page = store::list(tx, &query)?;
        expand.reply(tx, page)
    })
    .await
}

/// Clone a course.
///
/// The copy is a draft of the same content with a code of its own.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path)), request_body = CloneCourse,
    responses((status = 201, body = Course)), extensions(("x-permission" = json!("courses.write"))))]
#[post("/{course_id}/clones")]
async fn clone_course(call: Call, id: Path<Ref<Course>>, body: Valid<CloneCourse>) -> ApiResult<Reply> {
    call.write(move |tx| {
        tx.require(Permission::CoursesWrite)?;
        let fields = copy_of(&authz::read(tx, &id)?, body.0.clone());
        let extra = NoExtra::default();
        let copy = write::one::<Course>(tx, Change::create(Create { fields, extra }))?;
        Reply::created(&copy, format!("{}/{}", Course::PATH, copy.id))
    })
    .await
}

/// Replace the outline of a course.
///
/// All modules and activities of its working copy at once. What is sent with its id keeps it, over all versions: learners who
/// move to a new version keep what they did with it. What is sent without an id is new.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path)), request_body = CourseOutline,
    responses((status = 200, body = Course)), extensions(("x-permission" = json!("courses.write"))))]
#[put("/{course_id}/outline")]
async fn replace_course_outline(
    call: Call,
    id: Path<Ref<Course>>,
    known: IfMatch,
    body: Valid<CourseOutline>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let course = authz::authorize(tx, &id, Permission::CoursesWrite)?;
        known.check(&*course)?;
        let modules = body.0.modules.clone();
        Reply::resource(&write::one(
            tx,
            Change::edit(course, |fields| fields.modules = modules),
        )?)
    })
    .await
}

/// Retire a course.
///
/// It takes no new learners; those who take it go on, and its history stays.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path)), responses((status = 200, body = Course)),
    extensions(("x-permission" = json!("courses.write"))))]
#[post("/{course_id}/retirement")]
async fn retire_course(call: Call, id: Path<Ref<Course>>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let course = authz::authorize(tx, &id, Permission::CoursesWrite)?;
        if course.retired_at.is_some() {
            return Err(ApiError::new(Code::CourseRetired, "It is retired already."));
        }
        Reply::resource(&write::one(tx, Change::Archive(course))?)
    })
    .await
}

/// Restore a retired course.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path)), responses((status = 200, body = Course)),
    extensions(("x-permission" = json!("courses.write"))))]
#[delete("/{course_id}/retirement")]
async fn restore_course(call: Call, id: Path<Ref<Course>>, known: IfMatch) -> ApiResult<Reply> {
    routes::restore(call, id.into_inner(), known).await
}

/// The fields of a copy.
fn copy_of(course: &Course, asked: CloneCourse) -> CourseFields {
    let present = CourseFields::clone(course);
    CourseFields {
        code: asked.code,
        title: asked.title.unwrap_or(present.title),
        category_id: asked.category_id.unwrap_or(present.category_id),
        ..present
    }
}
