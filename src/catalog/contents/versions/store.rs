//! The statements of content versions.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, QueryableByName, RunQueryDsl,
    SelectableHelper, sql_types,
};
use serde_json::Value;
use uuid::Uuid;

use super::model::{
    ContentTrack, ContentTrackKind, ContentVersion, ContentVersionState, ContentVersionSummary, PackageFile,
};
use crate::{
    app::{Event, Tx},
    authz::{Authorized, Permission, authorize},
    catalog::{
        contents::{
            body::ContentBody,
            findings::{Finding, Findings},
            model::Content,
            uses,
        },
        events::{
            CONTENT_VERSION_CHANGED, CONTENT_VERSION_CREATED, CONTENT_VERSION_DELETED, CONTENT_VERSION_READY,
            CONTENT_VERSION_REFUSED,
        },
    },
    db::{Sql, schema::content_versions},
    files::Sha256,
    filter::{Attribute, Kind, Schema},
    http::{ApiError, ApiResult, Code, ListQuery, Listing, Page, Ref, Sort, list::SortKind},
    resource::{Change, write},
    sql,
};

const LISTING: Listing = Listing {
    id: "content_versions.id",
    sorts: &[Sort {
        name: "number",
        column: "content_versions.number",
        kind: SortKind::Integer,
    }],
};

static FILTER: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "content_versions.id", "Our id."),
    Attribute::scalar(
        "number",
        Kind::Integer,
        "content_versions.number",
        "Counts the content's versions.",
    ),
    Attribute::scalar(
        "state",
        Kind::Enum(ContentVersionState::WORDS),
        "content_versions.state",
        "How far it is.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "content_versions.created_at",
        "When it was made.",
    ),
]);

/// The columns of a summary.
fn summary() -> Sql {
    sql!(
        "content_versions.id, content_versions.content_id, content_versions.number, content_versions.state,
            content_versions.file_name, content_versions.sha256,
            jsonb_array_length(jsonb_path_query_array(content_versions.findings, '$[*] ? (@.severity == \"error\")')) AS errors,
            jsonb_array_length(jsonb_path_query_array(content_versions.findings, '$[*] ? (@.severity == \"warning\")')) AS warnings,
            content_versions.note, content_versions.created_by, content_versions.created_at"
    )
}

/// A page of a content's versions.
pub fn list(tx: &mut Tx, content: Uuid, query: &ListQuery) -> ApiResult<Page<ContentVersionSummary>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        version: ContentVersionSummary,
        #[diesel(sql_type = sql_types::Jsonb)]
        sort_key: Value,
    }
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    let rows: Vec<Row> = sql!(
        "SELECT {summary}, {key} AS sort_key FROM content_versions WHERE {rows} ORDER BY {order} LIMIT {limit}",
        summary = summary(),
        key = page.key(),
        rows = page.rows([sql!("content_versions.content_id = {content}"), filter]),
        order = page.order(),
        limit = page.limit(),
    )
    .load(tx.conn)?;
    let rows = rows.into_iter().map(|row| (row.version, row.sort_key)).collect();
    Ok(page.page(rows, |version| version.id))
}

/// The version of a content with this number.
pub fn find(tx: &mut Tx, content: Uuid, number: i32) -> QueryResult<Option<ContentVersion>> {
    content_versions::table
        .filter(content_versions::content_id.eq(content))
        .filter(content_versions::number.eq(number))
        .select(ContentVersion::as_select())
        .first(tx.conn)
        .optional()
}

/// The tracks of a video.
pub fn tracks(tx: &mut Tx, version: Uuid) -> ApiResult<Vec<ContentTrack>> {
    let found = sql!(
        "SELECT language, kind, sha256 FROM content_tracks WHERE content_version_id = {version} ORDER BY kind, language"
    );
    Ok(found.load(tx.conn)?)
}

