//! Recording many completions at once, each as [`record`](super::record::record) would: a few statements for all.

use std::collections::{HashMap, HashSet};

use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper,
};
use uuid::Uuid;

use super::{
    known::Known,
    model::{Completion, CompletionRow},
    record::{NewCompletion, counts, happened, valid_until},
};
use crate::{
    app::Tx,
    db::schema::{completions, course_versions, courses, enrollments, users},
    enrollment::rules::reconcile,
    http::{ApiError, ApiResult, Code},
    ledger::Event,
    people::days::Zones,
    period::Period,
    sql,
};

/// Rows of one statement: 13 columns each, of 65,535 parameters at most.
const ROWS_A_STATEMENT: usize = 2_000;

/// Records completions of any number of people and settles what they satisfy; what is known already is left alone. All or
/// nothing. Answers how many are new.
pub fn record_all(tx: &mut Tx, new: &[NewCompletion]) -> ApiResult<usize> {
    let learners = lock(tx, new)?;
    let known = Known::load(tx, new)?;
    let zones = Zones::of(tx, &learners)?;
    let published = published(tx, new)?;
    let mut live = live(tx, &learners)?;
    let mut rows = Vec::with_capacity(new.len());
    let mut seen = HashSet::new();
    for one in new {
        happened(tx, one.occurred_at)?;
        if known.find(one)?.is_some() || !seen.insert(one.key()) {
            continue;
        }
        let whose = (one.user_id, one.course_id);
        let version = live
            .get(&whose)
            .map(|(_, version)| *version)
            .or_else(|| published.get(&one.course_id).copied())
            .ok_or_else(|| ApiError::new(Code::CourseNotPublished, "Publish the course first."))?;
        let occurred_on = zones.day(one.user_id, one.occurred_at);
        let valid_until = valid_until(occurred_on, version.validity_period);
        let taken = counts(tx, valid_until).then(|| live.remove(&whose)).flatten();
        rows.push(CompletionRow {
            id: Uuid::now_v7(),
            user_id: one.user_id,
            course_id: one.course_id,
            course_version_id: version.id,
            enrollment_id: taken.map(|(enrollment, _)| enrollment),
            occurred_at: one.occurred_at,
            occurred_on,
            recorded_at: tx.now,
            source: one.source,
            score: one.score,
            evidence: one.evidence.clone(),
            valid_until,
            supersedes_id: None,
        });
    }
    insert(tx, &rows)?;
    complete_enrollments(tx, rows.iter().filter_map(|row| row.enrollment_id).collect())?;
    reconcile::reconcile(tx, &*learners, None)?;
    Ok(rows.len())
}

/// Locks the people, so that what is settled about them is settled by one transaction at a time.
fn lock(tx: &mut Tx, new: &[NewCompletion]) -> ApiResult<Vec<Uuid>> {
    let named: HashSet<Uuid> = new.iter().map(|one| one.user_id).collect();
    let learners: Vec<Uuid> = users::table
        .filter(users::id.eq_any(&named))
        .order(users::id)
        .select(users::id)
        .for_no_key_update()
        .load(tx.conn)?;
    if learners.len() < named.len() {
        return Err(ApiError::field("/user_id", "names nobody"));
    }
    Ok(learners)
}

/// A version of a course, and how long its completions count.
#[derive(Clone, Copy)]
struct Version {
    id: Uuid,
    validity_period: Option<Period>,
}

/// The present version of each course.
fn published(tx: &mut Tx, new: &[NewCompletion]) -> ApiResult<HashMap<Uuid, Version>> {
    let wanted: HashSet<Uuid> = new.iter().map(|one| one.course_id).collect();
    let rows: Vec<(Uuid, Uuid, Option<Period>)> = courses::table
        .inner_join(course_versions::table.on(courses::current_version_id.eq(course_versions::id.nullable())))
        .filter(courses::id.eq_any(wanted))
        .select((courses::id, course_versions::id, course_versions::validity_period))
        .load(tx.conn)?;
    let versions = rows.into_iter();
    Ok(versions
        .map(|(course, id, validity_period)| (course, Version { id, validity_period }))
        .collect())
}

type Live = HashMap<(Uuid, Uuid), (Uuid, Version)>;

/// What the people take now, by person and course.
fn live(tx: &mut Tx, learners: &[Uuid]) -> ApiResult<Live> {
    let rows: Vec<(Uuid, Uuid, Uuid, Uuid, Option<Period>)> = enrollments::table
        .inner_join(course_versions::table.on(course_versions::id.eq(enrollments::course_version_id)))
        .filter(enrollments::user_id.eq_any(learners))
        .filter(enrollments::state.eq_any(["pending_approval", "waitlisted", "enrolled", "in_progress"]))
        .select((
            enrollments::user_id,
            enrollments::course_id,
            enrollments::id,
            course_versions::id,
            course_versions::validity_period,
        ))
        .load(tx.conn)?;
    let live = rows.into_iter();
    Ok(live
        .map(|(user, course, enrollment, id, validity_period)| {
            ((user, course), (enrollment, Version { id, validity_period }))
        })
        .collect())
}

fn insert(tx: &mut Tx, rows: &[CompletionRow]) -> ApiResult<()> {
    for chunk in rows.chunks(ROWS_A_STATEMENT) {
        let added: Vec<Completion> = diesel::insert_into(completions::table)
            .values(chunk)
            .returning(Completion::as_returning())
            .get_results(tx.conn)?;
        for completion in &added {
            tx.record(
                Event::new("completion.created", "completion", completion.id)
                    .about(completion.user_id)
                    .after(completion),
            );
            tx.note_completion(completion.user_id, completion.id);
        }
    }
    Ok(())
}

fn complete_enrollments(tx: &mut Tx, ids: Vec<Uuid>) -> ApiResult<()> {
    let now = tx.now;
    sql!(
        "WITH completed AS (UPDATE enrollments e SET state = 'completed', progress_percent = 100,
                started_at = coalesce(e.started_at, {now}), ended_at = {now}, version = e.version + 1,
                updated_at = {now}
            FROM enrollments old
            WHERE old.user_id = e.user_id AND old.id = e.id AND e.id = ANY({ids})
            RETURNING e.id, e.user_id, to_jsonb(old) AS before, to_jsonb(e) AS after),
         changes AS (SELECT 'enrollment.completed' AS action, id, user_id, before, after
            FROM completed){events}",
        events = tx.events_from("enrollment", "changes"),
    )
    .execute(tx.conn)?;
    Ok(())
}
