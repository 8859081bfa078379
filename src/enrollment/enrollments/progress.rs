//! Enrolls users, records their progress, completes and withdraws enrollments: the same statements for one and for a thousand.

use std::collections::HashMap;

use diesel::{QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::{
    model::{
        CreateEnrollment, Enrollment, EnrollmentKind, EnrollmentSource, EnrollmentState, EnrollmentVersion,
        UpdateEnrollment, WithdrawEnrollment,
    },
    store,
};
use crate::{
    app::{Tx, Wake},
    authz::{Authorized, Permission},
    catalog::courses::modules::Modules,
    db::schema::course_versions,
    enrollment::{
        completions::{
            model::CompletionSource,
            record::{self, NewCompletion},
        },
        events::{
            ENROLLMENT_COMPLETED, ENROLLMENT_CREATED, ENROLLMENT_MOVED, ENROLLMENT_UPDATED,
            ENROLLMENT_WITHDRAWN,
        },
        people::{self, Pair},
    },
    http::{
        ApiError, ApiResult, Code,
        bulk::{Outcome, Outcomes, first, write_each},
    },
    ledger::{Event, EventKind},
};

/// Enrolls users. Each is checked and refused by itself.
pub fn enroll(tx: &mut Tx, new: Vec<CreateEnrollment>) -> ApiResult<Outcomes<Enrollment>> {
    let pairs: Vec<Pair> = new.iter().map(|new| (new.user_id, new.course_id)).collect();
    let allowed = people::allow(tx, Permission::EnrollmentsWrite, &pairs)?;
    let allowed = pairs.into_iter().zip(allowed);
    let allowed = allowed.map(|(pair, allowed)| allowed.map(|()| pair));
    write_each(allowed.collect(), |pairs| enroll_allowed(tx, pairs))
}

fn enroll_allowed(tx: &mut Tx, pairs: Vec<Pair>) -> ApiResult<Outcomes<Enrollment>> {
    let learners = people::lock(tx, pairs.iter().map(|(user, _)| *user))?;
    let courses = people::courses(tx, pairs.iter().map(|(_, course)| *course))?;
    let mut live: HashMap<Pair, Uuid> = store::live(tx, pairs.iter().copied())?
        .into_iter()
        .map(|(pair, enrollment)| (pair, enrollment.id))
        .collect();
    let (now, caller) = (tx.now, tx.caller.person());
    let mut rows = Vec::new();
    let outcomes = pairs.into_iter().map(|pair| {
        let (user_id, course_id) = pair;
        learners.check_learns(user_id)?;
        let course = courses.open(course_id)?;
        if let Some(live) = live.get(&pair) {
            return Err(ApiError::new(
                Code::AlreadyEnrolled,
                format!("They take this course already: /v1/enrollments/{live}."),
            ));
        }
        let source = match caller == Some(user_id) {
            true => EnrollmentSource::Self_,
            false => EnrollmentSource::Person,
        };
        let enrollment = Enrollment::new(pair, course.version_id, source, EnrollmentKind::Normal, now);
        live.insert(pair, enrollment.id);
        rows.push(enrollment.clone());
        Ok(Outcome::Created(enrollment))
    });
    let outcomes = outcomes.collect();
    store::insert(tx, &rows)?;
    for enrollment in &rows {
        let event = Event::new(&ENROLLMENT_CREATED, enrollment.id);
        tx.record(event.about(enrollment.user_id).after(enrollment));
    }
    Ok(outcomes)
}

/// Records progress; all of it completes the enrollment.
pub fn advance(
    tx: &mut Tx,
    before: &Authorized<Enrollment>,
    changes: &UpdateEnrollment,
) -> ApiResult<Enrollment> {
    people::lock(tx, [before.user_id])?;
    check_live(before)?;
    let Some(percent) = changes.progress_percent else {
        return Ok((**before).clone());
    };
    refuse_tracked(tx, before)?;
    if percent == 100 {
        return match before.kind {
            EnrollmentKind::Normal => complete_by_progress(tx, before),
            // A test leaves no evidence.
            EnrollmentKind::Test => one(complete(tx, std::slice::from_ref(before))?),
        };
    }
    let is_begun = percent > 0 || before.started_at.is_some();
    one(write(
        tx,
        &ENROLLMENT_UPDATED,
        vec![advanced(tx, before, percent, is_begun)],
    )?)
}

/// Gives live enrollments the progress that their activities come to. Their learners have begun.
pub fn follow_activities(tx: &mut Tx, progress: &[(&Enrollment, i16)]) -> ApiResult<()> {
    let changes = progress
        .iter()
        .map(|(before, percent)| advanced(tx, before, *percent, true));
    let changes: Vec<Change> = changes.filter(|change| change.after != *change.before).collect();
    write(tx, &ENROLLMENT_UPDATED, changes).map(drop)
}

/// Gives live enrollments of a course another version of it. `numbers` are those of the versions, by their ids.
pub fn move_to(
    tx: &mut Tx,
    live: &[Enrollment],
    course_version_id: Uuid,
    numbers: &HashMap<Uuid, i32>,
) -> ApiResult<Vec<Enrollment>> {
    let version = |enrollment: &Enrollment| EnrollmentVersion {
        enrollment_id: enrollment.id,
        course_id: enrollment.course_id,
        course_version_id: enrollment.course_version_id,
        course_version_number: numbers
            .get(&enrollment.course_version_id)
            .copied()
            .unwrap_or_default(),
    };
    let mut moved = Vec::with_capacity(live.len());
    for before in live {
        let after = Enrollment {
            course_version_id,
            version: before.version + 1,
            updated_at: tx.now,
            ..before.clone()
        };
        let event = Event::new(&ENROLLMENT_MOVED, after.id).about(after.user_id);
        tx.record(event.before(&version(before)).after(&version(&after)));
        moved.push(after);
    }
    store::update(tx, &moved)?;
    Ok(moved)
}

fn advanced<'a>(tx: &Tx, before: &'a Enrollment, percent: i16, is_begun: bool) -> Change<'a> {
    let mut after = before.clone();
    after.progress_percent = percent;
    if is_begun {
        after.state = EnrollmentState::InProgress;
        after.started_at = before.started_at.or(Some(tx.now));
    }
    Change {
        before,
        after,
        reason: None,
    }
}

