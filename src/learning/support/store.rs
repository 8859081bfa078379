//! The statements of launches as they are shown.

use chrono::{DateTime, Utc};
use diesel::{OptionalExtension, QueryableByName, RunQueryDsl, sql_types};
use serde_json::Value;
use uuid::Uuid;

use super::{log::Noted, model::RecordedLaunch};
use crate::{
    app::Tx,
    authz::{Permission, Scope},
    db::{Fixed, Sql},
    filter::{Attribute, Kind, Schema},
    http::{ApiError, ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    learning::model::LaunchMode,
    sql,
};

const LISTING: Listing = Listing {
    id: "launches.id",
    sorts: &[Sort {
        name: "created_at",
        column: "launches.created_at",
        kind: SortKind::Instant,
    }],
};

static FILTER: Schema = Schema::new(&[
    Attribute::scalar("user_id", Kind::Id, "launches.user_id", "The learner."),
    Attribute::scalar(
        "enrollment_id",
        Kind::Id,
        "launches.enrollment_id",
        "The enrollment.",
    ),
    Attribute::scalar("activity_id", Kind::Id, "launches.activity_id", "The activity."),
    Attribute::scalar("attempt_id", Kind::Id, "launches.attempt_id", "The attempt."),
    Attribute::scalar(
        "content_version_id",
        Kind::Id,
        "launches.content_version_id",
        "The version of the content.",
    ),
    Attribute::scalar(
        "mode",
        Kind::Enum(LaunchMode::WORDS),
        "launches.mode",
        "What it is for.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "launches.created_at",
        "When it was made.",
    ),
]);

const COLUMNS: Fixed = Fixed(
    "launches.id, launches.user_id, launches.enrollment_id, launches.activity_id, launches.attempt_id,
    launches.course_version_id, launches.content_version_id, launches.mode, launches.created_by, launches.created_at, launches.expires_at,
    launches.saved_at, launches.terminated_at",
);

/// The launches that `scope` covers: those of enrollments that it covers.
fn covered(scope: &Scope) -> Sql {
    match scope.is_everything() {
        true => Sql::always(),
        false => sql!(
            "EXISTS (SELECT FROM enrollments e WHERE e.user_id = launches.user_id AND e.id = launches.enrollment_id
                AND {facts})",
            facts = scope.facts("e.user_id", "e.course_id"),
        ),
    }
}

/// A page of the launches that the caller may see.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<RecordedLaunch>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        launch: RecordedLaunch,
        #[diesel(sql_type = sql_types::Jsonb)]
        sort_key: Value,
    }
    let scope = tx.scope(Permission::LaunchesRead)?;
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    let rows: Vec<Row> = sql!(
        "SELECT {COLUMNS}, {key} AS sort_key FROM launches WHERE {rows} ORDER BY {order} LIMIT {limit}",
        key = page.key(),
        rows = page.rows([covered(&scope), filter]),
        order = page.order(),
        limit = page.limit(),
    )
    .load(tx.conn)?;
    let rows = rows.into_iter().map(|row| (row.launch, row.sort_key)).collect();
    Ok(page.page(rows, |launch| launch.id))
}

/// A launch, with what is told only in words.
#[derive(Debug, QueryableByName)]
pub struct Found {
    /// The launch.
    #[diesel(embed)]
    pub launch: RecordedLaunch,
    /// How often the package saved something.
    #[diesel(sql_type = sql_types::Integer)]
    pub saves: i32,
    /// The item that saved last.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub item: Option<String>,
    /// The place that the package saved last.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub location: Option<String>,
    /// The bytes of the suspend data that it saved last.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Integer>)]
    pub suspend_bytes: Option<i32>,
    /// When the next launch of the attempt took over.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    pub superseded_at: Option<DateTime<Utc>>,
}

/// A launch that the caller may see; 404 otherwise.
pub fn find(tx: &mut Tx, id: Uuid) -> ApiResult<Found> {
    let scope = tx.scope(Permission::LaunchesRead)?;
    let found = sql!(
        "SELECT {COLUMNS}, launches.saves, launches.item, launches.location, launches.suspend_bytes,
            (SELECT min(later.created_at) FROM launches later WHERE later.user_id = launches.user_id
                AND later.attempt_id = launches.attempt_id AND later.fence > launches.fence) AS superseded_at
         FROM launches WHERE launches.id = {id} AND {covered}",
        covered = covered(&scope),
    )
    .get_result(tx.conn)
    .optional()?;
    found.ok_or_else(|| ApiError::not_found("launch"))
}

/// The log of a launch, in order.
pub fn log(tx: &mut Tx, launch: &RecordedLaunch) -> ApiResult<Vec<(DateTime<Utc>, Noted)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Timestamptz)]
        recorded_at: DateTime<Utc>,
        #[diesel(sql_type = sql_types::Jsonb)]
        entry: Value,
    }
    let rows: Vec<Row> = sql!(
        "SELECT recorded_at, entry FROM launch_log WHERE user_id = {launch.user_id} AND launch_id = {launch.id}
         ORDER BY recorded_at, id"
    )
    .load(tx.conn)?;
    // What a later release writes is left out.
    let read = |row: Row| Some((row.recorded_at, serde_json::from_value(row.entry).ok()?));
    Ok(rows.into_iter().filter_map(read).collect())
}

/// The number of a version of a course.
pub fn version_number(tx: &mut Tx, course_version_id: Uuid) -> ApiResult<i32> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Integer)]
        number: i32,
    }
    let row: Row =
        sql!("SELECT number FROM course_versions WHERE id = {course_version_id}").get_result(tx.conn)?;
    Ok(row.number)
}
