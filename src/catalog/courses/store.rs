//! The statements of courses.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::{
    filter::COURSES,
    model::{Course, CourseStatus, CreateCourse, ListCourses, UpdateCourse},
    search::{self, RELEVANCE, Search},
};
use crate::{
    access::{Authorized, Protected},
    app::{Tx, refuse_taken},
    db::{Sql, schema::courses},
    http::{ApiResult, Listing, Page, Sort, list::SortKind},
    text::fold,
};

const TITLE: Sort = Sort {
    name: "title",
    column: "courses.title",
    kind: SortKind::Text,
};
const CODE: Sort = Sort {
    name: "code",
    column: "courses.code",
    kind: SortKind::Text,
};
const CREATED_AT: Sort = Sort {
    name: "created_at",
    column: "courses.created_at",
    kind: SortKind::Instant,
};
const UPDATED_AT: Sort = Sort {
    name: "updated_at",
    column: "courses.updated_at",
    kind: SortKind::Instant,
};
/// Its column is an expression over the words that are searched for.
const BY_RELEVANCE: Sort = Sort {
    name: RELEVANCE,
    column: "0",
    kind: SortKind::Integer,
};

/// The orders of the list; each has its index.
const LISTING: Listing = Listing {
    id: "courses.id",
    sorts: &[TITLE, CODE, CREATED_AT, UPDATED_AT],
};
/// The orders of a search.
const FOUND: Listing = Listing {
    id: "courses.id",
    sorts: &[BY_RELEVANCE, TITLE, CODE, CREATED_AT, UPDATED_AT],
};

/// A page of the courses that the caller may see.
pub fn list(tx: &mut Tx, query: &ListCourses) -> ApiResult<Page<Course>> {
    let scope = tx.scope(Course::READ)?;
    let listing = if search::typed(query).is_some() {
        &FOUND
    } else {
        &LISTING
    };
    let (page, filter) = query.common().page(listing, &COURSES, &tx.filter_clock())?;
    let search = Search::read(tx, query)?;
    let page = page.ordering(RELEVANCE, || search.relevance());
    let within = Sql::all([Course::visible(&scope), filter]);
    let found = match page.is_by(RELEVANCE) {
        true => search.best(&within),
        false => Sql::all([within, search.condition()]),
    };
    let rows = courses::table
        .select((Course::as_select(), page.key()))
        .filter(page.rows([found]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |course| course.id))
}

/// Adds a course, as a draft.
pub fn insert(tx: &mut Tx, id: Uuid, new: &CreateCourse) -> QueryResult<Course> {
    diesel::insert_into(courses::table)
        .values((
            courses::id.eq(id),
            courses::status.eq(CourseStatus::Draft),
            new,
            courses::code_folded.eq(fold(&new.code)),
            courses::created_at.eq(tx.now),
            courses::updated_at.eq(tx.now),
        ))
        .returning(Course::as_returning())
        .get_result(tx.conn)
}

/// Refuses a code that another course has.
pub fn refuse_taken_code(tx: &mut Tx, code: Option<&str>, own: Option<Uuid>) -> ApiResult<()> {
    refuse_taken(tx, "courses", "code_folded", code, own)
}

/// Changes a course's working copy.
pub fn update(tx: &mut Tx, course: &Authorized<Course>, changes: &UpdateCourse) -> QueryResult<Course> {
    diesel::update(courses::table.find(course.id))
        .set((
            changes,
            changes
                .code
                .as_deref()
                .map(|code| courses::code_folded.eq(fold(code))),
            courses::version.eq(courses::version + 1),
            courses::updated_at.eq(tx.now),
        ))
        .returning(Course::as_returning())
        .get_result(tx.conn)
}

/// Retires a course, or brings it back to what it was.
pub fn set_retired(
    tx: &mut Tx,
    course: &Authorized<Course>,
    at: Option<DateTime<Utc>>,
) -> QueryResult<Course> {
    let status = match (at, course.current_version_id) {
        (Some(_), _) => CourseStatus::Retired,
        (None, Some(_)) => CourseStatus::Published,
        (None, None) => CourseStatus::Draft,
    };
    diesel::update(courses::table.find(course.id))
        .set((
            courses::status.eq(status),
            courses::retired_at.eq(at),
            courses::version.eq(courses::version + 1),
            courses::updated_at.eq(tx.now),
        ))
        .returning(Course::as_returning())
        .get_result(tx.conn)
}
