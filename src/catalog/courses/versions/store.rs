//! The statements of course versions.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::model::CourseVersion;
use crate::{
    app::Tx,
    db::schema::course_versions,
    filter::{Attribute, Kind, Schema},
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    sql,
};

/// The order of the list, by the unique index over course and number.
pub const LISTING: Listing = Listing {
    id: "course_versions.id",
    sorts: &[Sort {
        name: "number",
        column: "course_versions.number",
        kind: SortKind::Integer,
    }],
};

/// What filters may name of versions.
pub static FILTER: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "course_versions.id", "Our id."),
    Attribute::scalar(
        "number",
        Kind::Integer,
        "course_versions.number",
        "Counts the course's versions.",
    ),
    Attribute::scalar("title", Kind::String, "course_versions.title", "The title."),
    Attribute::scalar(
        "language",
        Kind::String,
        "course_versions.language",
        "The language.",
    ),
    Attribute::scalar(
        "published_at",
        Kind::Instant,
        "course_versions.published_at",
        "When it was published.",
    ),
]);

/// A page of a course's versions.
pub fn list(tx: &mut Tx, course_id: Uuid, query: &ListQuery) -> ApiResult<Page<CourseVersion>> {
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    let of_course =
        sql!("course_versions.course_id = {course_id} AND course_versions.published_at IS NOT NULL");
    let rows = course_versions::table
        .select((CourseVersion::as_select(), page.key()))
        .filter(page.rows([of_course, filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |version| version.id))
}

/// The version of a course with this number.
pub fn find(tx: &mut Tx, course_id: Uuid, number: i32) -> QueryResult<Option<CourseVersion>> {
    course_versions::table
        .filter(course_versions::course_id.eq(course_id))
        .filter(course_versions::number.eq(number))
        .filter(course_versions::published_at.is_not_null())
        .select(CourseVersion::as_select())
        .first(tx.conn)
        .optional()
}
