//! Records completions: the evidence, the enrollments that it completes, the requirements that it satisfies. The statements
//! are the same for one and for a thousand.
//!
//! Everything that says that a course was done comes through here: progress, administrators, imports.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use super::{
    known::Known,
    model::{Completion, CompletionSource, CreateCompletion},
    store,
};
use crate::{
    app::Tx,
    authz::Permission,
    enrollment::{
        enrollments,
        events::COMPLETION_CREATED,
        people::{self, Pair},
        rules::reconcile,
    },
    http::{
        ApiError, ApiResult, Faults,
        bulk::{Outcome, Outcomes, write_each},
    },
    ledger::Event,
    people::days::Zones,
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
    /// The source of the evidence.
    pub source: CompletionSource,
    /// The score, of 100.
    pub score: Option<f64>,
    /// What proves it.
    pub evidence: Option<String>,
    /// The last day that the evidence itself names.
    pub expires_on: Option<NaiveDate>,
}

/// Records the completions of a request. Each is checked and refused by itself.
pub fn create(tx: &mut Tx, new: Vec<CreateCompletion>) -> ApiResult<Outcomes<Completion>> {
    let pairs: Vec<Pair> = new.iter().map(|new| (new.user_id, new.course_id)).collect();
    let allowed = people::allow(tx, Permission::CompletionsWrite, &pairs)?;
    let checked = new.into_iter().zip(allowed).map(|(new, allowed)| {
        let new = NewCompletion {
            user_id: new.user_id,
            course_id: new.course_id,
            occurred_at: new.occurred_at.unwrap_or(tx.now),
            source: new.source.unwrap_or_else(|| source(tx)),
            score: new.score,
            evidence: new.evidence,
            expires_on: new.expires_on,
        };
        let mut faults = Faults::default();
        faults.check(happened(tx, new.occurred_at))?;
        faults.last(allowed)?;
        Ok(new)
    });
    let checked = checked.collect();
    write_each(checked, |new| record(tx, new))
}

/// Records completions. A known completion changes nothing. The course version is that of the live enrollment, or else the
/// current one. A completion that has expired completes no enrollment. Archived users may have completed
/// a course before they left.
pub fn record(tx: &mut Tx, new: Vec<NewCompletion>) -> ApiResult<Outcomes<Completion>> {
    let learners = people::lock(tx, new.iter().map(|new| new.user_id))?;
    let mut known = Known::load(tx, &new)?;
    let zones = Zones::of(tx, &learners.ids())?;
    let courses = people::courses(tx, new.iter().map(|new| new.course_id))?;
    let mut live = enrollments::store::live(tx, new.iter().map(|new| (new.user_id, new.course_id)))?;
    let versions = people::versions(tx, live.values().map(|live| live.course_version_id))?;
    let now = tx.now;
    let (mut rows, mut completed) = (Vec::new(), Vec::new());
    let outcomes = new.into_iter().map(|new| {
        learners.check_exists(new.user_id)?;
        if let Some(known) = known.find(&new)? {
            return Ok(Outcome::Present(known.clone()));
        }
        let pair = (new.user_id, new.course_id);
        let taken = live
            .get(&pair)
            .and_then(|live| versions.get(&live.course_version_id));
        let course = match taken {
            Some(version) => *version,
            None => courses.published(new.course_id)?,
        };
        let occurred_on = zones.day(new.user_id, new.occurred_at);
        expires_after(occurred_on, new.expires_on)?;
        let lasts_until = lasts_until(occurred_on, course.validity_period, new.expires_on);
        let today = zones.day(new.user_id, now);
        let enrollment = counts(today, lasts_until).then(|| live.remove(&pair)).flatten();
        let completion = Completion {
            id: Uuid::now_v7(),
            user_id: new.user_id,
            course_id: new.course_id,
            course_version_id: course.version_id,
            enrollment_id: enrollment.as_ref().map(|enrollment| enrollment.id),
            occurred_at: new.occurred_at,
            occurred_on,
            recorded_at: now,
            source: new.source,
            score: new.score,
            evidence: new.evidence,
            expires_on: new.expires_on,
            supersedes_id: None,
            is_void: false,
            superseded_by_id: None,
        };
        known.add(&completion);
        completed.extend(enrollment);
        rows.push(completion.clone());
        Ok(Outcome::Created(completion))
    });
    let outcomes: Outcomes<Completion> = outcomes.collect();
    store::insert(tx, &rows)?;
    for completion in &rows {
        let event = Event::new(&COMPLETION_CREATED, completion.id);
        tx.record(event.about(completion.user_id).after(completion));
    }
    settle(tx, &rows, &completed)?;
    Ok(outcomes)
}

/// Completes enrollments and reconciles the users of recorded completions.
pub(super) fn settle(
    tx: &mut Tx,
    recorded: &[Completion],
    completed: &[enrollments::model::Enrollment],
) -> ApiResult<()> {
    enrollments::progress::complete(tx, completed)?;
    let mut people: Vec<Uuid> = recorded.iter().map(|completion| completion.user_id).collect();
    people.sort_unstable();
    people.dedup();
    reconcile::reconcile(tx, &*people, None).map(drop)
}

/// Who says so where the caller does not tell.
pub(super) fn source(tx: &Tx) -> CompletionSource {
    match tx.caller.person() {
        Some(_) => CompletionSource::Administrator,
        None => CompletionSource::Integration,
    }
}

/// The last day that a completion of that day counts where no rule says otherwise.
pub(super) fn lasts_until(
    occurred_on: NaiveDate,
    validity_period: Option<Period>,
    expires_on: Option<NaiveDate>,
) -> Option<NaiveDate> {
    let course = validity_period.map(|period| period.after(occurred_on));
    course.into_iter().chain(expires_on).min()
}

/// Whether a completion with that last day counts `today`.
pub(super) fn counts(today: NaiveDate, lasts_until: Option<NaiveDate>) -> bool {
    lasts_until.is_none_or(|day| day >= today)
}

/// Evidence does not expire before it comes about.
pub(super) fn expires_after(occurred_on: NaiveDate, expires_on: Option<NaiveDate>) -> ApiResult<()> {
    if expires_on.is_some_and(|day| day < occurred_on) {
        let fault = format!("must not be before {occurred_on}, the day of occurred_at where the user is");
        return Err(ApiError::field("/expires_on", fault));
    }
    Ok(())
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
