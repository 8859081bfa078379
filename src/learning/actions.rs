//! What learners declare, and what instructors and administrators confirm, correct, reset and grant.

use uuid::Uuid;

use super::{
    events::{ACTIVITY_ATTEMPTS_GRANTED, ACTIVITY_CORRECTED, ACTIVITY_RESET},
    model::{
        ActivityProgressState, ActivityRecord, CorrectActivity, CorrectedState, CreateConfirmation,
        CreateDeclaration, EnrollmentActivity, GrantAttempts, ResetActivity,
    },
    store,
    track::{self, Learning},
};
use crate::{
    app::{EventKind, Tx},
    authz::Authorized,
    catalog::courses::modules::{Activity, Criterion},
    enrollment::{
        enrollments::{model::Enrollment, progress},
        people,
    },
    http::{ApiError, ApiResult, Code},
    ledger::Event,
};

/// Locks what is written about a learner and reads what there is.
pub fn begin(tx: &mut Tx, enrollment: Authorized<Enrollment>) -> ApiResult<Learning> {
    people::lock(tx, [enrollment.user_id])?.check_learns(enrollment.user_id)?;
    Learning::load(tx, enrollment.into_inner())
}

/// The learner declares to have read and understood.
pub fn declare(
    tx: &mut Tx,
    enrollment: Authorized<Enrollment>,
    activity_id: Uuid,
    declaration: &CreateDeclaration,
) -> ApiResult<EnrollmentActivity> {
    let mut learning = begin(tx, enrollment)?;
    let activity = learning.activity(activity_id)?;
    if !matches!(activity.criterion, Some(Criterion::Declared { .. })) {
        return Err(not_wanted(
            "This activity asks for no declaration: its `criterion` says what completes it.",
        ));
    }
    refuse_other_users(tx, learning.enrollment.user_id)?;
    check_open(&learning, &activity)?;
    let mut record = learning.record(tx, activity_id);
    if record.completed_at.is_none() {
        record.declared_as = Some(declaration.name.clone());
        track::complete(tx, &mut record);
        learning.write(tx, record)?;
    }
    learning.show_one(tx, activity_id)
}

/// Somebody else than the learner confirms it.
pub fn confirm(
    tx: &mut Tx,
    enrollment: Authorized<Enrollment>,
    activity_id: Uuid,
    confirmation: &CreateConfirmation,
) -> ApiResult<EnrollmentActivity> {
    refuse_learner(tx, &enrollment)?;
    let mut learning = begin(tx, enrollment)?;
    let activity = learning.activity(activity_id)?;
    if !matches!(activity.criterion, Some(Criterion::Confirmed {})) {
        return Err(not_wanted(
            "This activity asks for no confirmation: its `criterion` says what completes it.",
        ));
    }
    progress::check_open(&learning.enrollment)?;
    let mut record = learning.record(tx, activity_id);
    record.score = confirmation.score.or(record.score);
    track::complete(tx, &mut record);
    learning.write(tx, record)?;
    learning.show_one(tx, activity_id)
}

/// Corrects what is on record. An attempt that is open ends, and what was reported until now counts no more: the correction stands
/// until a later attempt reports.
pub fn correct(
    tx: &mut Tx,
    mut learning: Learning,
    activity_id: Uuid,
    correction: &CorrectActivity,
) -> ApiResult<EnrollmentActivity> {
    let mut record = tracked(tx, &learning, activity_id)?;
    record.corrected_at = Some(tx.now);
    if store::end_attempt(tx, &record)? {
        leave_an_attempt(tx, &learning, &mut record)?;
    }
    if let Some(score) = correction.score {
        record.score = score;
    }
    match correction.state {
        Some(CorrectedState::Completed) => track::complete(tx, &mut record),
        Some(state) => {
            record.completed_at = None;
            record.progress_percent = record.progress_percent.min(99);
            record.state = match state {
                CorrectedState::Failed => ActivityProgressState::Failed,
                _ => ActivityProgressState::InProgress,
            };
        }
        None => {}
    }
    write(tx, &mut learning, record, &ACTIVITY_CORRECTED, &correction.reason)?;
    learning.show_one(tx, activity_id)
}

