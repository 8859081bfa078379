//! The statements of enrollments.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::model::Enrollment;
use crate::{
    app::Tx,
    authz::Protected,
    db::{Condition, schema::enrollments},
    enrollment::people::Pair,
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
            "enrollments.state IN ('pending_approval', 'waitlisted', 'enrolled', 'in_progress')"
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

/// Rows of one statement: 13 columns each, of 65,535 parameters at most.
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

/// Gives enrollments the state and the progress that these rows have.
pub fn update(tx: &mut Tx, rows: &[Enrollment]) -> ApiResult<()> {
    let rows = serde_json::to_value(rows).map_err(ApiError::internal)?;
    sql!(
        "UPDATE enrollments SET (state, progress_percent, started_at, ended_at, version, updated_at) = ROW (
            given.state, given.progress_percent, given.started_at, given.ended_at, given.version,
            given.updated_at)
         FROM jsonb_populate_recordset(NULL::enrollments, {rows}) AS given
         WHERE enrollments.user_id = given.user_id AND enrollments.id = given.id"
    )
    .execute(tx.conn)?;
    Ok(())
}
