//! Which courses use a content.

use std::collections::{BTreeMap, HashMap};

use actix_web::{get, web::Path};
use chrono::{DateTime, Utc};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Content;
use crate::{
    app::{Call, Tx},
    authz::{self, Permission},
    catalog::visibility,
    db::{Fixed, Sql},
    filter::{Attribute, Kind, Schema},
    http::{ApiResult, ListQuery, Listing, Page, Query, Ref, Reply, Sort, list::SortKind},
    sql,
};

/// A course that uses a content: its working copy, or a published version of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, QueryableByName)]
pub struct ContentUse {
    /// The course.
    #[diesel(sql_type = sql_types::Uuid)]
    pub course_id: Uuid,
    /// Its code.
    #[diesel(sql_type = sql_types::Text)]
    pub course_code: String,
    /// Its title.
    #[diesel(sql_type = sql_types::Text)]
    pub course_title: String,
    /// The number of the course's version; null for its working copy.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Integer>)]
    pub course_version_number: Option<i32>,
    /// Whether it is what learners get who enroll now.
    #[diesel(sql_type = sql_types::Bool)]
    pub is_current: bool,
    /// Which version of the content it uses.
    #[diesel(sql_type = sql_types::Uuid)]
    pub content_version_id: Uuid,
    /// That version's number.
    #[diesel(sql_type = sql_types::Integer)]
    pub content_version_number: i32,
    /// Whether the content has a newer version.
    #[diesel(sql_type = sql_types::Bool)]
    pub is_outdated: bool,
    /// How many learners take that version of the course now; of a working copy nobody does.
    #[diesel(sql_type = sql_types::BigInt)]
    pub learners: i64,
    /// When a learner who takes that version of the course last opened the content; null: nobody did.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    pub last_launched_at: Option<DateTime<Utc>>,
}

/// How much a content is used, by all courses together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, QueryableByName)]
pub struct ContentUsage {
    /// How many learners have it in a course that they take now.
    #[diesel(sql_type = sql_types::BigInt)]
    pub learners: i64,
    /// When a learner last opened it; null: nobody did. `GET /v1/launches` tells who.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    pub last_launched_at: Option<DateTime<Utc>>,
}

const LISTING: Listing = Listing {
    id: "used.id",
    sorts: &[Sort {
        name: "course_code",
        column: "used.course_code",
        kind: SortKind::Text,
    }],
};

static FILTER: Schema = Schema::new(&[
    Attribute::scalar("course_id", Kind::Id, "used.course_id", "The course."),
    Attribute::scalar(
        "course_version_number",
        Kind::Integer,
        "used.course_version_number",
        "The number of the course's version; null for its working copy.",
    ),
    Attribute::scalar(
        "is_current",
        Kind::Bool,
        "used.is_current",
        "Whether it is what learners get who enroll now.",
    ),
    Attribute::scalar(
        "is_outdated",
        Kind::Bool,
        "used.is_outdated",
        "Whether the content has a newer version.",
    ),
]);

/// List the uses of a content.
///
/// The working copies and versions of courses that use one of its versions, as far as the caller sees the courses.
/// `filter=course_version_number eq null and is_outdated eq true` are the drafts for which a newer version is available. Each use
/// tells how many learners it reaches, and when one last opened the content.
#[utoipa::path(tag = "contents", params(("content_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<ContentUse>)), extensions(("x-permission" = json!("contents.read"))))]
#[get("/{content_id}/uses")]
pub async fn list_content_uses(
    call: Call,
    id: Path<Ref<Content>>,
    query: Query<ListQuery>,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let content = authz::read(tx, &id)?;
        Reply::page(&list(tx, content.id, &query.0)?)
    })
    .await
}

/// Get the usage of a content.
///
/// How many learners have it in a course that they take now, and when one last opened it. Tests do not count.
#[utoipa::path(tag = "contents", params(("content_id" = String, Path)), responses((status = 200, body = ContentUsage)),
    extensions(("x-permission" = json!("contents.read"))))]
#[get("/{content_id}/usage")]
pub async fn get_content_usage(call: Call, id: Path<Ref<Content>>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let content = authz::read(tx, &id)?;
        Reply::ok(&usage(tx, content.id)?)
    })
    .await
}

/// Enrollments that count and are not over, as the index of their course versions has them.
const LIVE: Fixed =
    Fixed("e.state IN ('pending_approval', 'waitlisted', 'enrolled', 'in_progress') AND e.kind = 'normal'");

fn usage(tx: &mut Tx, content: Uuid) -> ApiResult<ContentUsage> {
    let usage = sql!(
        "SELECT (SELECT count(DISTINCT e.user_id) FROM content_versions v
                JOIN course_versions cv ON cv.content_version_ids @> ARRAY[v.id]
                JOIN enrollments e ON e.course_version_id = cv.id
                WHERE v.content_id = {content} AND {LIVE}) AS learners,
            (SELECT max(last.created_at) FROM content_versions v
                CROSS JOIN LATERAL (SELECT max(l.created_at) AS created_at FROM launches l
                    WHERE l.content_version_id = v.id AND l.mode <> 'test') last
                WHERE v.content_id = {content}) AS last_launched_at"
    );
    Ok(usage.get_result(tx.conn)?)
}