/// Takes back how far the learner is, and the score. An attempt that is open ends; all stay on record and count no more. The next launch
/// begins another one.
pub fn reset(
    tx: &mut Tx,
    enrollment: Authorized<Enrollment>,
    activity_id: Uuid,
    reset: &ResetActivity,
) -> ApiResult<EnrollmentActivity> {
    refuse_learner(tx, &enrollment)?;
    let mut learning = begin(tx, enrollment)?;
    let mut record = tracked(tx, &learning, activity_id)?;
    leave_an_attempt(tx, &learning, &mut record)?;
    record = ActivityRecord {
        state: ActivityProgressState::InProgress,
        progress_percent: 0,
        score: None,
        position_seconds: None,
        declared_as: None,
        completed_at: None,
        corrected_at: Some(tx.now),
        ..record
    };
    store::end_attempt(tx, &record)?;
    let record = write(tx, &mut learning, record, &ACTIVITY_RESET, &reset.reason)?;
    store::forget_watched(tx, &record)?;
    learning.show_one(tx, activity_id)
}

/// Grants more attempts.
pub fn grant(
    tx: &mut Tx,
    enrollment: Authorized<Enrollment>,
    activity_id: Uuid,
    grant: &GrantAttempts,
) -> ApiResult<EnrollmentActivity> {
    refuse_learner(tx, &enrollment)?;
    let mut learning = begin(tx, enrollment)?;
    let activity = learning.activity(activity_id)?;
    if activity.attempts.is_none() {
        return Err(not_wanted("This activity has no limit of attempts."));
    }
    let mut record = tracked(tx, &learning, activity_id)?;
    record.attempts_granted = match record.attempts_granted.checked_add(grant.count) {
        Some(granted) if granted <= 1_000 => granted,
        _ => {
            return Err(ApiError::field(
                "/count",
                "makes more than 1,000 granted attempts",
            ));
        }
    };
    write(
        tx,
        &mut learning,
        record,
        &ACTIVITY_ATTEMPTS_GRANTED,
        &grant.reason,
    )?;
    learning.show_one(tx, activity_id)
}

/// Sees to it that the learner may begin another attempt.
fn leave_an_attempt(tx: &mut Tx, learning: &Learning, record: &mut ActivityRecord) -> ApiResult<()> {
    let activity = learning.activity(record.activity_id)?;
    let used = store::attempts_used(tx, &learning.enrollment)?;
    let used = used.get(&activity.id).copied().unwrap_or_default();
    if track::attempts_left(&activity, Some(record), used) == Some(0) {
        record.attempts_granted = record.attempts_granted.saturating_add(1);
    }
    Ok(())
}

/// What is on record about an activity that Provost tracks.
fn tracked(tx: &Tx, learning: &Learning, activity_id: Uuid) -> ApiResult<ActivityRecord> {
    if !learning.activity(activity_id)?.is_tracked() {
        return Err(not_wanted(
            "Nothing is recorded of this activity: it has no `criterion`.",
        ));
    }
    Ok(learning.record(tx, activity_id))
}

/// Writes a change of an administrator, with its reason.
fn write(
    tx: &mut Tx,
    learning: &mut Learning,
    record: ActivityRecord,
    kind: &EventKind,
    reason: &str,
) -> ApiResult<ActivityRecord> {
    let before = learning.record(tx, record.activity_id);
    let record = learning.write(tx, record)?;
    let event = Event::new(kind, record.activity_id).about(record.user_id);
    tx.record(
        event
            .before(&before)
            .after(&record)
            .because(Some(reason.to_owned())),
    );
    Ok(record)
}

/// 409 for an enrollment that has ended without being completed, and for an activity that is locked.
pub fn check_open(learning: &Learning, activity: &Activity) -> ApiResult<()> {
    progress::check_open(&learning.enrollment)?;
    match learning.outline().locked.remove(&activity.id) {
        Some(reasons) => Err(ApiError::new(Code::ActivityLocked, reasons.join(" "))),
        None => Ok(()),
    }
}

/// 403 for other users than the learner, as whose doing it is recorded. Service accounts act for front ends whose users these are.
pub fn refuse_other_users(tx: &Tx, learner: Uuid) -> ApiResult<()> {
    match tx.caller.person() {
        Some(person) if person != learner => Err(ApiError::new(
            Code::Forbidden,
            "Only the learner does this, since it is recorded as theirs. Others look at what is completed with `mode` \
             `review`, confirm, or correct.",
        )),
        _ => Ok(()),
    }
}

/// 403 for learners: somebody else must say so.
pub fn refuse_learner(tx: &Tx, enrollment: &Enrollment) -> ApiResult<()> {
    if tx.caller.person() == Some(enrollment.user_id) {
        return Err(ApiError::new(
            Code::Forbidden,
            "Learners cannot do this for themselves; ask an instructor or administrator.",
        ));
    }
    Ok(())
}

fn not_wanted(detail: &'static str) -> ApiError {
    ApiError::new(Code::Conflict, detail)
}
