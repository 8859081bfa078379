//! The rows of blobs: which bytes the store holds. A row says `stored` once its bytes are there.
//!
//! Code that refers to a blob holds its row with `FOR SHARE` in the transaction that writes the reference (see
//! [`super::uploads::take`]): the collector then sees the reference, or the other side sees that the blob is being deleted.

use diesel::{QueryableByName, RunQueryDsl, sql_types};

use super::{Sha256, Store};
use crate::{
    app::Tx,
    http::{ApiError, ApiResult},
    sql,
};

/// Records that the store holds the bytes of a blob. Put them there before: they are looked for while the row is locked,
/// so that they are neither deleted in between nor missing. 503 if
/// the collector was quicker: put them again.
pub fn add(tx: &mut Tx, sha256: &Sha256, bytes: u64, media_type: &str) -> ApiResult<()> {
    let bytes = i64::try_from(bytes).map_err(ApiError::internal)?;
    // Waits for a collector that is deleting this blob.
    sql!(
        "INSERT INTO blobs (sha256, bytes, media_type, created_at, uploaded_at)
         VALUES ({sha256}, {bytes}, {media_type}, {tx.now}, {tx.now})
         ON CONFLICT (sha256) DO UPDATE SET state = 'stored', bytes = EXCLUDED.bytes, media_type = EXCLUDED.media_type,
            uploaded_at = greatest(blobs.uploaded_at, EXCLUDED.uploaded_at)"
    )
    .execute(tx.conn)?;
    match tx.app.part::<Store>().exists(sha256)? {
        true => Ok(()),
        false => Err(ApiError::unavailable(
            format!("the bytes of {sha256} were deleted while they were stored"),
            "A file with the same bytes was being deleted; send it again.",
        )),
    }
}

/// A blob's row.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Blob {
    /// The hash of its bytes.
    #[diesel(sql_type = sql_types::Binary)]
    pub sha256: Sha256,
    /// How many there are.
    #[diesel(sql_type = sql_types::BigInt)]
    pub bytes: i64,
    /// What its first bytes say that it is.
    #[diesel(sql_type = sql_types::Text)]
    pub media_type: String,
}

/// The stored blob with this hash.
pub fn find(tx: &mut Tx, sha256: &Sha256) -> ApiResult<Option<Blob>> {
    let found =
        sql!("SELECT sha256, bytes, media_type FROM blobs WHERE sha256 = {sha256} AND state = 'stored'");
    Ok(diesel::OptionalExtension::optional(found.get_result(tx.conn))?)
}
