//! The statements of enrollments.

use diesel::{AsChangeset, ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::{
    filter::ENROLLMENTS,
    model::{CreateEnrollment, Enrollment, EnrollmentSource, EnrollmentState},
};
use crate::{
    access::Protected,
    app::Tx,
    db::{Condition, schema::enrollments},
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    sql,
};

/// The orders of the list; each has its index.
const LISTING: Listing = Listing {
    id: "enrollments.id",
    sorts: &[Sort {
        name: "created_at",
        column: "enrollments.created_at",
        kind: SortKind::Instant,
    }],
};

/// A page of the enrollments that the caller may see.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Enrollment>> {
    let scope = tx.scope(Enrollment::READ)?;
    let (page, filter) = query.page(&LISTING, &ENROLLMENTS, &tx.filter_clock())?;
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

/// The live enrollment of a person in a course.
pub fn live(tx: &mut Tx, user_id: Uuid, course_id: Uuid) -> ApiResult<Option<Enrollment>> {
    let live = enrollments::table
        .filter(enrollments::user_id.eq(user_id))
        .filter(enrollments::course_id.eq(course_id))
        .filter(Condition::new(sql!(
            "enrollments.state IN ('pending_approval', 'waitlisted', 'enrolled', 'in_progress')"
        )))
        .select(Enrollment::as_select())
        .first(tx.conn)
        .optional()?;
    Ok(live)
}

/// Adds an enrollment.
pub fn insert(
    tx: &mut Tx,
    new: &CreateEnrollment,
    course_version_id: Uuid,
    source: EnrollmentSource,
) -> ApiResult<Enrollment> {
    let enrollment = diesel::insert_into(enrollments::table)
        .values((
            enrollments::id.eq(Uuid::now_v7()),
            enrollments::user_id.eq(new.user_id),
            enrollments::course_id.eq(new.course_id),
            enrollments::course_version_id.eq(course_version_id),
            enrollments::state.eq(EnrollmentState::Enrolled),
            enrollments::source.eq(source),
            enrollments::enrolled_at.eq(tx.now),
            enrollments::created_at.eq(tx.now),
            enrollments::updated_at.eq(tx.now),
        ))
        .returning(Enrollment::as_returning())
        .get_result(tx.conn)?;
    Ok(enrollment)
}

/// What changes in an enrollment; what is none stays.
#[derive(Debug, Default, AsChangeset)]
#[diesel(table_name = enrollments)]
pub struct Step {
    /// See [`Enrollment::state`].
    pub state: Option<EnrollmentState>,
    /// See [`Enrollment::progress_percent`].
    pub progress_percent: Option<i16>,
    /// See [`Enrollment::started_at`].
    pub started_at: Option<chrono::DateTime<chrono::Utc>>,
    /// See [`Enrollment::ended_at`].
    pub ended_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// Changes an enrollment.
pub fn update(tx: &mut Tx, enrollment: &Enrollment, step: &Step) -> ApiResult<Enrollment> {
    let enrollment = diesel::update(enrollments::table.find((enrollment.user_id, enrollment.id)))
        .set((
            step,
            enrollments::version.eq(enrollments::version + 1),
            enrollments::updated_at.eq(tx.now),
        ))
        .returning(Enrollment::as_returning())
        .get_result(tx.conn)?;
    Ok(enrollment)
}
