//! The statements of enrollments.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::model::{Enrollment, EnrollmentKind, EnrollmentSource};
use crate::{
    app::Tx,
    authz::Protected,
    db::{Condition, Sql, schema::enrollments},
    enrollment::{events::ENROLLMENT_CREATED, people::Pair},
    http::{ApiError, ApiResult, ListQuery, Page},
    resource::Declaration,
    sql,
};

/// What filters may name of enrollments, and the orders of their list.
static DECLARATION: LazyLock<Declaration> =
    LazyLock::new(|| Declaration::new::<Enrollment>(&[], "created_at", None));

/// A page of the enrollments that the caller may see.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Enrollment>> {
    let scope = tx.scope(Enrollment::READ)?;
    let (page, filter) = DECLARATION.plan(tx, Enrollment::ID, query)?;
    let rows = enrollments::table
        .select((Enrollment::as_select(), page.key()))
        .filter(page.rows([Enrollment::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |enrollment| enrollment.id))
}

/// Enrolls people for what is required of them: `required` is a query of users and courses. Those who are enrolled stay so.
pub fn enroll(tx: &mut Tx, required: Sql) -> ApiResult<usize> {
    let now = tx.now;
    // Enrollments of one instant differ by their ids: the rest of what their events tell is made once.
    let (nobody, nothing) = (Uuid::nil(), Uuid::nil());
    let (source, kind) = (EnrollmentSource::Rule, EnrollmentKind::Normal);
    let common = Enrollment::new((nobody, nothing), nothing, source, kind, now);
    let common = serde_json::to_value(common).map_err(ApiError::internal)?;
    let statement = sql!(
        "enrolled AS (INSERT INTO enrollments (id, user_id, course_id, course_version_id, state, source, enrolled_at,
                created_at, updated_at)
            SELECT {ids}, required.user_id, required.course_id, courses.current_version_id, 'enrolled', 'rule', {now},
                {now}, {now}
            FROM ({required}) required (user_id, course_id)
            JOIN courses ON courses.id = required.course_id AND courses.status = 'published'
                AND courses.current_version_id IS NOT NULL
            LEFT JOIN LATERAL (SELECT e.id FROM enrollments e
                WHERE e.user_id = required.user_id AND e.course_id = required.course_id
                    AND e.state IN ('pending_approval', 'waitlisted', 'enrolled', 'in_progress') AND e.kind = 'normal'
                LIMIT 1) live ON TRUE
            WHERE live.id IS NULL
            RETURNING id, user_id, course_id, course_version_id),
         changes AS (SELECT {ENROLLMENT_CREATED.action} AS action, e.id, e.user_id, NULL::jsonb AS before,
                {common} || jsonb_build_object('id', e.id, 'user_id', e.user_id, 'course_id', e.course_id,
                    'course_version_id', e.course_version_id) AS after
            FROM enrolled e)",
        ids = tx.new_ids(),
    );
    tx.record_changes(&[&ENROLLMENT_CREATED], statement)
}

/// An enrollment.
pub fn find(tx: &mut Tx, user_id: Uuid, id: Uuid) -> ApiResult<Enrollment> {
    let enrollment = enrollments::table
        .find((user_id, id))
        .select(Enrollment::as_select())
        .first(tx.conn)?;
    Ok(enrollment)
}

/// What people take now of some courses, locked.
pub fn live(tx: &mut Tx, pairs: impl IntoIterator<Item = Pair>) -> ApiResult<HashMap<Pair, Enrollment>> {
    let (people, courses): (HashSet<Uuid>, HashSet<Uuid>) = pairs.into_iter().unzip();
    let live: Vec<Enrollment> = enrollments::table
        .filter(enrollments::user_id.eq_any(people))
        .filter(enrollments::course_id.eq_any(courses))
        .filter(Condition::new(sql!(
            "enrollments.state IN ('pending_approval', 'waitlisted', 'enrolled', 'in_progress') AND enrollments.kind = 'normal'"
        )))
        .order(enrollments::id)
        .select(Enrollment::as_select())
        .for_no_key_update()
        .load(tx.conn)?;
    let live = live.into_iter();
    Ok(live
        .map(|enrollment| ((enrollment.user_id, enrollment.course_id), enrollment))
        .collect())
}

/// Rows of one statement: 14 columns each, of 65,535 parameters at most.
const ROWS_A_STATEMENT: usize = 2_000;

/// Adds enrollments.
pub fn insert(tx: &mut Tx, rows: &[Enrollment]) -> ApiResult<()> {
    for chunk in rows.chunks(ROWS_A_STATEMENT) {
        diesel::insert_into(enrollments::table)
            .values(chunk)
            .execute(tx.conn)?;
    }
    Ok(())
}

/// Gives enrollments the version, the state and the progress that these rows have.
pub fn update(tx: &mut Tx, rows: &[Enrollment]) -> ApiResult<()> {
    let rows = serde_json::to_value(rows).map_err(ApiError::internal)?;
    sql!(
        "UPDATE enrollments SET (course_version_id, state, progress_percent, started_at, ended_at, version, updated_at) = ROW (
            given.course_version_id, given.state, given.progress_percent, given.started_at, given.ended_at, given.version,
            given.updated_at)
         FROM jsonb_populate_recordset(NULL::enrollments, {rows}) AS given
         WHERE enrollments.user_id = given.user_id AND enrollments.id = given.id"
    )
    .execute(tx.conn)?;
    Ok(())
}
