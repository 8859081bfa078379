//! `/v1/enrollments`.

use actix_web::{get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{BulkEnrollmentRow, CreateEnrollment, Enrollment, UpdateEnrollment, WithdrawEnrollment},
    progress, store,
};
use crate::{
    app::Call,
    authz::{self, Permission},
    enrollment::{EXPANSIONS, bulk},
    http::{
        ApiResult, IfMatch, IfNoneMatch, Page, Query, Ref, Reply, Valid,
        bulk::{BulkAnswer, BulkBody, BulkRequest, only},
    },
    resource::{
        list::{ReadQuery, ResourceQuery},
        routes::{list_with, show},
    },
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/enrollments")
            .service(list_enrollments)
            .service(create_enrollment)
            .service(bulk_write_enrollments)
            .service(get_enrollment)
            .service(update_enrollment)
            .service(withdraw_enrollment),
    );
}

/// List enrollments.
#[utoipa::path(tag = "enrollments", params(ResourceQuery), responses((status = 200, body = Page<Enrollment>)),
    extensions(("x-permission" = json!("enrollments.read"))))]
#[get("")]
async fn list_enrollments(call: Call, query: Query<ResourceQuery>) -> ApiResult<Reply> {
    list_with(call, query.0, EXPANSIONS, |tx, query| {
        store::list(tx, &query.list())
    })
    .await
}

/// Enroll a user.
///
/// In the version of the course that is published now. Learners may enroll themselves.
#[utoipa::path(tag = "enrollments", request_body = CreateEnrollment, responses((status = 201, body = Enrollment)),
    extensions(("x-permission" = json!("enrollments.write"))))]
#[post("")]
async fn create_enrollment(call: Call, body: Valid<CreateEnrollment>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let enrollment = only(progress::enroll(tx, vec![body.0.clone()])?)?;
        Reply::created(&enrollment, format!("/v1/enrollments/{}", enrollment.id))
    })
    .await
}

/// Enroll users and withdraw enrollments in bulk.
///
/// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
/// Withdrawals come first, so that a request may withdraw an enrollment and enroll the same user again. With an
/// `Idempotency-Key` you can safely repeat the whole request.
#[utoipa::path(tag = "enrollments", request_body = BulkRequest<BulkEnrollmentRow>,
    responses((status = 200, body = BulkAnswer<Enrollment>)),
    extensions(("x-permission" = json!("enrollments.write"))))]
#[post("/bulk")]
async fn bulk_write_enrollments(call: Call, body: BulkBody) -> ApiResult<Reply> {
    let permission = Permission::EnrollmentsWrite;
    bulk::respond::<BulkEnrollmentRow, _, _>(call, body, permission, progress::enroll, progress::withdraw)
        .await
}

/// Get an enrollment.
#[utoipa::path(tag = "enrollments", params(("enrollment_id" = String, Path), ReadQuery),
    responses((status = 200, body = Enrollment)), extensions(("x-permission" = json!("enrollments.read"))))]
#[get("/{enrollment_id}")]
async fn get_enrollment(
    call: Call,
    id: Path<Ref<Enrollment>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let enrollment = authz::read(tx, &id)?;
        show(tx, enrollment, &known, query.0.expand.as_deref(), EXPANSIONS)
    })
    .await
}

/// Update the progress of an enrollment.
///
/// All of it, 100, completes the enrollment and records a completion.
#[utoipa::path(tag = "enrollments", params(("enrollment_id" = String, Path)), request_body = UpdateEnrollment,
    responses((status = 200, body = Enrollment)), extensions(("x-permission" = json!("enrollments.write"))))]
#[patch("/{enrollment_id}")]
async fn update_enrollment(
    call: Call,
    id: Path<Ref<Enrollment>>,
    known: IfMatch,
    body: Valid<UpdateEnrollment>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = authz::authorize(tx, &id, Permission::EnrollmentsWrite)?;
        known.check(&*before)?;
        Reply::resource(&progress::advance(tx, &before, &body.0)?)
    })
    .await
}

/// Withdraw an enrollment.
///
/// Its progress stays on record. What must be learnt must be learnt still.
#[utoipa::path(tag = "enrollments", params(("enrollment_id" = String, Path)), request_body = WithdrawEnrollment,
    responses((status = 200, body = Enrollment)), extensions(("x-permission" = json!("enrollments.write"))))]
#[post("/{enrollment_id}/withdrawal")]
async fn withdraw_enrollment(
    call: Call,
    id: Path<Ref<Enrollment>>,
    body: Valid<WithdrawEnrollment>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = authz::authorize(tx, &id, Permission::EnrollmentsWrite)?;
        Reply::resource(&only(progress::withdraw(tx, vec![(before, body.0.clone())])?)?)
    })
    .await
}
