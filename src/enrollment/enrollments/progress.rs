//! The life of an enrollment: made, under way, completed or withdrawn.

use super::{
    model::{CreateEnrollment, Enrollment, EnrollmentSource, EnrollmentState, UpdateEnrollment},
    store::{self, Step},
};
use crate::{
    access::Authorized,
    app::Tx,
    enrollment::{
        completions::{
            model::CompletionSource,
            record::{self, NewCompletion},
        },
        people,
    },
    http::{ApiError, ApiResult, Code},
    ledger::Event,
};

/// Enrolls a person.
pub fn enroll(tx: &mut Tx, new: &CreateEnrollment) -> ApiResult<Enrollment> {
    people::lock_learner(tx, new.user_id)?;
    let course = people::published_course(tx, new.course_id)?;
    if let Some(live) = store::live(tx, new.user_id, new.course_id)? {
        return Err(ApiError::new(
            Code::AlreadyEnrolled,
            format!("They take this course already: /v1/enrollments/{}.", live.id),
        ));
    }
    let source = if tx.caller.person() == Some(new.user_id) {
        EnrollmentSource::Self_
    } else {
        EnrollmentSource::Person
    };
    let enrollment = store::insert(tx, new, course.version_id, source)?;
    tx.record(
        Event::new("enrollment.created", "enrollment", enrollment.id)
            .about(enrollment.user_id)
            .after(&enrollment),
    );
    Ok(enrollment)
}

/// Records progress; all of it completes the enrollment.
pub fn advance(
    tx: &mut Tx,
    before: &Authorized<Enrollment>,
    changes: &UpdateEnrollment,
) -> ApiResult<Enrollment> {
    people::lock(tx, before.user_id)?;
    live(before)?;
    let Some(percent) = changes.progress_percent else {
        return Ok((**before).clone());
    };
    if percent == 100 {
        return complete(tx, before);
    }
    let begun = percent > 0 || before.started_at.is_some();
    let step = Step {
        progress_percent: Some(percent),
        state: begun.then_some(EnrollmentState::InProgress),
        started_at: begun.then_some(before.started_at.unwrap_or(tx.now)),
        ended_at: None,
    };
    change(tx, "enrollment.updated", before, &step, None)
}

fn complete(tx: &mut Tx, before: &Authorized<Enrollment>) -> ApiResult<Enrollment> {
    let source = match tx.caller.person() {
        Some(person) if person == before.user_id => CompletionSource::Learner,
        Some(_) => CompletionSource::Administrator,
        None => CompletionSource::Integration,
    };
    let new = NewCompletion {
        user_id: before.user_id,
        course_id: before.course_id,
        occurred_at: tx.now,
        source,
        score: None,
        evidence: None,
    };
    if !record::record(tx, &new)?.is_new {
        complete_live(tx, before)?;
    }
    store::find(tx, before.user_id, before.id)
}

/// Completes a live enrollment, as part of recording its completion.
pub(in crate::enrollment) fn complete_live(tx: &mut Tx, before: &Enrollment) -> ApiResult<Enrollment> {
    let step = Step {
        progress_percent: Some(100),
        state: Some(EnrollmentState::Completed),
        started_at: Some(before.started_at.unwrap_or(tx.now)),
        ended_at: Some(tx.now),
    };
    change(tx, "enrollment.completed", before, &step, None)
}

/// Takes an enrollment back. Its progress stays on record.
pub fn withdraw(
    tx: &mut Tx,
    before: &Authorized<Enrollment>,
    reason: Option<String>,
) -> ApiResult<Enrollment> {
    live(before)?;
    let step = Step {
        state: Some(EnrollmentState::Withdrawn),
        ended_at: Some(tx.now),
        ..Step::default()
    };
    change(tx, "enrollment.withdrawn", before, &step, reason)
}

fn change(
    tx: &mut Tx,
    action: &'static str,
    before: &Enrollment,
    step: &Step,
    reason: Option<String>,
) -> ApiResult<Enrollment> {
    let after = store::update(tx, before, step)?;
    tx.record(
        Event::new(action, "enrollment", after.id)
            .about(after.user_id)
            .before(before)
            .after(&after)
            .because(reason),
    );
    Ok(after)
}

fn live(enrollment: &Enrollment) -> ApiResult<()> {
    if enrollment.state.is_live() {
        return Ok(());
    }
    Err(ApiError::new(
        Code::EnrollmentNotLive,
        format!("It is {} already; enroll again.", enrollment.state.as_str()),
    ))
}
