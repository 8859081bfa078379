//! `/v1/courses`.

use actix_web::{delete, get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    external_keys,
    model::{CloneCourse, Course, CourseStatus, CreateCourse, ListCourses, UpdateCourse},
    moving, store, versions,
};
use crate::{
    access::{self, Permission},
    app::{Call, Tx},
    catalog::categories,
    http::{ApiError, ApiResult, Code, Faults, IfMatch, IfNoneMatch, Page, Query, Ref, Reply, Valid},
    ledger::Event,
};

/// The routes of this resource and of its versions.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/courses")
            .service(list_courses)
            .service(create_course)
            .service(versions::routes::publish_course)
            .service(versions::routes::list_course_versions)
            .service(versions::routes::get_course_version)
            .service(clone_course)
            .service(retire_course)
            .service(restore_course)
            .service(get_course)
            .service(update_course)
            .configure(external_keys::configure),
    );
}

/// List or search courses.
///
/// All that were ever published, and drafts within the caller's scope. Of a restricted category only those within the
/// caller's scope, and those that people in it must take, take or took.
#[utoipa::path(tag = "courses", params(ListCourses), responses((status = 200, body = Page<Course>)),
    extensions(("x-permission" = json!("courses.read")), ("x-scope" = json!("any"))))]
#[get("")]
async fn list_courses(call: Call, query: Query<ListCourses>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Create a course.
///
/// It begins as a draft, which only its authors see.
#[utoipa::path(tag = "courses", request_body = CreateCourse, responses((status = 201, body = Course)),
    extensions(("x-permission" = json!("courses.write"))))]
#[post("")]
async fn create_course(call: Call, body: Valid<CreateCourse>) -> ApiResult<Reply> {
    call.write(move |tx| {
        tx.require(Permission::CoursesWrite)?;
        add(tx, &body.0)
    })
    .await
}

/// Get a course.
///
/// Its working copy: what learners take is its current version.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path)), responses((status = 200, body = Course)),
    extensions(("x-permission" = json!("courses.read")), ("x-scope" = json!("any"))))]
#[get("/{course_id}")]
async fn get_course(call: Call, id: Path<Ref<Course>>, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| Reply::unless_known(&access::read(tx, &id)?, &known))
        .await
}

/// Update a course.
///
/// Changes its working copy; published versions stay as they are.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path)), request_body = UpdateCourse,
    responses((status = 200, body = Course)), extensions(("x-permission" = json!("courses.write"))))]
#[patch("/{course_id}")]
async fn update_course(
    call: Call,
    id: Path<Ref<Course>>,
    known: IfMatch,
    body: Valid<UpdateCourse>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = access::authorize(tx, &id, Permission::CoursesWrite)?;
        known.check(&*before)?;
        let mut faults = Faults::default();
        faults.check(categories::check::require_open(tx, body.0.category_id.flatten()))?;
        faults.last(store::refuse_taken_code(
            tx,
            body.0.code.as_deref(),
            Some(before.id),
        ))?;
        if let Some(category) = body
            .0
            .category_id
            .filter(|category| *category != before.category_id)
        {
            moving::check(tx, &before, category)?;
        }
        let course = store::update(tx, &before, &body.0)?;
        access::confirm::<Course>(tx, course.id, Permission::CoursesWrite)?;
        changed(tx, "course.updated", &before, &course);
        Reply::resource(&course)
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
        let copy = copy_of(access::read(tx, &id)?, body.0.clone());
        add(tx, &copy)
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
        let before = access::authorize(tx, &id, Permission::CoursesWrite)?;
        if before.status == CourseStatus::Retired {
            return Err(ApiError::new(Code::CourseRetired, "It is retired already."));
        }
        let course = store::set_retired(tx, &before, Some(tx.now))?;
        changed(tx, "course.retired", &before, &course);
        Reply::resource(&course)
    })
    .await
}

/// Restore a retired course.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path)), responses((status = 200, body = Course)),
    extensions(("x-permission" = json!("courses.write"))))]
#[delete("/{course_id}/retirement")]
async fn restore_course(call: Call, id: Path<Ref<Course>>, known: IfMatch) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = access::authorize(tx, &id, Permission::CoursesWrite)?;
        known.check(&*before)?;
        if before.status != CourseStatus::Retired {
            return Err(ApiError::new(Code::Conflict, "It is not retired."));
        }
        let course = store::set_retired(tx, &before, None)?;
        changed(tx, "course.restored", &before, &course);
        Reply::resource(&course)
    })
    .await
}

fn add(tx: &mut Tx, new: &CreateCourse) -> ApiResult<Reply> {
    let mut faults = Faults::default();
    faults.check(categories::check::require_open(tx, new.category_id))?;
    faults.last(store::refuse_taken_code(tx, Some(&new.code), None))?;
    let course = store::insert(tx, Uuid::now_v7(), new)?;
    access::confirm::<Course>(tx, course.id, Permission::CoursesWrite)?;
    tx.record(Event::new("course.created", "course", course.id).after(&course));
    Reply::created(&course, format!("/v1/courses/{}", course.id))
}

fn copy_of(course: Course, asked: CloneCourse) -> CreateCourse {
    CreateCourse {
        code: asked.code,
        title: asked.title.unwrap_or(course.title),
        summary: course.summary,
        description: course.description,
        language: course.language,
        category_id: asked.category_id.unwrap_or(course.category_id),
        tags: course.tags,
        provider: course.provider,
        level: course.level,
        duration_minutes: course.duration_minutes,
        credits: course.credits,
        validity_period: course.validity_period,
        modules: course.modules,
    }
}

fn changed(tx: &mut Tx, action: &'static str, before: &Course, after: &Course) {
    tx.record(Event::new(action, "course", after.id).before(before).after(after));
}
