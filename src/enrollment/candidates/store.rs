//! The statements of candidates.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{QueryDsl, QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::model::{CandidateState, CourseCandidate, CourseTester, Verdict};
use crate::{
    app::Tx,
    catalog::courses::{modules::Modules, versions::store as versions},
    db::{Sql, schema::course_versions},
    http::{ApiError, ApiResult, ListQuery, Page},
    sql,
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    course_id: Uuid,
    #[diesel(sql_type = sql_types::Integer)]
    number: i32,
    #[diesel(sql_type = sql_types::Text)]
    title: String,
    #[diesel(sql_type = sql_types::Jsonb)]
    modules: Modules,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    note: Option<String>,
    #[diesel(sql_type = sql_types::Timestamptz)]
    frozen_at: DateTime<Utc>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    published_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    discarded_at: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct TesterRow {
    #[diesel(sql_type = sql_types::Uuid)]
    course_version_id: Uuid,
    #[diesel(embed)]
    tester: CourseTester,
}

/// A page of the candidates of a course, published and withdrawn ones too.
pub fn list(tx: &mut Tx, course_id: Uuid, query: &ListQuery) -> ApiResult<Page<CourseCandidate>> {
    let (page, filter) = query.page(&versions::LISTING, &versions::FILTER, &tx.filter_clock())?;
    let of_course = sql!(
        "course_versions.course_id = {course_id} AND course_versions.published_at IS DISTINCT FROM course_versions.frozen_at"
    );
    let rows = course_versions::table
        .select((course_versions::id, page.key()))
        .filter(page.rows([of_course, filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    let page: Page<Uuid> = page.page(rows, |id| *id);
    let ids = &page.data;
    let mut found: HashMap<Uuid, CourseCandidate> = select(tx, sql!("v.id = ANY({ids})"))?
        .into_iter()
        .map(|candidate| (candidate.id, candidate))
        .collect();
    Ok(Page {
        data: page.data.iter().filter_map(|id| found.remove(id)).collect(),
        next_cursor: page.next_cursor,
    })
}

/// The candidate of a course with this number.
pub fn find(tx: &mut Tx, course_id: Uuid, number: i32) -> ApiResult<CourseCandidate> {
    let number = i64::from(number);
    let found = select(
        tx,
        sql!(
            "v.course_id = {course_id} AND v.number = {number} AND v.published_at IS DISTINCT FROM v.frozen_at"
        ),
    )?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| ApiError::not_found("candidate"))
}

/// The candidate that a version is.
pub fn of_version(tx: &mut Tx, version_id: Uuid) -> ApiResult<CourseCandidate> {
    let found = select(tx, sql!("v.id = {version_id}"))?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| ApiError::not_found("candidate"))
}

fn select(tx: &mut Tx, which: Sql) -> ApiResult<Vec<CourseCandidate>> {
    let rows: Vec<Row> = sql!(
        "SELECT v.id, v.course_id, v.number, v.title, v.modules, v.note, v.frozen_at, v.published_at, v.discarded_at
         FROM course_versions v WHERE {which}"
    )
    .load(tx.conn)?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let testers: Vec<TesterRow> = sql!(
        "SELECT course_version_id, user_id, enrollment_id, verdict, note, decided_at FROM course_testers
         WHERE course_version_id = ANY({ids}) ORDER BY course_version_id, user_id"
    )
    .load(tx.conn)?;
    let mut of: HashMap<Uuid, Vec<CourseTester>> = HashMap::new();
    for row in testers {
        of.entry(row.course_version_id).or_default().push(row.tester);
    }
    let candidates = rows.into_iter().map(|row| CourseCandidate {
        testers: of.remove(&row.id).unwrap_or_default(),
        id: row.id,
        course_id: row.course_id,
        number: row.number,
        state: match (row.published_at, row.discarded_at) {
            (Some(_), _) => CandidateState::Published,
            (None, Some(_)) => CandidateState::Withdrawn,
            (None, None) => CandidateState::Open,
        },
        title: row.title,
        modules: row.modules,
        note: row.note,
        frozen_at: row.frozen_at,
        published_at: row.published_at,
        withdrawn_at: row.discarded_at,
    });
    Ok(candidates.collect())
}

/// Adds testers, each with their test enrollment.
pub fn add_testers(tx: &mut Tx, version_id: Uuid, testers: &[(Uuid, Uuid)]) -> ApiResult<()> {
    let (users, enrollments): (Vec<Uuid>, Vec<Uuid>) = testers.iter().copied().unzip();
    sql!(
        "INSERT INTO course_testers (course_version_id, user_id, enrollment_id)
         SELECT {version_id}, user_id, enrollment_id FROM unnest({users}, {enrollments}) AS given (user_id, enrollment_id)"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Keeps what the tester of an enrollment says, once; whether it was the first time.
pub fn decide(
    tx: &mut Tx,
    version_id: Uuid,
    user_id: Uuid,
    verdict: Verdict,
    note: Option<&str>,
) -> ApiResult<bool> {
    let decided = sql!(
        "UPDATE course_testers SET verdict = {verdict}, note = {note}, decided_at = {tx.now}
         WHERE course_version_id = {version_id} AND user_id = {user_id} AND verdict IS NULL",
        verdict = verdict.as_str(),
    )
    .execute(tx.conn)?;
    Ok(decided == 1)
}

/// Withdraws a candidate.
pub fn discard(tx: &mut Tx, version_id: Uuid) -> ApiResult<()> {
    sql!("UPDATE course_versions SET discarded_at = {tx.now} WHERE id = {version_id}").execute(tx.conn)?;
    Ok(())
}