/// Adds a track, whose blob is known, to a version.
pub fn add_track(
    tx: &mut Tx,
    version: Uuid,
    language: &str,
    kind: ContentTrackKind,
    sha256: &Sha256,
) -> ApiResult<()> {
    sql!(
        "INSERT INTO content_tracks (content_version_id, language, kind, sha256)
         VALUES ({version}, {language}, {kind}, {sha256})",
        kind = kind.as_str(),
    )
    .execute(tx.conn)?;
    Ok(())
}

fn summary_of(tx: &mut Tx, version: Uuid) -> ApiResult<ContentVersionSummary> {
    let found = sql!(
        "SELECT {summary} FROM content_versions WHERE id = {version}",
        summary = summary()
    );
    Ok(found.get_result(tx.conn)?)
}

/// The number of a content's next version. Hold the row of the content, so that nobody else takes it.
pub fn next_number(tx: &mut Tx, content: Uuid) -> ApiResult<i32> {
    #[derive(QueryableByName)]
    struct Next {
        #[diesel(sql_type = sql_types::Integer)]
        number: i32,
    }
    let next = sql!(
        "SELECT coalesce(max(number), 0) + 1 AS number FROM content_versions WHERE content_id = {content}"
    );
    let next: Next = next.get_result(tx.conn)?;
    Ok(next.number)
}

/// Adds the next version of a content, whose row the caller has locked. One that is ready becomes the current version.
pub fn insert(tx: &mut Tx, version: &ContentVersion) -> ApiResult<()> {
    let body = version
        .body
        .as_ref()
        .map(serde_json::to_value)
        .transpose()
        .map_err(ApiError::internal)?;
    let findings = serde_json::to_value(&version.findings).map_err(ApiError::internal)?;
    sql!(
        "INSERT INTO content_versions (id, content_id, number, state, body, sha256, file_name, findings, note, created_by, created_at)
         VALUES ({version.id}, {version.content_id}, {number}, {state}, {body}, {sha256}, {file_name}, {findings},
            {note}, {created_by}, {version.created_at})",
        number = i64::from(version.number),
        state = version.state.as_str(),
        sha256 = version.sha256.map(|sha256| sha256.as_bytes().to_vec()),
        file_name = version.file_name.as_deref(),
        note = version.note.as_deref(),
        created_by = version.created_by,
    )
    .execute(tx.conn)?;
    let summary = summary_of(tx, version.id)?;
    tx.record(Event::new(&CONTENT_VERSION_CREATED, version.id).after(&summary));
    match version.state {
        ContentVersionState::Ready => make_current(tx, version),
        ContentVersionState::Importing | ContentVersionState::Refused | ContentVersionState::Deleted => {
            Ok(())
        }
    }
}

/// Makes a version that is ready the current one of its content, unless a later one is.
fn make_current(tx: &mut Tx, version: &ContentVersion) -> ApiResult<()> {
    let content = authorize::<Content>(tx, &Ref::from(version.content_id), Permission::ContentsWrite)?;
    if content
        .current_version_number
        .is_some_and(|current| current > version.number)
    {
        return Ok(());
    }
    become_current(tx, content, Some((version.id, version.number)))
}

fn become_current(tx: &mut Tx, content: Authorized<Content>, version: Option<(Uuid, i32)>) -> ApiResult<()> {
    let after = Content {
        current_version_id: version.map(|(id, _)| id),
        current_version_number: version.map(|(_, number)| number),
        ..Content::clone(&content)
    };
    write::one(
        tx,
        Change::Become(content, Box::new(after), &CONTENT_VERSION_CHANGED),
    )?;
    Ok(())
}

