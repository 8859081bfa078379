//! What of an upload must be read before a version is written: tracks are checked, PDF files and videos are looked at. Nothing of it is
//! done in the transaction that writes the version.

use std::{collections::HashMap, io::Read};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{
    model::CreateContentVersion,
    tracks::{self, to_web_vtt},
};
use crate::{
    app::Tx,
    catalog::contents::{package::pdf, video},
    files::{Sha256, Store},
    http::{ApiError, ApiResult},
    sql,
};

/// What was read of uploads, by their ids. Uploads that cannot be used are left out: writing the version says why.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// Tracks as WebVTT, which the store has by now, or what is wrong with them.
    pub tracks: HashMap<Uuid, Result<Track, String>>,
    /// Whether the upload is a PDF file without tags.
    pub is_untagged_pdf: bool,
    /// How long the upload is, if it is a video that says it.
    pub duration_seconds: Option<i32>,
}

/// A track in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Its bytes.
    pub sha256: Sha256,
    /// How many there are.
    pub bytes: u64,
}

#[derive(QueryableByName)]
struct Uploaded {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Binary)]
    sha256: Sha256,
    #[diesel(sql_type = sql_types::BigInt)]
    bytes: i64,
    #[diesel(sql_type = sql_types::Text)]
    media_type: String,
}

/// Reads what the version names.
pub fn prepare(tx: &mut Tx, new: &CreateContentVersion) -> ApiResult<Prepared> {
    let ids: Vec<Uuid> = new
        .tracks
        .iter()
        .map(|track| track.upload_id)
        .chain(new.upload_id)
        .collect();
    if ids.is_empty() {
        return Ok(Prepared::default());
    }
    let uploads: Vec<Uploaded> = sql!(
        "SELECT uploads.id, blobs.sha256, blobs.bytes, blobs.media_type
         FROM uploads JOIN blobs ON blobs.sha256 = uploads.sha256
         WHERE uploads.id = ANY({ids}) AND uploads.principal_id = {principal} AND uploads.expires_at > {tx.now}
            AND blobs.state = 'stored'",
        principal = tx.caller.principal_id(),
    )
    .load(tx.conn)?;
    let store = tx.app.part::<Store>();
    let mut prepared = Prepared::default();
    for upload in uploads {
        let bytes = upload.bytes.unsigned_abs();
        if new.tracks.iter().any(|track| track.upload_id == upload.id) {
            let track = match bytes > tracks::MOST_BYTES {
                true => Err(format!(
                    "has more than {} bytes; a track is a short text",
                    tracks::MOST_BYTES
                )),
                false => store_track(store, &upload.sha256)?,
            };
            prepared.tracks.insert(upload.id, track);
        }
        let is_pdf = upload.media_type == "application/pdf" && bytes <= pdf::LARGEST as u64;
        if new.upload_id == Some(upload.id) && is_pdf {
            prepared.is_untagged_pdf = pdf::is_untagged(&read(store, &upload.sha256)?);
        }
        if new.upload_id == Some(upload.id) && upload.media_type.starts_with("video/") {
            let mut file = store.reader(&upload.sha256)?;
            prepared.duration_seconds = video::seconds(&mut file).map_err(unreadable)?;
        }
    }
    Ok(prepared)
}

fn store_track(store: &Store, sha256: &Sha256) -> ApiResult<Result<Track, String>> {
    let text = match to_web_vtt(&read(store, sha256)?) {
        Ok(text) => text,
        Err(fault) => return Ok(Err(fault)),
    };
    let sha256 = Sha256::of(text.as_bytes());
    store.put_file(&sha256, text.as_bytes()).map_err(unreadable)?;
    Ok(Ok(Track {
        sha256,
        bytes: text.len() as u64,
    }))
}

fn read(store: &Store, sha256: &Sha256) -> ApiResult<Vec<u8>> {
    let mut bytes = Vec::new();
    store
        .reader(sha256)?
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

fn unreadable(error: std::io::Error) -> ApiError {
    ApiError::unavailable(
        error,
        "The store of files does not answer; try again in a minute.",
    )
}