/// Where Provost records what learners do, they do not tell it themselves.
fn refuse_tracked(tx: &mut Tx, enrollment: &Enrollment) -> ApiResult<()> {
    if tx.caller.person() != Some(enrollment.user_id) {
        return Ok(());
    }
    let modules: Modules = course_versions::table
        .find(enrollment.course_version_id)
        .select(course_versions::modules)
        .first(tx.conn)?;
    if modules.is_tracked() {
        return Err(ApiError::new(
            Code::ProgressIsTracked,
            "Progress follows from the activities of this course: open them by \
             POST /v1/enrollments/{enrollment_id}/activities/{activity_id}/launches.",
        ));
    }
    Ok(())
}

fn complete_by_progress(tx: &mut Tx, before: &Enrollment) -> ApiResult<Enrollment> {
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
        expires_on: None,
    };
    if let Outcome::Present(_) = first(record::record(tx, vec![new])?)? {
        return one(complete(tx, std::slice::from_ref(before))?);
    }
    store::find(tx, before.user_id, before.id)
}

/// Completes live enrollments, as part of recording their completions.
pub(in crate::enrollment) fn complete(tx: &mut Tx, live: &[Enrollment]) -> ApiResult<Vec<Enrollment>> {
    let now = tx.now;
    let changes = live.iter().map(|before| Change {
        before,
        after: Enrollment {
            state: EnrollmentState::Completed,
            progress_percent: 100,
            started_at: before.started_at.or(Some(now)),
            ended_at: Some(now),
            ..before.clone()
        },
        reason: None,
    });
    write(tx, &ENROLLMENT_COMPLETED, changes.collect())
}

/// Withdraws live enrollments. Their progress stays on record.
pub fn withdraw(
    tx: &mut Tx,
    withdrawn: Vec<(Authorized<Enrollment>, WithdrawEnrollment)>,
) -> ApiResult<Outcomes<Enrollment>> {
    let now = tx.now;
    let checked = withdrawn.iter().map(|(before, withdrawal)| {
        check_live(before)?;
        Ok(Change {
            before,
            after: Enrollment {
                state: EnrollmentState::Withdrawn,
                ended_at: Some(now),
                ..(**before).clone()
            },
            reason: withdrawal.reason.clone(),
        })
    });
    write_each(checked.collect(), |changes| {
        let withdrawn = write(tx, &ENROLLMENT_WITHDRAWN, changes)?.into_iter();
        withdrawn
            .as_slice()
            .iter()
            .for_each(|withdrawn| tx.wake(Wake::Launches(withdrawn.user_id)));
        Ok(withdrawn.map(Outcome::Present).map(Ok).collect())
    })
}

/// An enrollment as it was, and as it is to be.
struct Change<'a> {
    before: &'a Enrollment,
    after: Enrollment,
    reason: Option<String>,
}

/// Writes changes with their events.
fn write(tx: &mut Tx, kind: &EventKind, changes: Vec<Change>) -> ApiResult<Vec<Enrollment>> {
    let mut written = Vec::with_capacity(changes.len());
    for Change {
        before,
        mut after,
        reason,
    } in changes
    {
        after.version += 1;
        after.updated_at = tx.now;
        let event = Event::new(kind, after.id).about(after.user_id);
        tx.record(event.before(before).after(&after).because(reason));
        written.push(after);
    }
    store::update(tx, &written)?;
    Ok(written)
}

fn one(written: Vec<Enrollment>) -> ApiResult<Enrollment> {
    let written = written.into_iter().next();
    written.ok_or_else(|| ApiError::internal("a change has no outcome"))
}

/// 409 for an enrollment that has ended.
pub fn check_live(enrollment: &Enrollment) -> ApiResult<()> {
    if enrollment.state.is_live() {
        return Ok(());
    }
    Err(ApiError::new(
        Code::EnrollmentNotLive,
        format!(
            "The enrollment is {} already; enroll again.",
            enrollment.state.as_str()
        ),
    ))
}

/// The same, and 409 for one that was completed is not: its activities stay open to the learner.
pub fn check_open(enrollment: &Enrollment) -> ApiResult<()> {
    match enrollment.state {
        EnrollmentState::Completed => Ok(()),
        _ => check_live(enrollment),
    }
}
