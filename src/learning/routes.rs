//! `/v1/enrollments/{enrollment_id}/activities`.

use actix_web::{get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    actions, launches,
    model::{
        Attempt, CorrectActivity, CreateConfirmation, CreateDeclaration, CreateLaunch, EnrollmentActivities,
        EnrollmentActivity, GrantAttempts, Launch, ResetActivity,
    },
    store, support,
    track::Learning,
};
use crate::{
    app::{Call, Tx},
    authz::{self, Authorized, Permission},
    enrollment::enrollments::model::Enrollment,
    http::{ApiResult, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
};

/// The routes of this domain.
pub fn configure(config: &mut ServiceConfig) {
    support::routes::configure(config);
    config.service(
        utoipa_actix_web::scope("/enrollments/{enrollment_id}/activities")
            .service(list_enrollment_activities)
            .service(get_enrollment_activity)
            .service(correct_enrollment_activity)
            .service(create_launch)
            .service(create_declaration)
            .service(create_confirmation)
            .service(reset_enrollment_activity)
            .service(grant_attempts)
            .service(list_attempts),
    );
}

/// The ids of an address: an enrollment and an activity of it.
type Ids = Path<(Ref<Enrollment>, Uuid)>;

fn writable(tx: &mut Tx, id: &Ref<Enrollment>) -> ApiResult<Authorized<Enrollment>> {
    authz::authorize(tx, id, Permission::EnrollmentsWrite)
}

/// List the activities of an enrollment.
///
/// The modules of the course with their activities: how far the learner is with each, what is locked and why, and how many
/// attempts are left.
#[utoipa::path(tag = "learning", params(("enrollment_id" = String, Path)),
    responses((status = 200, body = EnrollmentActivities)), extensions(("x-permission" = json!("enrollments.read"))))]
#[get("")]
async fn list_enrollment_activities(call: Call, id: Path<Ref<Enrollment>>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let enrollment = authz::read(tx, &id)?;
        Reply::ok(&Learning::load(tx, enrollment)?.show(tx)?)
    })
    .await
}

/// Get an activity of an enrollment.
#[utoipa::path(tag = "learning", params(("enrollment_id" = String, Path), ("activity_id" = Uuid, Path)),
    responses((status = 200, body = EnrollmentActivity)), extensions(("x-permission" = json!("enrollments.read"))))]
#[get("/{activity_id}")]
async fn get_enrollment_activity(call: Call, ids: Ids, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| {
        let enrollment = authz::read(tx, &ids.0)?;
        let activity = Learning::load(tx, enrollment)?.show_one(tx, ids.1)?;
        Reply::unless_known(&activity, &known)
    })
    .await
}

/// Correct an activity of an enrollment.
///
/// For administrators and instructors, not for the learner. Completing the last required activity completes the course; taking
/// a completion of an activity back does not take back that of the course, which is corrected for itself.
#[utoipa::path(tag = "learning", params(("enrollment_id" = String, Path), ("activity_id" = Uuid, Path)),
    request_body = CorrectActivity, responses((status = 200, body = EnrollmentActivity)),
    extensions(("x-permission" = json!("enrollments.write"))))]
#[patch("/{activity_id}")]
async fn correct_enrollment_activity(
    call: Call,
    ids: Ids,
    known: IfMatch,
    body: Valid<CorrectActivity>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let enrollment = writable(tx, &ids.0)?;
        actions::refuse_learner(tx, &enrollment)?;
        let learning = actions::begin(tx, enrollment)?;
        known.check(&learning.show_one(tx, ids.1)?)?;
        Reply::resource(&actions::correct(tx, learning, ids.1, &body.0)?)
    })
    .await
}

/// Launch an activity.
///
/// Answers the address under which the learner opens it: in a frame, in a window, or in place of the front end's page. It is
/// the permission, for this learner, this attempt and at most 12 hours. A newer launch of the same attempt takes over from an
/// older one. Links are answered as they are. Opening completes what has the criterion `viewed`.
///
/// 409: `activity_locked`, `attempts_used_up`, or `enrollment_not_live`. What is completed can be looked at again (`review`).
#[utoipa::path(tag = "learning", params(("enrollment_id" = String, Path), ("activity_id" = Uuid, Path)),
    request_body = CreateLaunch, responses((status = 201, body = Launch)),
    extensions(("x-permission" = json!("enrollments.write"))))]
