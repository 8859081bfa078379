//! How much may be uploaded: a file's limit, and the academy's.

use diesel::{QueryableByName, RunQueryDsl, sql_types};

use crate::{
    app::Tx,
    http::{ApiError, ApiResult, Code},
    sql,
};

#[derive(QueryableByName)]
struct Used {
    #[diesel(sql_type = sql_types::BigInt)]
    bytes: i64,
}

/// 413 if a file of so many bytes is larger than one may be, 409 `storage_full` if it does not fit beside the files that are
/// stored and what uploads may still bring. Holds until the transaction ends.
pub fn admit(tx: &mut Tx, bytes: u64) -> ApiResult<()> {
    let limit = tx.app.config.upload_limit;
    if bytes > limit {
        return Err(ApiError::new(
            Code::PayloadTooLarge,
            format!(
                "A file may have {limit} bytes, and this one has {bytes}. Send a smaller one, or ask the operator to raise PROVOST_UPLOAD_LIMIT."
            ),
        ));
    }
    let Some(limit) = tx.app.config.storage_limit else {
        return Ok(());
    };
    tx.advisory_lock("files.storage")?;
    let used: Used = sql!(
        "SELECT ((SELECT coalesce(sum(bytes), 0) FROM blobs)
            + (SELECT coalesce(sum(bytes), 0) FROM uploads WHERE sha256 IS NULL AND expires_at > {tx.now}))::bigint AS bytes"
    )
    .get_result(tx.conn)?;
    match u64::try_from(used.bytes)
        .unwrap_or_default()
        .saturating_add(bytes)
        > limit
    {
        true => Err(ApiError::new(
            Code::StorageFull,
            format!(
                "The files of the academy take {} of {limit} bytes, and this one has {bytes}. Delete uploads, and versions of \
                 contents that no course used: their bytes are free a day or two later. Or ask the operator to raise \
                 PROVOST_STORAGE_LIMIT.",
                used.bytes
            ),
        )),
        false => Ok(()),
    }
}
