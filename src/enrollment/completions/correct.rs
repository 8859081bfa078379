//! Corrects completions: a new completion supersedes the old one, and requirements that the old one satisfied name the new one.

use uuid::Uuid;

use super::{
    known::Known,
    model::{Completion, CorrectCompletion},
    record::{NewCompletion, counts, happened, settle, source, valid_until},
    store,
};
use crate::{
    app::Tx,
    authz::Authorized,
    enrollment::{
        enrollments,
        events::{COMPLETION_CORRECTED, REQUIREMENT_UPDATED},
        people,
        requirements::model::StoredRequirement,
    },
    http::{
        ApiError, ApiResult, Code,
        bulk::{Outcome, Outcomes, write_each},
    },
    ledger::Event,
    people::days::Zones,
    resource::record::as_json,
    sql,
};

/// A completion, how it is corrected, and what it is corrected to.
type Correction<'a> = (Completion, &'a CorrectCompletion, NewCompletion);

/// Appends corrections. A correction that counts where the old completion did not completes the live enrollment.
pub fn correct(
    tx: &mut Tx,
    asked: Vec<(Authorized<Completion>, CorrectCompletion)>,
) -> ApiResult<Outcomes<Completion>> {
    people::lock(tx, asked.iter().map(|(old, _)| old.user_id))?;
    // They were read before the lock, so they may be out of date.
    let mut present = store::of_ids(tx, asked.iter().map(|(old, _)| (old.user_id, old.id)))?;
    let checked = asked.iter().map(|(old, changes)| {
        let present = present.remove(&old.id);
        let old = present.ok_or_else(|| ApiError::internal("a completion is gone"))?;
        let corrected = corrected(tx, &old, changes)?;
        Ok((old, changes, corrected))
    });
    let checked = checked.collect();
    write_each(checked, |corrections| append(tx, corrections))
}

fn corrected(tx: &Tx, old: &Completion, changes: &CorrectCompletion) -> ApiResult<NewCompletion> {
    if let Some(correction) = old.superseded_by_id {
        return Err(ApiError::new(
            Code::CompletionSuperseded,
            format!("Correct its correction: /v1/completions/{correction}."),
        ));
    }
    let occurred_at = changes.occurred_at.unwrap_or(old.occurred_at);
    happened(tx, occurred_at)?;
    Ok(NewCompletion {
        user_id: old.user_id,
        course_id: old.course_id,
        occurred_at,
        source: source(tx),
        score: changes.score.unwrap_or(old.score),
        evidence: changes.evidence.clone().unwrap_or_else(|| old.evidence.clone()),
    })
}

fn append(tx: &mut Tx, corrections: Vec<Correction>) -> ApiResult<Outcomes<Completion>> {
    let new: Vec<NewCompletion> = corrections.iter().map(|(.., new)| new.clone()).collect();
    let people: Vec<Uuid> = new.iter().map(|new| new.user_id).collect();
    let mut known = Known::load(tx, &new)?;
    let zones = Zones::of(tx, &people)?;
    let versions = people::versions(tx, corrections.iter().map(|(old, ..)| old.course_version_id))?;
    let mut live = enrollments::store::live(tx, new.iter().map(|new| (new.user_id, new.course_id)))?;
    let (now, today) = (tx.now, tx.today());
    let (mut rows, mut completed) = (Vec::new(), Vec::new());
    let outcomes = corrections.into_iter().map(|(old, changes, new)| {
        known.refuse_duplicate(&new, old.id)?;
        let validity_period = versions
            .get(&old.course_version_id)
            .and_then(|version| version.validity_period);
        let occurred_on = match changes.occurred_at {
            Some(occurred_at) => zones.day(old.user_id, occurred_at),
            None => old.occurred_on,
        };
        let valid_until = valid_until(occurred_on, validity_period);
        let is_revived = !counts(today, old.valid_until) && counts(today, valid_until);
        let enrollment = is_revived
            .then(|| live.remove(&(old.user_id, old.course_id)))
            .flatten();
        let correction = Completion {
            id: Uuid::now_v7(),
            enrollment_id: old
                .enrollment_id
                .or(enrollment.as_ref().map(|enrollment| enrollment.id)),
            occurred_at: new.occurred_at,
            occurred_on,
            recorded_at: now,
            source: new.source,
            score: new.score,
            evidence: new.evidence,
            valid_until,
            supersedes_id: Some(old.id),
            ..old.clone()
        };
        known.add(&correction);
        completed.extend(enrollment);
        rows.push(correction.clone());
        let event = Event::new(&COMPLETION_CORRECTED, correction.id).about(correction.user_id);
        tx.record(
            event
                .before(&old)
                .after(&correction)
                .because(Some(changes.reason.clone())),
        );
        Ok(Outcome::Created(correction))
    });
    let outcomes: Outcomes<Completion> = outcomes.collect();
    store::insert(tx, &rows)?;
    follow(tx, &rows)?;
    settle(tx, &rows, &completed)?;
    Ok(outcomes)
}

/// Gives requirements that the old completions satisfied the new ones.
fn follow(tx: &mut Tx, corrections: &[Completion]) -> ApiResult<()> {
    let people: Vec<Uuid> = corrections.iter().map(|correction| correction.user_id).collect();
    let ids: Vec<Uuid> = corrections.iter().map(|correction| correction.id).collect();
    let statement = sql!(
        "followed AS (UPDATE requirements q
            SET completion_id = c.id, satisfied_at = c.occurred_at, valid_until = c.valid_until,
                version = q.version + 1, updated_at = {tx.now}
            FROM completions c JOIN requirements old ON old.user_id = c.user_id
                AND old.completion_id = c.supersedes_id
            WHERE c.user_id = ANY({people}) AND c.id = ANY({ids}) AND q.user_id = old.user_id AND q.id = old.id
            RETURNING q.id, q.user_id, {before} AS before, {after} AS after),
         changes AS (SELECT {REQUIREMENT_UPDATED.action} AS action, id, user_id, before, after
            FROM followed)",
        before = as_json::<StoredRequirement>("old."),
        after = as_json::<StoredRequirement>("q."),
    );
    tx.record_changes(&[&REQUIREMENT_UPDATED], statement)?;
    Ok(())
}
