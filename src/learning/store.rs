//! The statements of activities, attempts and launches.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper,
    deserialize::FromSqlRow, expression::AsExpression, sql_types,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    model::{ActivityContent, ActivityRecord, Attempt, LaunchedKind},
    runtime::merge::Elements,
};
use crate::{
    app::{Tx, Wake},
    catalog::courses::modules::Modules,
    db::{
        Condition, Fixed,
        schema::{attempts, course_versions},
    },
    enrollment::enrollments::model::Enrollment,
    filter::{Attribute, Kind, Schema},
    http::{ApiError, ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    json_column, sql,
};

/// What a version of a course consists of.
pub fn modules(tx: &mut Tx, course_version_id: Uuid) -> ApiResult<Modules> {
    let modules = course_versions::table
        .find(course_version_id)
        .select(course_versions::modules);
    Ok(modules.first(tx.conn)?)
}

/// What a course is called in a version of it, and its language.
pub fn course(tx: &mut Tx, course_version_id: Uuid) -> ApiResult<(String, String)> {
    let course = course_versions::table
        .find(course_version_id)
        .select((course_versions::title, course_versions::language));
    Ok(course.first(tx.conn)?)
}

/// The columns of [`ActivityRecord`].
const RECORD: Fixed = Fixed(
    "s.user_id, s.enrollment_id, s.activity_id, s.state, s.progress_percent, s.score, s.seconds, s.position_seconds,
    s.declared_as, s.attempts_granted, s.started_at, s.completed_at, s.corrected_at, s.version",
);

/// What is on record about the activities of an enrollment, by their ids.
pub fn records(tx: &mut Tx, enrollment: &Enrollment) -> ApiResult<HashMap<Uuid, ActivityRecord>> {
    let records: Vec<ActivityRecord> = sql!(
        "SELECT {RECORD} FROM activity_states s
         WHERE s.user_id = {enrollment.user_id} AND s.enrollment_id = {enrollment.id}"
    )
    .load(tx.conn)?;
    Ok(records
        .into_iter()
        .map(|record| (record.activity_id, record))
        .collect())
}

/// What is on record about the activities of enrollments, by the ids of both. Enrollments without records are not named.
pub fn records_of_all(
    tx: &mut Tx,
    enrollments: &[Enrollment],
) -> ApiResult<HashMap<Uuid, HashMap<Uuid, ActivityRecord>>> {
    let (users, enrollments) = ids(enrollments);
    let records: Vec<ActivityRecord> = sql!(
        "SELECT {RECORD} FROM unnest({users}, {enrollments}) AS of (user_id, enrollment_id)
         JOIN activity_states s USING (user_id, enrollment_id)"
    )
    .load(tx.conn)?;
    let mut by_enrollment: HashMap<Uuid, HashMap<Uuid, ActivityRecord>> = HashMap::new();
    for record in records {
        let of = by_enrollment.entry(record.enrollment_id).or_default();
        of.insert(record.activity_id, record);
    }
    Ok(by_enrollment)
}

fn ids(enrollments: &[Enrollment]) -> (Vec<Uuid>, Vec<Uuid>) {
    enrollments.iter().map(|of| (of.user_id, of.id)).unzip()
}

/// Ends open attempts and launches of content that `modules`, which the enrollments have now, do not show. Such an attempt does
/// not count: another one is granted. Answers whose launches ended.
pub fn leave_content(tx: &mut Tx, moved: &[Enrollment], modules: &Modules) -> ApiResult<Vec<Uuid>> {
    let (users, enrollments) = ids(moved);
    let (activities, contents) = shown(modules);
    sql!(
        "WITH moved AS (SELECT * FROM unnest({users}, {enrollments}) AS moved (user_id, enrollment_id)),
         shown AS (SELECT * FROM unnest({activities}, {contents}) AS shown (activity_id, content_version_id)),
         ended AS (UPDATE attempts a SET ended_at = {tx.now}, fence = a.fence + 1, updated_at = {tx.now} FROM moved
            WHERE a.user_id = moved.user_id AND a.enrollment_id = moved.enrollment_id AND a.ended_at IS NULL
                AND (a.activity_id, a.content_version_id) NOT IN (SELECT activity_id, content_version_id FROM shown)
            RETURNING a.user_id, a.enrollment_id, a.activity_id)
         UPDATE activity_states s SET attempts_granted = least(s.attempts_granted + 1, 1000), version = s.version + 1,
            updated_at = {tx.now}
         FROM ended WHERE s.user_id = ended.user_id AND s.enrollment_id = ended.enrollment_id
            AND s.activity_id = ended.activity_id"
    )
    .execute(tx.conn)?;
    // After the attempts, as commits lock them.
    let ended: Vec<Learner> = sql!(
        "WITH moved AS (SELECT * FROM unnest({users}, {enrollments}) AS moved (user_id, enrollment_id)),
         shown AS (SELECT * FROM unnest({activities}, {contents}) AS shown (activity_id, content_version_id))
         UPDATE launches l SET expires_at = {tx.now} FROM moved
         WHERE l.user_id = moved.user_id AND l.enrollment_id = moved.enrollment_id AND l.mode <> 'review'
            AND l.expires_at > {tx.now}
            AND (l.activity_id, l.content_version_id) NOT IN (SELECT activity_id, content_version_id FROM shown)
         RETURNING l.user_id"
    )
    .load(tx.conn)?;
    Ok(ended.into_iter().map(|learner| learner.user_id).collect())
}

#[derive(QueryableByName)]
struct Learner {
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
}

/// The activities that show content, and the content of each.
fn shown(modules: &Modules) -> (Vec<Uuid>, Vec<Uuid>) {
    let shown = modules.activities().map(|(_, activity)| activity);
    shown
        .filter_map(|activity| Some((activity.id, activity.content_version_id?)))
        .unzip()
}

/// Has activities begin again that show other content in `modules` than in the version that the enrollments had. What is
/// completed stays so.
pub fn begin_replaced_again(tx: &mut Tx, before: &[Enrollment], modules: &Modules) -> ApiResult<()> {
    let (users, enrollments) = ids(before);
    let earlier: Vec<Uuid> = before.iter().map(|of| of.course_version_id).collect();
    let (activities, contents) = shown(modules);
    sql!(
        "WITH moved AS (SELECT * FROM unnest({users}, {enrollments}, {earlier})
                AS moved (user_id, enrollment_id, course_version_id)),
         shown AS (SELECT * FROM unnest({activities}, {contents}) AS shown (activity_id, content_version_id)),
         replaced AS (SELECT v.id AS course_version_id, shown.activity_id FROM course_versions v
            CROSS JOIN LATERAL jsonb_path_query(v.modules, '$[*].activities[*]') AS old (activity)
            JOIN shown ON shown.activity_id = (old.activity ->> 'id')::uuid
            WHERE v.id IN (SELECT course_version_id FROM moved)
                AND shown.content_version_id::text IS DISTINCT FROM old.activity ->> 'content_version_id')
         UPDATE activity_states s SET progress_percent = 0, watched = '{}', duration_seconds = NULL, position_seconds = NULL,
            version = s.version + 1, updated_at = {tx.now}
         FROM moved JOIN replaced USING (course_version_id)
         WHERE s.user_id = moved.user_id AND s.enrollment_id = moved.enrollment_id
            AND s.activity_id = replaced.activity_id AND s.completed_at IS NULL"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Writes what is on record about an activity.
pub fn put_record(tx: &mut Tx, record: &ActivityRecord) -> ApiResult<()> {
    let given = serde_json::to_value(record).map_err(ApiError::internal)?;
    sql!(
        "INSERT INTO activity_states (user_id, enrollment_id, activity_id, state, progress_percent, score, seconds,
            position_seconds, declared_as, attempts_granted, started_at, completed_at, corrected_at, version, created_at, updated_at)
         SELECT {RECORD}, {tx.now}, {tx.now} FROM jsonb_populate_record(NULL::activity_states, {given}) s
         ON CONFLICT (user_id, enrollment_id, activity_id) DO UPDATE SET state = excluded.state,
            progress_percent = excluded.progress_percent, score = excluded.score, seconds = excluded.seconds,
            position_seconds = excluded.position_seconds, declared_as = excluded.declared_as,
            attempts_granted = excluded.attempts_granted, completed_at = excluded.completed_at,
            corrected_at = excluded.corrected_at,
            version = excluded.version, updated_at = excluded.updated_at"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Forgets what was watched of a video.
pub fn forget_watched(tx: &mut Tx, record: &ActivityRecord) -> ApiResult<()> {
    sql!(
        "UPDATE activity_states SET watched = '{}', watched_until = NULL WHERE user_id = {record.user_id}
            AND enrollment_id = {record.enrollment_id} AND activity_id = {record.activity_id}"
    )
    .execute(tx.conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct ContentRow {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Text)]
    kind: LaunchedKind,
    #[diesel(sql_type = sql_types::Text)]
    title: String,
    #[diesel(sql_type = sql_types::Text)]
    language: String,
}

/// The contents of versions, by the ids of the versions.
pub fn contents(tx: &mut Tx, versions: Vec<Uuid>) -> ApiResult<HashMap<Uuid, ActivityContent>> {
    if versions.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<ContentRow> = sql!(
        "SELECT v.id, c.kind, c.title, c.language FROM content_versions v JOIN contents c ON c.id = v.content_id
         WHERE v.id = ANY({versions})"
    )
    .load(tx.conn)?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| {
            let content = ActivityContent {
                content_version_id: row.id,
                kind: row.kind,
                title: row.title,
                language: row.language,
            };
            (row.id, content)
        })
        .collect())
}

#[derive(QueryableByName)]
struct Used {
    #[diesel(sql_type = sql_types::Uuid)]
    activity_id: Uuid,
    #[diesel(sql_type = sql_types::BigInt)]
    used: i64,
}

/// How many attempts were begun at the activities of an enrollment, by their ids.
pub fn attempts_used(tx: &mut Tx, enrollment: &Enrollment) -> ApiResult<HashMap<Uuid, i32>> {
    let rows: Vec<Used> = sql!(
        "SELECT activity_id, count(*) AS used FROM attempts
         WHERE user_id = {enrollment.user_id} AND enrollment_id = {enrollment.id} GROUP BY activity_id"
    )
    .load(tx.conn)?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| (row.activity_id, i32::try_from(row.used).unwrap_or(i32::MAX)))
        .collect())
}

