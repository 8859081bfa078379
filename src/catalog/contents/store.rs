//! Reading content versions and the files of packages: what courses and the player ask.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::versions::model::{ContentVersion, PackageFile};
use crate::{app::Tx, db::schema::content_versions, sql};

/// The content version with this id.
pub fn find_version(tx: &mut Tx, id: Uuid) -> QueryResult<Option<ContentVersion>> {
    content_versions::table
        .filter(content_versions::id.eq(id))
        .select(ContentVersion::as_select())
        .first(tx.conn)
        .optional()
}

/// The file of a package at `path`, as the archive writes it.
pub fn file(tx: &mut Tx, version_id: Uuid, path: &str) -> QueryResult<Option<PackageFile>> {
    let found: Vec<PackageFile> = sql!(
        "SELECT path, position, compressed, method, crc32, bytes, media_type FROM content_files
         WHERE content_version_id = {version_id} AND path = {path}"
    )
    .load(tx.conn)?;
    Ok(found.into_iter().next())
}
