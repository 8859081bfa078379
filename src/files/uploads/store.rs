//! The statements of uploads.

use chrono::TimeDelta;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper, sql_types,
};
use uuid::Uuid;

use super::{
    assemble::AssembleUpload,
    model::{Upload, UploadRow, UploadState},
    tus::Creation,
};
use crate::{
    app::Tx,
    authz::Permission,
    db::{
        Condition, Sql,
        schema::{blobs, uploads},
    },
    files::{Sha256, quota, sha256::Sha256Hasher},
    filter::{Attribute, Kind, Schema},
    http::{ApiError, ApiResult, Code, ListQuery, Listing, Page, Sort, list::SortKind},
    sql,
};

/// An upload is deleted so long after its last bytes.
const KEPT: TimeDelta = TimeDelta::days(1);

/// What a request did not put together, a job does after so long.
const ASSEMBLE_AFTER: TimeDelta = TimeDelta::minutes(1);

const LISTING: Listing = Listing {
    id: "uploads.id",
    sorts: &[Sort {
        name: "created_at",
        column: "uploads.created_at",
        kind: SortKind::Instant,
    }],
};

static FILTER: Schema = Schema::new(&[
    Attribute::scalar("file_name", Kind::String, "uploads.file_name", "The file's name."),
    Attribute::scalar(
        "bytes",
        Kind::Integer,
        "uploads.bytes",
        "How many bytes it is to have.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "uploads.created_at",
        "When it was begun.",
    ),
    Attribute::scalar(
        "expires_at",
        Kind::Instant,
        "uploads.expires_at",
        "When it is deleted.",
    ),
]);

/// The uploads that the caller may use `permission` on: their own, and with the permission for everything those of all.
fn visible(tx: &Tx, permission: Permission) -> ApiResult<Sql> {
    let alive = sql!("uploads.expires_at > {tx.now}");
    Ok(match tx.scope(permission)?.is_everything() {
        true => alive,
        false => sql!(
            "{alive} AND uploads.principal_id = {principal}",
            principal = tx.caller.principal_id()
        ),
    })
}

/// A page of the uploads that the caller may see.
pub(super) fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Upload>> {
    let visible = visible(tx, Permission::ContentsRead)?;
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    let rows = uploads::table
        .left_join(blobs::table)
        .select((UploadRow::as_select(), page.key()))
        .filter(page.rows([visible, filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |upload| upload.id).map(Upload::from))
}

/// The upload, if the caller may use `permission` on it.
pub(super) fn find(tx: &mut Tx, id: Uuid, permission: Permission) -> ApiResult<Upload> {
    let visible = visible(tx, permission)?;
    let found: Option<UploadRow> = uploads::table
        .left_join(blobs::table)
        .filter(uploads::id.eq(id))
        .filter(Condition::new(visible))
        .select(UploadRow::as_select())
        .first(tx.conn)
        .optional()?;
    found.map(Upload::from).ok_or_else(not_found)
}

fn not_found() -> ApiError {
    ApiError::not_found("upload")
}

/// `Upload-Metadata` as it came with an upload.
pub(super) fn metadata(tx: &mut Tx, id: Uuid) -> ApiResult<Option<String>> {
    let found = uploads::table.find(id).select(uploads::metadata).first(tx.conn);
    Ok(found.optional()?.flatten())
}

/// Begins an upload of the caller.
pub(super) fn create(tx: &mut Tx, new: &Creation) -> ApiResult<Upload> {
    tx.require(Permission::ContentsWrite)?;
    quota::admit(tx, new.bytes)?;
    let id = Uuid::now_v7();
    sql!(
        "INSERT INTO uploads (id, principal_id, file_name, metadata, bytes, hash_state, created_at, updated_at, expires_at)
         VALUES ({id}, {principal}, {new.file_name}, {metadata}, {bytes}, {hash_state}, {tx.now}, {tx.now}, {expires_at})",
        metadata = new.metadata.as_deref(),
        hash_state = Sha256Hasher::default().state(),
        principal = tx.caller.principal_id(),
        bytes = i64::try_from(new.bytes).map_err(ApiError::internal)?,
        expires_at = tx.now + KEPT,
    )
    .execute(tx.conn)?;
    if new.bytes == 0 {
        tx.enqueue_at(&AssembleUpload { upload_id: id }, tx.now + ASSEMBLE_AFTER)?;
    }
    find(tx, id, Permission::ContentsWrite)
}

/// A piece of an upload that the store has.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub id: Uuid,
    pub bytes: u64,
}

