//! Recording completions: the evidence, the enrollment that it completes, the requirements that it satisfies.
//!
//! Everything that says that a course was done comes through here: progress, administrators, imports.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::{OptionalExtension, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::{
    known::Known,
    model::{Completion, CompletionRow, CompletionSource},
    store,
};
use crate::{
    app::Tx,
    db::schema::courses,
    enrollment::{enrollments, people, rules::reconcile},
    http::{ApiError, ApiResult},
    ledger::Event,
    people::days,
    period::Period,
};

/// What is known about a completion.
#[derive(Debug, Clone)]
pub struct NewCompletion {
    /// Who.
    pub user_id: Uuid,
    /// What.
    pub course_id: Uuid,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Who says so.
    pub source: CompletionSource,
    /// The score, of 100.
    pub score: Option<f64>,
    /// What proves it.
    pub evidence: Option<String>,
}

/// What became of a completion.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The completion.
    pub completion: Completion,
    /// Whether it was not known before.
    pub is_new: bool,
}

/// Records a completion, unless it is known already: then nothing changes. Its version is the one of the live enrollment, or else the one that is published now.
/// One that counts no more satisfies nothing, so it ends no enrollment either. Somebody who has left may have done something before.
pub fn record(tx: &mut Tx, new: &NewCompletion) -> ApiResult<Recorded> {
    people::lock(tx, new.user_id)?;
    if let Some(known) = Known::load(tx, std::slice::from_ref(new))?.find(new)? {
        return Ok(Recorded {
            completion: known.clone(),
            is_new: false,
        });
    }
    let enrollment = enrollments::store::live(tx, new.user_id, new.course_id)?;
    let course = match &enrollment {
        Some(enrollment) => people::version(tx, Some(enrollment.course_version_id))?,
        None => current_version(tx, new.course_id)?,
    };
    let occurred_on = days::day(tx, new.user_id, new.occurred_at)?;
    let valid_until = valid_until(occurred_on, course.validity_period);
    let enrollment = enrollment.filter(|_| counts(tx, valid_until));
    let row = CompletionRow {
        id: Uuid::now_v7(),
        user_id: new.user_id,
        course_id: new.course_id,
        course_version_id: course.version_id,
        enrollment_id: enrollment.as_ref().map(|enrollment| enrollment.id),
        occurred_at: new.occurred_at,
        occurred_on,
        recorded_at: tx.now,
        source: new.source,
        score: new.score,
        evidence: new.evidence.clone(),
        valid_until,
        supersedes_id: None,
    };
    let completion = store::insert(tx, &row)?;
    tx.record(
        Event::new("completion.created", "completion", completion.id)
            .about(completion.user_id)
            .after(&completion),
    );
    tx.note_completion(completion.user_id, completion.id);
    if let Some(enrollment) = enrollment {
        enrollments::progress::complete_live(tx, &enrollment)?;
    }
    reconcile::reconcile(tx, completion.user_id, None)?;
    Ok(Recorded {
        completion,
        is_new: true,
    })
}

fn current_version(tx: &mut Tx, course_id: Uuid) -> ApiResult<people::PublishedCourse> {
    let version_id = courses::table
        .find(course_id)
        .select(courses::current_version_id)
        .first(tx.conn)
        .optional()?
        .ok_or_else(people::no_course)?;
    people::version(tx, version_id)
}

/// The last day that a completion of that day counts.
pub(super) fn valid_until(occurred_on: NaiveDate, validity_period: Option<Period>) -> Option<NaiveDate> {
    validity_period.map(|period| period.after(occurred_on))
}

/// Whether a completion with that last day counts today.
pub(super) fn counts(tx: &Tx, valid_until: Option<NaiveDate>) -> bool {
    valid_until.is_none_or(|day| day >= tx.today())
}

/// Nobody has done what lies ahead; clocks may differ a little.
pub(super) fn happened(tx: &Tx, occurred_at: DateTime<Utc>) -> ApiResult<()> {
    if occurred_at > tx.now + TimeDelta::minutes(5) {
        return Err(ApiError::field("/occurred_at", "must not be in the future"));
    }
    if occurred_at.timestamp() < -2_208_988_800 {
        return Err(ApiError::field("/occurred_at", "must be in 1900 or later"));
    }
    Ok(())
}
