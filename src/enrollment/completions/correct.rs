//! Correcting completions: a new one supersedes the old, and what stood on the old stands on the new.

use uuid::Uuid;

use super::{
    known,
    model::{Completion, CompletionRow, CompletionSource, CorrectCompletion},
    record::{NewCompletion, counts, happened, valid_until},
    store,
};
use crate::{
    access::Authorized,
    app::Tx,
    enrollment::{enrollments, people, rules::reconcile},
    http::{ApiError, ApiResult, Code},
    ledger::Event,
    people::days,
    sql,
};

/// Appends the correction of a completion. One that counts at last ends the live enrollment, as it would have.
pub fn correct(
    tx: &mut Tx,
    old: &Authorized<Completion>,
    changes: &CorrectCompletion,
) -> ApiResult<Completion> {
    people::lock(tx, old.user_id)?;
    // Read before the lock, so it may be out of date.
    let old = store::find(tx, old.user_id, old.id)?;
    if let Some(correction) = old.superseded_by_id {
        return Err(ApiError::new(
            Code::CompletionSuperseded,
            format!("Correct its correction: /v1/completions/{correction}."),
        ));
    }
    let occurred_at = changes.occurred_at.unwrap_or(old.occurred_at);
    happened(tx, occurred_at)?;
    let corrected = NewCompletion {
        user_id: old.user_id,
        course_id: old.course_id,
        occurred_at,
        source: source(tx),
        score: changes.score.unwrap_or(old.score),
        evidence: changes.evidence.clone().unwrap_or_else(|| old.evidence.clone()),
    };
    known::refuse_duplicate(tx, &corrected, old.id)?;
    let validity_period = people::version(tx, Some(old.course_version_id))?.validity_period;
    let occurred_on = match changes.occurred_at {
        Some(occurred_at) => days::day(tx, old.user_id, occurred_at)?,
        None => old.occurred_on,
    };
    let valid_until = valid_until(occurred_on, validity_period);
    let is_revived = !counts(tx, old.valid_until) && counts(tx, valid_until);
    let enrollment = match is_revived {
        true => enrollments::store::live(tx, old.user_id, old.course_id)?,
        false => None,
    };
    let row = CompletionRow {
        id: Uuid::now_v7(),
        user_id: old.user_id,
        course_id: old.course_id,
        course_version_id: old.course_version_id,
        enrollment_id: old
            .enrollment_id
            .or(enrollment.as_ref().map(|enrollment| enrollment.id)),
        occurred_at,
        occurred_on,
        recorded_at: tx.now,
        source: corrected.source,
        score: corrected.score,
        evidence: corrected.evidence,
        valid_until,
        supersedes_id: Some(old.id),
    };
    let correction = store::insert(tx, &row)?;
    tx.record(
        Event::new("completion.corrected", "completion", correction.id)
            .about(correction.user_id)
            .before(&old)
            .after(&correction)
            .because(Some(changes.reason.clone())),
    );
    tx.note_completion(correction.user_id, correction.id);
    follow(tx, &correction)?;
    if let Some(enrollment) = enrollment {
        enrollments::progress::complete_live(tx, &enrollment)?;
    }
    reconcile::reconcile(tx, correction.user_id, None)?;
    Ok(correction)
}

/// The requirements that the old one satisfied, the new one satisfies.
fn follow(tx: &mut Tx, correction: &Completion) -> ApiResult<()> {
    let statement = sql!(
        "WITH followed AS (UPDATE requirements q
            SET completion_id = {correction.id}, satisfied_at = {correction.occurred_at},
                valid_until = {correction.valid_until}, version = q.version + 1, updated_at = {tx.now}
            FROM requirements old WHERE q.user_id = {correction.user_id}
                AND q.completion_id = {correction.supersedes_id} AND old.user_id = q.user_id
                AND old.id = q.id
            RETURNING q.id, q.user_id, to_jsonb(old) AS before, to_jsonb(q) AS after),
         changes AS (SELECT 'requirement.updated' AS action, id, user_id, before, after
            FROM followed){events}",
        events = tx.events_from("requirement", "changes"),
    );
    statement.execute(tx.conn)?;
    Ok(())
}

/// Who says so where the caller does not tell.
pub(super) fn source(tx: &Tx) -> CompletionSource {
    match tx.caller.person() {
        Some(_) => CompletionSource::Administrator,
        None => CompletionSource::Integration,
    }
}