/// The hasher of what is there of an upload, which must end at `offset`.
pub(super) fn hasher(tx: &mut Tx, id: Uuid, offset: u64) -> ApiResult<Sha256Hasher> {
    let state: Option<Vec<u8>> = uploads::table
        .filter(uploads::id.eq(id))
        .filter(uploads::received.eq(as_bigint(offset)?))
        .select(uploads::hash_state)
        .first(tx.conn)
        .optional()?;
    let Some(state) = state else {
        let upload = find(tx, id, Permission::ContentsWrite)?;
        return Err(wrong_offset(&upload));
    };
    resumed(&state)
}

fn resumed(state: &[u8]) -> ApiResult<Sha256Hasher> {
    Sha256Hasher::resume(state).ok_or_else(|| ApiError::internal("an upload has no state of a hash"))
}

/// Adds stored pieces at the end of an upload, which must be at `from`, with the hasher of all up to their end.
pub(super) fn append(
    tx: &mut Tx,
    id: Uuid,
    from: u64,
    pieces: &[Piece],
    hasher: &Sha256Hasher,
) -> ApiResult<()> {
    let visible = visible(tx, Permission::ContentsWrite)?;
    let to = pieces.iter().fold(from, |to, piece| to + piece.bytes);
    let (start, end) = (as_bigint(from)?, as_bigint(to)?);
    #[derive(QueryableByName)]
    struct Length {
        #[diesel(sql_type = sql_types::BigInt)]
        bytes: i64,
    }
    let appended: Option<Length> = sql!(
        "UPDATE uploads SET received = {end}, hash_state = {hash_state}, updated_at = {tx.now}, expires_at = {expires_at}
         WHERE id = {id} AND received = {start} AND sha256 IS NULL AND {visible}
         RETURNING bytes",
        hash_state = hasher.state(),
        expires_at = tx.now + KEPT,
    )
    .get_result(tx.conn)
    .optional()?;
    let Some(Length { bytes }) = appended else {
        let upload = find(tx, id, Permission::ContentsWrite)?;
        return Err(wrong_offset(&upload));
    };
    let mut position = start;
    let mut positions = Vec::with_capacity(pieces.len());
    for piece in pieces {
        positions.push(position);
        position += as_bigint(piece.bytes)?;
    }
    sql!(
        "INSERT INTO upload_pieces (upload_id, position, bytes, id)
         SELECT {id}, piece.* FROM unnest({positions}, {lengths}, {ids}) AS piece",
        lengths = pieces
            .iter()
            .map(|piece| as_bigint(piece.bytes))
            .collect::<ApiResult<Vec<i64>>>()?,
        ids = pieces.iter().map(|piece| piece.id).collect::<Vec<_>>(),
    )
    .execute(tx.conn)?;
    if end == bytes {
        tx.enqueue_at(&AssembleUpload { upload_id: id }, tx.now + ASSEMBLE_AFTER)?;
    }
    Ok(())
}

fn as_bigint(bytes: u64) -> ApiResult<i64> {
    i64::try_from(bytes).map_err(ApiError::internal)
}

/// Why bytes cannot be added at another place than the upload's end.
pub(super) fn wrong_offset(upload: &Upload) -> ApiError {
    ApiError::new(
        Code::UploadOffsetMismatch,
        match upload.state {
            UploadState::Receiving => format!(
                "The upload has {} of {} bytes; send Upload-Offset: {} and the bytes from there on.",
                upload.received, upload.bytes, upload.received
            ),
            _ => "The upload has all its bytes already; use it, or begin another.".to_owned(),
        },
    )
}

/// Deletes the upload, but for its pieces in the store.
pub(super) fn delete(tx: &mut Tx, id: Uuid) -> ApiResult<()> {
    let visible = visible(tx, Permission::ContentsWrite)?;
    match sql!("DELETE FROM uploads WHERE id = {id} AND {visible}").execute(tx.conn)? {
        0 => Err(not_found()),
        _ => Ok(()),
    }
}

