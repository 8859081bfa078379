//! Corrects completions: a new completion supersedes the old one, and requirements that the old one satisfied name the new one.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    known::Known,
    model::{Completion, CompletionSource, CorrectCompletion},
    record::{NewCompletion, counts, expires_after, happened, lasts_until, settle, source},
    store,
};
use crate::{
    app::Tx,
    authz::Authorized,
    enrollment::{
        enrollments::{self, model::Enrollment},
        events::{COMPLETION_CORRECTED, REQUIREMENT_UPDATED},
        people,
        requirements::{self, model::StoredRequirement},
        rules::past,
    },
    http::{
        ApiError, ApiResult, Code,
        bulk::{Outcome, Outcomes, only, write_each},
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

/// Gives the completion of an enrollment that its content recorded the score that came after it, from something that was under
/// way by then. One that somebody corrected stays as it is.
pub fn follow_score(
    tx: &mut Tx,
    enrollment: &Enrollment,
    score: Option<f64>,
    began_at: DateTime<Utc>,
) -> ApiResult<()> {
    let Some(old) = store::last_of(tx, enrollment)? else {
        return Ok(());
    };
    let is_meant = old.source == CompletionSource::Content && !old.is_void && began_at <= old.occurred_at;
    if !is_meant || score.is_none() || old.score == score {
        return Ok(());
    }
    let changes = CorrectCompletion {
        score: Some(score),
        reason: "The content told the score after the completion.".to_owned(),
        ..CorrectCompletion::default()
    };
    let new = NewCompletion {
        user_id: old.user_id,
        course_id: old.course_id,
        occurred_at: old.occurred_at,
        source: old.source,
        score,
        evidence: old.evidence.clone(),
        expires_on: old.expires_on,
    };
    only(append(tx, vec![(old, &changes, new)])?).map(drop)
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
        expires_on: changes.expires_on.unwrap_or(old.expires_on),
    })
}

fn append(tx: &mut Tx, corrections: Vec<Correction>) -> ApiResult<Outcomes<Completion>> {
    let new: Vec<NewCompletion> = corrections.iter().map(|(.., new)| new.clone()).collect();
    let people: Vec<Uuid> = new.iter().map(|new| new.user_id).collect();
    let mut known = Known::load(tx, &new)?;
    let zones = Zones::of(tx, &people)?;
    let versions = people::versions(tx, corrections.iter().map(|(old, ..)| old.course_version_id))?;
    let mut live = enrollments::store::live(tx, new.iter().map(|new| (new.user_id, new.course_id)))?;
    let now = tx.now;
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
        if !changes.is_void {
            expires_after(occurred_on, new.expires_on)?;
        }
        let today = zones.day(old.user_id, now);
        let lasted = !old.is_void
            && counts(
                today,
                lasts_until(old.occurred_on, validity_period, old.expires_on),
            );
        let lasts =
            !changes.is_void && counts(today, lasts_until(occurred_on, validity_period, new.expires_on));
        let is_revived = !lasted && lasts;
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
            expires_on: new.expires_on,
            supersedes_id: Some(old.id),
            is_void: changes.is_void,
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

/// Gives requirements that the old completions satisfied the new ones, so that they keep their dates. A completion that did not
/// happen satisfies nothing: the current cycle opens again when it is settled. Earlier cycles are worked out once more where the
/// day or the expiry is another one.
fn follow(tx: &mut Tx, corrections: &[Completion]) -> ApiResult<()> {
    let people: Vec<Uuid> = corrections.iter().map(|correction| correction.user_id).collect();
    let ids: Vec<Uuid> = corrections.iter().map(|correction| correction.id).collect();
    let now = tx.now;
    let following = sql!(
        "SELECT q.user_id, q.id, c.id AS completion_id, c.occurred_at FROM completions c
         JOIN completions old ON old.user_id = c.user_id AND old.id = c.supersedes_id
         JOIN requirements q ON q.user_id = c.user_id AND q.completion_id = c.supersedes_id
         WHERE c.user_id = ANY({people}) AND c.id = ANY({ids}) AND NOT c.is_void
            AND q.end_reason IS DISTINCT FROM 'evidence_gone'
            AND (q.ended_at IS NOT NULL OR NOT EXISTS (SELECT FROM requirements later
                    WHERE later.user_id = q.user_id AND later.target_id = q.target_id AND later.cycle > q.cycle)
                OR NOT old.is_void AND old.occurred_on = c.occurred_on AND old.expires_on IS NOT DISTINCT FROM c.expires_on)"
    );
    let changes = sql!(
        "changes AS (SELECT {REQUIREMENT_UPDATED.action} AS action, q.id, q.user_id, {before} AS before, {after} AS after
            FROM ({following}) f JOIN requirements q ON q.user_id = f.user_id AND q.id = f.id
            CROSS JOIN LATERAL (SELECT q.id, q.user_id, q.course_id, q.path_id, q.cycle, q.opens_on, q.due_on,
                f.occurred_at AS satisfied_at, f.completion_id, q.waiver_id, q.valid_until, q.renews_on, q.ended_at,
                q.end_reason, q.version + 1 AS version) n)",
        before = as_json::<StoredRequirement>("q."),
        after = as_json::<StoredRequirement>("n."),
    );
    tx.record_changes(&[&REQUIREMENT_UPDATED], changes)?;
    let changing = sql!("(q.user_id, q.id) IN (SELECT f.user_id, f.id FROM ({following}) f)");
    requirements::store::keep_history(tx, &changing)?;
    sql!(
        "UPDATE requirements q
         SET completion_id = f.completion_id, satisfied_at = f.occurred_at, version = q.version + 1, updated_at = {now}
         FROM ({following}) f WHERE q.user_id = f.user_id AND q.id = f.id"
    )
    .execute(tx.conn)?;
    past::follow(tx, corrections)
}