/// Writes what was read of a package, which becomes the current version.
pub fn become_ready(
    tx: &mut Tx,
    version: &ContentVersion,
    body: &ContentBody,
    files: &[PackageFile],
    findings: &[Finding],
) -> ApiResult<ContentVersionSummary> {
    // The content first, as requests do that add versions.
    let _content = authorize::<Content>(tx, &Ref::from(version.content_id), Permission::ContentsWrite)?;
    let texts = |of: fn(&PackageFile) -> &str| {
        files
            .iter()
            .map(|file| of(file).to_owned())
            .collect::<Vec<String>>()
    };
    let numbers = |of: fn(&PackageFile) -> i64| files.iter().map(of).collect::<Vec<i64>>();
    sql!(
        "INSERT INTO content_files (content_version_id, path, position, compressed, method, crc32, bytes, media_type)
         SELECT {version.id}, file.* FROM unnest({paths}, {positions}, {compressed}, {methods}, {sums}, {bytes}, {types}) AS file",
        paths = texts(|file| &file.path),
        positions = numbers(|file| file.position),
        compressed = numbers(|file| file.compressed),
        methods = texts(|file| file.method.as_str()),
        sums = numbers(|file| file.crc32),
        bytes = numbers(|file| file.bytes),
        types = texts(|file| &file.media_type),
    )
    .execute(tx.conn)?;
    let body = serde_json::to_value(body).map_err(ApiError::internal)?;
    let findings = serde_json::to_value(findings).map_err(ApiError::internal)?;
    sql!("UPDATE content_versions SET state = 'ready', body = {body}, findings = {findings} WHERE id = {version.id}")
        .execute(tx.conn)?;
    let summary = summary_of(tx, version.id)?;
    tx.record(Event::new(&CONTENT_VERSION_READY, version.id).after(&summary));
    make_current(tx, version)?;
    Ok(summary)
}

/// Refuses a package for good: its file is used no more.
pub fn refuse(tx: &mut Tx, version: &ContentVersion, finding: &Finding) -> ApiResult<()> {
    let findings = serde_json::to_value(Findings(vec![finding.clone()])).map_err(ApiError::internal)?;
    let refused = sql!(
        "UPDATE content_versions SET state = 'refused', findings = {findings}, sha256 = NULL
         WHERE id = {version.id} AND state = 'importing'"
    );
    if refused.execute(tx.conn)? == 1 {
        let summary = summary_of(tx, version.id)?;
        tx.record(Event::new(&CONTENT_VERSION_REFUSED, version.id).after(&summary));
    }
    Ok(())
}

/// Deletes what a version shows; the current version is then the last of the others that can be used. 409 while it is being read, and
/// while a course uses it, in its working copy, a published version or an open candidate.
pub fn delete(tx: &mut Tx, content: Authorized<Content>, version: &ContentVersion) -> ApiResult<()> {
    match version.state {
        ContentVersionState::Deleted => return Ok(()),
        ContentVersionState::Importing => {
            return Err(ApiError::new(
                Code::Conflict,
                "The package is still being read: cancel the operation first, or wait for its end.",
            ));
        }
        ContentVersionState::Ready | ContentVersionState::Refused => {}
    }
    if let Some(courses) = uses::courses_of_version(tx, version.id)? {
        let detail = format!(
            "Courses use it: {courses}. What a published version of a course used is kept; take it out of working copies, and \
             withdraw candidates that use it."
        );
        return Err(ApiError::new(Code::ContentInUse, detail));
    }
    sql!(
        "WITH files AS (DELETE FROM content_files WHERE content_version_id = {version.id}),
            tracks AS (DELETE FROM content_tracks WHERE content_version_id = {version.id})
         UPDATE content_versions SET state = 'deleted', body = NULL, sha256 = NULL, findings = '[]' WHERE id = {version.id}"
    )
    .execute(tx.conn)?;
    let summary = summary_of(tx, version.id)?;
    tx.record(Event::new(&CONTENT_VERSION_DELETED, version.id).after(&summary));
    if content.current_version_id != Some(version.id) {
        return Ok(());
    }
    let last: Option<(Uuid, i32)> = content_versions::table
        .filter(content_versions::content_id.eq(content.id))
        .filter(content_versions::state.eq(ContentVersionState::Ready))
        .order(content_versions::number.desc())
        .select((content_versions::id, content_versions::number))
        .first(tx.conn)
        .optional()?;
    become_current(tx, content, last)
}
