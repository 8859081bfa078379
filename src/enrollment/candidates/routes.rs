//! `/v1/courses/{course_id}/candidates`, and `/v1/enrollments/{enrollment_id}/verdicts`.

use actix_web::{get, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{
        AddCourseTesters, CourseCandidate, CourseCandidateWithFindings, CourseTester, CreateCourseCandidate,
        GiveVerdict, PublishCourseCandidate,
    },
    store, test,
};
use crate::{
    app::{Call, Tx},
    authz::{self, Permission},
    catalog::courses::{findings, model::Course, versions::model::CourseVersionWithFindings},
    enrollment::enrollments::model::Enrollment,
    http::{ApiResult, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
};

/// The routes below those of courses.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_course_candidates)
        .service(create_course_candidate)
        .service(get_course_candidate)
        .service(add_course_testers)
        .service(publish_course_candidate)
        .service(withdraw_course_candidate)
        .service(give_verdict);
}

/// List the candidates of a course.
///
/// Open, published and withdrawn ones. What was found wrong with the contents of one stands with that candidate.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path), ListQuery), responses((status = 200, body = Page<CourseCandidate>)),
    extensions(("x-permission" = json!("courses.write"))))]
#[get("/courses/{course_id}/candidates")]
async fn list_course_candidates(
    call: Call,
    id: Path<Ref<Course>>,
    query: Query<ListQuery>,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let course = authz::authorize(tx, &id, Permission::CoursesWrite)?;
        Reply::page(&store::list(tx, course.id, &query.0)?)
    })
    .await
}

/// Freeze a candidate.
///
/// A frozen copy of the working copy, for testing before release. Each tester gets a test enrollment, which satisfies, completes
/// and certifies nothing and counts in no report. The candidate is published as it stands, or withdrawn; the working copy may
/// change meanwhile.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path)), request_body = CreateCourseCandidate,
    responses((status = 201, body = CourseCandidateWithFindings)), extensions(("x-permission" = json!("courses.write"))))]
#[post("/courses/{course_id}/candidates")]
async fn create_course_candidate(
    call: Call,
    id: Path<Ref<Course>>,
    body: Valid<CreateCourseCandidate>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let course = authz::authorize(tx, &id, Permission::CoursesWrite)?;
        let candidate = test::create(tx, &course, body.0.clone())?;
        let location = format!("/v1/courses/{}/candidates/{}", course.id, candidate.number);
        Reply::created(&with_findings(tx, candidate)?, location)
    })
    .await
}

/// Get a candidate.
///
/// With its testers and what they say.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path), ("candidate_number" = i32, Path, minimum = 1)),
    responses((status = 200, body = CourseCandidateWithFindings)), extensions(("x-permission" = json!("courses.write"))))]
#[get("/courses/{course_id}/candidates/{candidate_number}")]
async fn get_course_candidate(
    call: Call,
    path: Path<(Ref<Course>, i32)>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    let (id, number) = path.into_inner();
    call.read(move |tx| {
        let course = authz::authorize(tx, &id, Permission::CoursesWrite)?;
        let candidate = store::find(tx, course.id, number)?;
        Reply::unless_known(&with_findings(tx, candidate)?, &known)
    })
    .await
}

/// Add testers to a candidate.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path), ("candidate_number" = i32, Path, minimum = 1)),
    request_body = AddCourseTesters, responses((status = 200, body = CourseCandidateWithFindings)),
    extensions(("x-permission" = json!("courses.write"))))]
#[post("/courses/{course_id}/candidates/{candidate_number}/testers")]
async fn add_course_testers(
    call: Call,
    path: Path<(Ref<Course>, i32)>,
    body: Valid<AddCourseTesters>,
) -> ApiResult<Reply> {
    let (id, number) = path.into_inner();
    call.write(move |tx| {
        let course = authz::authorize(tx, &id, Permission::CoursesWrite)?;
        let candidate = test::add_testers(tx, &course, number, &body.0.user_ids)?;
        Reply::resource(&with_findings(tx, candidate)?)
    })
    .await
}

/// Publish a candidate.
///
/// Exactly what was tested becomes the version that learners who enroll from now on get. Test enrollments end. `findings` are what
/// was found wrong with its contents; those that `/v1/content-checks` lets block are 409 `content_blocks_publishing`.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path), ("candidate_number" = i32, Path, minimum = 1)),
    request_body = PublishCourseCandidate, responses((status = 201, body = CourseVersionWithFindings)),
    extensions(("x-permission" = json!("courses.publish"))))]
#[post("/courses/{course_id}/candidates/{candidate_number}/publication")]
async fn publish_course_candidate(
    call: Call,
    path: Path<(Ref<Course>, i32)>,
    body: Valid<PublishCourseCandidate>,
) -> ApiResult<Reply> {
    let (id, number) = path.into_inner();
    call.write(move |tx| {
        let course = authz::authorize(tx, &id, Permission::CoursesPublish)?;
        let published = test::publish(tx, &course, number, &body.0)?;
        let location = format!("/v1/courses/{}/versions/{}", course.id, published.version.number);
        Reply::created(&published, location)
    })
    .await
}

/// Withdraw a candidate.
///
/// It cannot be published any more. Test enrollments end.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path), ("candidate_number" = i32, Path, minimum = 1)),
    responses((status = 200, body = CourseCandidateWithFindings)), extensions(("x-permission" = json!("courses.write"))))]
#[post("/courses/{course_id}/candidates/{candidate_number}/withdrawal")]
async fn withdraw_course_candidate(call: Call, path: Path<(Ref<Course>, i32)>) -> ApiResult<Reply> {
    let (id, number) = path.into_inner();
    call.write(move |tx| {
        let course = authz::authorize(tx, &id, Permission::CoursesWrite)?;
        let candidate = test::withdraw(tx, &course, number)?;
        Reply::resource(&with_findings(tx, candidate)?)
    })
    .await
}

/// Give a verdict on a candidate.
///
/// By the tester, through their test enrollment: once, with what they noted.
#[utoipa::path(tag = "enrollments", params(("enrollment_id" = String, Path)), request_body = GiveVerdict,
    responses((status = 200, body = CourseTester)), extensions(("x-permission" = json!("enrollments.write"))))]
#[post("/enrollments/{enrollment_id}/verdicts")]
async fn give_verdict(call: Call, id: Path<Ref<Enrollment>>, body: Valid<GiveVerdict>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let enrollment = authz::authorize(tx, &id, Permission::EnrollmentsWrite)?;
        Reply::ok(&test::decide(tx, &enrollment, &body.0)?)
    })
    .await
}

fn with_findings(tx: &mut Tx, candidate: CourseCandidate) -> ApiResult<CourseCandidateWithFindings> {
    let findings = findings::of(tx, &candidate.modules)?;
    Ok(CourseCandidateWithFindings { candidate, findings })
}
