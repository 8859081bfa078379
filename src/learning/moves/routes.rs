//! `/v1/courses/{course_id}/enrollment-moves`.

use actix_web::{post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{ApplyEnrollmentMoves, EnrollmentMovePlan, PlanEnrollmentMoves},
    plan,
};
use crate::{
    app::Call,
    authz,
    catalog::courses::model::Course,
    http::{ApiResult, Ref, Reply, Valid},
    operations::{self, Operation},
};

/// The routes below those of courses.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(plan_enrollment_moves)
        .service(apply_enrollment_moves);
}

/// Plan moves of enrollments to another version.
///
/// Counts which enrollments in the caller's scope would move from which version, and which activities they would keep. Changes
/// nothing.
#[utoipa::path(tag = "courses", params(("course_id" = String, Path)), request_body = PlanEnrollmentMoves,
    responses((status = 200, body = EnrollmentMovePlan)), extensions(("x-permission" = json!("enrollments.write"))))]
#[post("/courses/{course_id}/enrollment-move-plans")]
async fn plan_enrollment_moves(
    call: Call,
    id: Path<Ref<Course>>,
    body: Valid<PlanEnrollmentMoves>,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let course = authz::read(tx, &id)?;
        Reply::ok(&plan::plan(tx, &course, &body.0)?)
    })
    .await
}

/// Move enrollments to another version.
///
/// As planned: 409 `plan_stale` if enrollments or versions changed since. Learners keep what they did with activities that both
/// versions have; if that is all there is to do, it completes the course. Activities that show other content begin again, unless they
/// are completed. The result of the operation counts the enrollments (`moved`, `completed`).
#[utoipa::path(tag = "courses", params(("course_id" = String, Path)), request_body = ApplyEnrollmentMoves,
    responses((status = 202, body = Operation)), extensions(("x-permission" = json!("enrollments.write"))))]
#[post("/courses/{course_id}/enrollment-moves")]
async fn apply_enrollment_moves(
    call: Call,
    id: Path<Ref<Course>>,
    body: Valid<ApplyEnrollmentMoves>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let course = authz::read(tx, &id)?;
        operations::accepted(&plan::begin(tx, &course, &body.0)?)
    })
    .await
}
