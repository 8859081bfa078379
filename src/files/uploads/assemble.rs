//! Makes the blob of an upload whose pieces are all there.

use std::io;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::store::{self, Whole};
use crate::{
    app::{Acting, App},
    files::{Store, blobs, media_type},
    http::{ApiError, ApiResult, Code},
    jobs::{Job, JobError, JobRun},
};

/// Puts an upload together that the request which brought its last bytes did not.
#[derive(Debug, Serialize, Deserialize)]
pub struct AssembleUpload {
    /// Which.
    pub upload_id: Uuid,
}

impl Job for AssembleUpload {
    const KIND: &'static str = "uploads.assemble";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        Ok(assemble(run.app(), self.upload_id)?)
    }

    fn unique_key(&self) -> Option<String> {
        Some(self.upload_id.to_string())
    }
}

/// Times that the collector may delete the blob's bytes while they are stored.
const ATTEMPTS: u32 = 3;

/// Makes the blob of an upload that has all its pieces; does nothing where that is done already. Blocks.
pub fn assemble(app: &App, upload: Uuid) -> ApiResult<()> {
    let system = Acting::system("uploads.assemble");
    let Some(whole) = app.read_blocking(&system, |tx| store::whole(tx, upload))? else {
        return Ok(());
    };
    match make_blob(app, &system, upload, whole) {
        Ok(()) => {}
        // Another process may have been quicker, and has deleted the pieces.
        Err(error)
            if app
                .read_blocking(&system, |tx| store::whole(tx, upload))?
                .is_some() =>
        {
            return Err(error);
        }
        Err(_) => return Ok(()),
    }
    app.part::<Store>().delete_pieces(upload)?;
    Ok(())
}

fn make_blob(app: &App, system: &Acting, upload: Uuid, whole: Whole) -> ApiResult<()> {
    let files = app.part::<Store>();
    let Whole {
        pieces,
        bytes,
        sha256,
    } = whole;
    let bytes = u64::try_from(bytes).map_err(ApiError::internal)?;
    let mut attempt = 1;
    loop {
        let mut parts = files.pieces(upload, &pieces);
        let (mut ahead, mut first) = (Vec::new(), Vec::new());
        while first.len() < media_type::FIRST_BYTES
            && let Some(part) = parts.next()
        {
            let part = part.map_err(unreadable)?;
            let missing = media_type::FIRST_BYTES - first.len();
            first.extend_from_slice(&part[..missing.min(part.len())]);
            ahead.push(Ok(part));
        }
        let media_type = media_type::sniff(&first, first.len() as u64 == bytes);
        if !files.exists(&sha256)? {
            files
                .put_parts(&sha256, ahead.into_iter().chain(parts))
                .map_err(unreadable)?;
        }
        let completed = app.write_blocking(system, |tx| {
            blobs::add(tx, &sha256, bytes, media_type)?;
            store::complete(tx, upload, &sha256)
        });
        match completed {
            Err(error) if error.code == Code::Unavailable && attempt < ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
    }
}

fn unreadable(error: io::Error) -> ApiError {
    ApiError::unavailable(
        error,
        "The store of files does not answer; try again in a minute.",
    )
}