const LISTING: Listing = Listing {
    id: "attempts.id",
    sorts: &[Sort {
        name: "number",
        column: "attempts.number",
        kind: SortKind::Integer,
    }],
};

static FILTER: Schema = Schema::new(&[
    Attribute::scalar("number", Kind::Integer, "attempts.number", "Counts the attempts."),
    Attribute::scalar(
        "started_at",
        Kind::Instant,
        "attempts.started_at",
        "When it began.",
    ),
    Attribute::scalar("ended_at", Kind::Instant, "attempts.ended_at", "When it ended."),
]);

/// A page of the attempts at an activity.
pub fn list_attempts(
    tx: &mut Tx,
    enrollment: &Enrollment,
    activity_id: Uuid,
    query: &ListQuery,
) -> ApiResult<Page<Attempt>> {
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    let of_activity = sql!(
        "attempts.user_id = {enrollment.user_id} AND attempts.enrollment_id = {enrollment.id}
            AND attempts.activity_id = {activity_id}"
    );
    let rows = attempts::table
        .select((Attempt::as_select(), page.key()))
        .filter(page.rows([of_activity, filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |attempt| attempt.id))
}

/// All attempts at an activity, the first one first.
pub fn attempts(tx: &mut Tx, enrollment: &Enrollment, activity_id: Uuid) -> ApiResult<Vec<Attempt>> {
    let attempts = attempts::table
        .filter(attempts::user_id.eq(enrollment.user_id))
        .filter(Condition::new(sql!(
            "attempts.enrollment_id = {enrollment.id} AND attempts.activity_id = {activity_id}"
        )))
        .order(attempts::number)
        .select(Attempt::as_select())
        .load(tx.conn)?;
    Ok(attempts)
}

/// An attempt.
pub fn find_attempt(tx: &mut Tx, user_id: Uuid, id: Uuid) -> ApiResult<Option<Attempt>> {
    let attempt = attempts::table.find((user_id, id)).select(Attempt::as_select());
    Ok(attempt.first(tx.conn).optional()?)
}

/// Ends the open attempt at an activity, if there is one; launches of it write no more. Answers whether there was one.
pub fn end_attempt(tx: &mut Tx, record: &ActivityRecord) -> ApiResult<bool> {
    let now: DateTime<Utc> = tx.now;
    let ended = sql!(
        "UPDATE attempts SET ended_at = {now}, fence = fence + 1, updated_at = {now}
         WHERE user_id = {record.user_id} AND enrollment_id = {record.enrollment_id}
            AND activity_id = {record.activity_id} AND ended_at IS NULL"
    )
    .execute(tx.conn)?;
    tx.wake(Wake::Launches(record.user_id));
    Ok(ended > 0)
}

/// What an item of a package stored in an attempt.
#[derive(Debug, QueryableByName)]
pub struct StoredItem {
    /// The item's id in the manifest.
    #[diesel(sql_type = sql_types::Text)]
    pub item: String,
    /// Its elements.
    #[diesel(sql_type = sql_types::Jsonb)]
    pub data: StoredElements,
    /// Seconds of the sessions before the present one.
    #[diesel(sql_type = sql_types::Integer)]
    pub total_seconds: i32,
}

/// Elements in a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(transparent)]
#[diesel(sql_type = sql_types::Jsonb)]
pub struct StoredElements(pub Elements);

json_column!(StoredElements);

/// What the items of a package stored in an attempt.
pub fn items(tx: &mut Tx, user_id: Uuid, attempt_id: Uuid) -> ApiResult<Vec<StoredItem>> {
    let items = sql!(
        "SELECT item, data, total_seconds FROM runtime_states
         WHERE user_id = {user_id} AND attempt_id = {attempt_id} ORDER BY item"
    );
    Ok(items.load(tx.conn)?)
}

#[derive(QueryableByName)]
struct Address {
    #[diesel(sql_type = sql_types::Text)]
    url: String,
}

/// Where a content of the kind link leads.
pub fn link_of(tx: &mut Tx, content_version_id: Uuid) -> ApiResult<String> {
    let address: Address =
        sql!("SELECT body ->> 'url' AS url FROM content_versions WHERE id = {content_version_id}")
            .get_result(tx.conn)?;
    Ok(address.url)
}