fn list(tx: &mut Tx, content: Uuid, query: &ListQuery) -> ApiResult<Page<ContentUse>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
        #[diesel(embed)]
        shown: ContentUse,
        #[diesel(sql_type = sql_types::Jsonb)]
        sort_key: Value,
    }
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    let rows: Vec<Row> = sql!(
        "SELECT used.*, (SELECT count(*) FROM enrollments e WHERE e.course_version_id = used.id AND {LIVE}) AS learners,
            (SELECT max(l.created_at) FROM launches l WHERE l.content_version_id = used.content_version_id
                AND l.course_version_id = used.id AND l.mode <> 'test') AS last_launched_at, {key} AS sort_key
         FROM ({used}) used WHERE {rows} ORDER BY {order} LIMIT {limit}",
        used = used(tx, content),
        key = page.key(),
        rows = page.rows([filter]),
        order = page.order(),
        limit = page.limit(),
    )
    .load(tx.conn)?;
    let rows = rows
        .into_iter()
        .map(|row| ((row.id, row.shown), row.sort_key))
        .collect();
    let page = page.page(rows, |(id, _): &(Uuid, ContentUse)| *id);
    Ok(page.map(|(_, shown)| shown))
}

/// The courses that the caller sees and that use a content: by its versions, which are few, through the indexes of their ids.
fn used(tx: &Tx, content: Uuid) -> Sql {
    let visible = visible_courses(tx);
    sql!(
        "SELECT courses.id, courses.id AS course_id, courses.code AS course_code, courses.title AS course_title,
            NULL::integer AS course_version_number, FALSE AS is_current, v.id AS content_version_id,
            v.number AS content_version_number, v.id IS DISTINCT FROM c.current_version_id AS is_outdated
         FROM content_versions v JOIN contents c ON c.id = v.content_id
         JOIN courses ON courses.content_version_ids @> ARRAY[v.id]
         WHERE v.content_id = {content} AND {visible}
         UNION ALL
         SELECT cv.id, courses.id, courses.code, courses.title, cv.number, courses.current_version_id IS NOT DISTINCT FROM cv.id,
            v.id, v.number, v.id IS DISTINCT FROM c.current_version_id
         FROM content_versions v JOIN contents c ON c.id = v.content_id
         JOIN course_versions cv ON cv.content_version_ids @> ARRAY[v.id]
         JOIN courses ON courses.id = cv.course_id
         WHERE v.content_id = {content} AND cv.published_at IS NOT NULL AND {visible}"
    )
}

fn visible_courses(tx: &Tx) -> Sql {
    let scope = tx.caller.scope_if_any(Permission::CoursesRead, tx.now);
    scope.map_or_else(Sql::never, |scope| visibility::courses(&scope))
}

/// For each of the contents that the working copy, the current version or an open candidate of a course uses: those courses, for
/// people. Retired courses do not count.
pub fn courses_in_words(tx: &mut Tx, contents: &[Uuid]) -> ApiResult<HashMap<Uuid, String>> {
    let used = sql!(
        "SELECT v.content_id AS id, courses.id AS course_id FROM content_versions v
         JOIN courses ON courses.content_version_ids @> ARRAY[v.id]
         WHERE v.content_id = ANY({contents}) AND courses.retired_at IS NULL
         UNION SELECT v.content_id, courses.id FROM content_versions v
         JOIN course_versions cv ON cv.content_version_ids @> ARRAY[v.id]
         JOIN courses ON courses.id = cv.course_id
         WHERE v.content_id = ANY({contents}) AND courses.retired_at IS NULL
            AND (courses.current_version_id = cv.id OR cv.published_at IS NULL AND cv.discarded_at IS NULL)"
    );
    in_words(tx, used)
}

/// The courses that use a version of a content, in their working copy, a published version or an open candidate, for people; none
/// if none does.
pub fn courses_of_version(tx: &mut Tx, version: Uuid) -> ApiResult<Option<String>> {
    let used = sql!(
        "SELECT {version} AS id, courses.id AS course_id FROM courses WHERE courses.content_version_ids @> ARRAY[{version}]
         UNION SELECT {version}, cv.course_id FROM course_versions cv
         WHERE cv.content_version_ids @> ARRAY[{version}] AND cv.discarded_at IS NULL"
    );
    Ok(in_words(tx, used)?.remove(&version))
}

/// The courses of `used`, which has pairs of an `id` and a `course_id`, for people, by id.
fn in_words(tx: &mut Tx, used: Sql) -> ApiResult<HashMap<Uuid, String>> {
    const MOST_NAMED: usize = 10;
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
        #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
        code: Option<String>,
    }
    let visible = visible_courses(tx);
    let rows: Vec<Row> = sql!(
        "SELECT used.id, CASE WHEN {visible} THEN courses.code END AS code
         FROM ({used}) used JOIN courses ON courses.id = used.course_id ORDER BY courses.code"
    )
    .load(tx.conn)?;
    let mut named: BTreeMap<Uuid, (Vec<String>, usize)> = BTreeMap::new();
    for row in rows {
        let (codes, others) = named.entry(row.id).or_default();
        match row.code {
            Some(code) if codes.len() < MOST_NAMED => codes.push(code),
            _ => *others += 1,
        }
    }
    let words = named.into_iter().map(|(id, (codes, others))| {
        let hidden = if codes.is_empty() {
            "that you do not see"
        } else {
            "more"
        };
        let others = (others > 0).then(|| format!("{others} {hidden}"));
        let words: Vec<String> = codes.into_iter().chain(others).collect();
        (id, words.join(", "))
    });
    Ok(words.collect())
}