#[post("/{activity_id}/launches")]
async fn create_launch(call: Call, ids: Ids, body: Valid<CreateLaunch>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let enrollment = writable(tx, &ids.0)?;
        Reply::created_part(&launches::launch(tx, enrollment, ids.1, &body.0)?)
    })
    .await
}

/// Declare to have read and understood.
///
/// For activities with the criterion `declared`: the learner confirms its text with their name.
#[utoipa::path(tag = "learning", params(("enrollment_id" = String, Path), ("activity_id" = Uuid, Path)),
    request_body = CreateDeclaration, responses((status = 200, body = EnrollmentActivity)),
    extensions(("x-permission" = json!("enrollments.write"))))]
#[post("/{activity_id}/declarations")]
async fn create_declaration(call: Call, ids: Ids, body: Valid<CreateDeclaration>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let enrollment = writable(tx, &ids.0)?;
        Reply::resource(&actions::declare(tx, enrollment, ids.1, &body.0)?)
    })
    .await
}

/// Confirm that a learner did an activity.
///
/// For activities with the criterion `confirmed`, by anybody who may write the enrollment except the learner.
#[utoipa::path(tag = "learning", params(("enrollment_id" = String, Path), ("activity_id" = Uuid, Path)),
    request_body = CreateConfirmation, responses((status = 200, body = EnrollmentActivity)),
    extensions(("x-permission" = json!("enrollments.write"))))]
#[post("/{activity_id}/confirmations")]
async fn create_confirmation(call: Call, ids: Ids, body: Valid<CreateConfirmation>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let enrollment = writable(tx, &ids.0)?;
        Reply::resource(&actions::confirm(tx, enrollment, ids.1, &body.0)?)
    })
    .await
}

/// Reset an activity of an enrollment.
///
/// Takes back how far the learner is, and ends the attempt that is open. Old attempts stay on record, and the next launch
/// begins another one, which is granted where none was left.
#[utoipa::path(tag = "learning", params(("enrollment_id" = String, Path), ("activity_id" = Uuid, Path)),
    request_body = ResetActivity, responses((status = 200, body = EnrollmentActivity)),
    extensions(("x-permission" = json!("enrollments.write"))))]
#[post("/{activity_id}/resets")]
async fn reset_enrollment_activity(call: Call, ids: Ids, body: Valid<ResetActivity>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let enrollment = writable(tx, &ids.0)?;
        Reply::resource(&actions::reset(tx, enrollment, ids.1, &body.0)?)
    })
    .await
}

/// Grant more attempts at an activity.
#[utoipa::path(tag = "learning", params(("enrollment_id" = String, Path), ("activity_id" = Uuid, Path)),
    request_body = GrantAttempts, responses((status = 200, body = EnrollmentActivity)),
    extensions(("x-permission" = json!("enrollments.write"))))]
#[post("/{activity_id}/attempt-grants")]
async fn grant_attempts(call: Call, ids: Ids, body: Valid<GrantAttempts>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let enrollment = writable(tx, &ids.0)?;
        Reply::resource(&actions::grant(tx, enrollment, ids.1, &body.0)?)
    })
    .await
}

/// List the attempts at an activity.
///
/// Of SCORM packages, the first one first.
#[utoipa::path(tag = "learning", params(("enrollment_id" = String, Path), ("activity_id" = Uuid, Path), ListQuery),
    responses((status = 200, body = Page<Attempt>)), extensions(("x-permission" = json!("enrollments.read"))))]
#[get("/{activity_id}/attempts")]
async fn list_attempts(call: Call, ids: Ids, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let enrollment = authz::read(tx, &ids.0)?;
        Reply::page(&store::list_attempts(tx, &enrollment, ids.1, &query.0)?)
    })
    .await
}