/// Deletes up to `limit` uploads that have expired, but for their pieces in the store; answers which.
pub fn delete_expired(tx: &mut Tx, limit: i64) -> ApiResult<Vec<Uuid>> {
    let deleted = sql!(
        "DELETE FROM uploads WHERE id IN (
            SELECT id FROM uploads WHERE expires_at <= {tx.now} ORDER BY id LIMIT {limit} FOR UPDATE SKIP LOCKED)
         RETURNING id"
    );
    Ok(ids(deleted.load(tx.conn)?))
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

fn ids(rows: Vec<Id>) -> Vec<Uuid> {
    rows.into_iter().map(|row| row.id).collect()
}

/// An upload that has all its pieces and is not complete.
pub(super) struct Whole {
    /// Its pieces, in order.
    pub pieces: Vec<Uuid>,
    /// How many bytes they have together.
    pub bytes: i64,
    /// The hash of these.
    pub sha256: Sha256,
}

/// The upload, if it has all its pieces and is not complete.
pub(super) fn whole(tx: &mut Tx, id: Uuid) -> ApiResult<Option<Whole>> {
    let found: Option<(i64, Vec<u8>)> = uploads::table
        .filter(uploads::id.eq(id))
        .filter(uploads::received.eq(uploads::bytes))
        .filter(uploads::sha256.is_null())
        .select((uploads::bytes, uploads::hash_state))
        .first(tx.conn)
        .optional()?;
    let Some((bytes, state)) = found else {
        return Ok(None);
    };
    let pieces = sql!("SELECT id FROM upload_pieces WHERE upload_id = {id} ORDER BY position");
    Ok(Some(Whole {
        pieces: ids(pieces.load(tx.conn)?),
        bytes,
        sha256: resumed(&state)?.finish(),
    }))
}

/// Says which blob an upload became. One that was deleted meanwhile is left alone.
pub(super) fn complete(tx: &mut Tx, id: Uuid, sha256: &Sha256) -> ApiResult<()> {
    sql!(
        "WITH completed AS (UPDATE uploads SET sha256 = {sha256} WHERE id = {id} AND sha256 IS NULL RETURNING id)
         DELETE FROM upload_pieces USING completed WHERE upload_id = completed.id"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// What a complete upload brought.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct TakenUpload {
    /// The blob.
    #[diesel(sql_type = sql_types::Binary)]
    pub sha256: Sha256,
    /// How many bytes it has.
    #[diesel(sql_type = sql_types::BigInt)]
    pub bytes: i64,
    /// What its first bytes say that it is.
    #[diesel(sql_type = sql_types::Text)]
    pub media_type: String,
    /// The name that the file had where it came from: text of a client.
    #[diesel(sql_type = sql_types::Text)]
    pub file_name: String,
}

/// What the caller's own complete upload brought. Its blob stays until this transaction ends, which is to refer to it. An
/// upload may be taken more than once, until it expires.
///
/// 404 for the uploads of others and those that expired, 409 `upload_incomplete` before all bytes are there.
pub fn take(tx: &mut Tx, upload_id: Uuid) -> ApiResult<TakenUpload> {
    let own = sql!(
        "uploads.principal_id = {principal} AND uploads.expires_at > {tx.now}",
        principal = tx.caller.principal_id(),
    );
    let taken = sql!(
        "SELECT blobs.sha256, blobs.bytes, blobs.media_type, uploads.file_name
         FROM uploads JOIN blobs ON blobs.sha256 = uploads.sha256
         WHERE uploads.id = {upload_id} AND {own} AND blobs.state = 'stored'
         FOR SHARE OF blobs"
    );
    if let Some(taken) = taken.get_result(tx.conn).optional()? {
        return Ok(taken);
    }
    #[derive(QueryableByName)]
    struct Incomplete {
        #[diesel(sql_type = sql_types::BigInt)]
        received: i64,
        #[diesel(sql_type = sql_types::BigInt)]
        bytes: i64,
    }
    let incomplete: Option<Incomplete> =
        sql!("SELECT received, bytes FROM uploads WHERE id = {upload_id} AND {own} AND sha256 IS NULL")
            .get_result(tx.conn)
            .optional()?;
    let Incomplete { received, bytes } = incomplete.ok_or_else(not_found)?;
    Err(ApiError::new(
        Code::UploadIncomplete,
        match received == bytes {
            true => "The bytes of the upload are being put together; try again in a few seconds.".to_owned(),
            false => format!("The upload has {received} of {bytes} bytes; send the rest, then use it."),
        },
    ))
}
