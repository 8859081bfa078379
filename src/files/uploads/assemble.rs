//! Makes the blob of an upload whose pieces are all there.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::store;
use crate::{
    app::{Acting, App},
    files::{Sha256, Store, blobs, media_type, sha256::Sha256Hasher},
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

/// Makes the blob of an upload that has all its pieces; does nothing where that is done already. The pieces are read
/// twice, since the hash names the blob. Blocks.
pub fn assemble(app: &App, upload: Uuid) -> ApiResult<()> {
    let system = Acting::system("uploads.assemble");
    let Some(pieces) = app.read_blocking(&system, |tx| store::pieces_to_assemble(tx, upload))? else {
        return Ok(());
    };
    match assemble_pieces(app, &system, upload, pieces) {
        Ok(()) => {}
        // Another process may have been quicker, and has deleted the pieces.
        Err(error)
            if app
                .read_blocking(&system, |tx| store::pieces_to_assemble(tx, upload))?
                .is_some() =>
        {
            return Err(error);
        }
        Err(_) => return Ok(()),
    }
    app.part::<Store>().delete_pieces(upload)?;
    Ok(())
}

fn assemble_pieces(app: &App, system: &Acting, upload: Uuid, pieces: Vec<Uuid>) -> ApiResult<()> {
    let files = app.part::<Store>();
    let ReadFile {
        sha256,
        bytes,
        media_type,
    } = read(files.pieces(upload, pieces.clone())).map_err(unreadable)?;
    let mut attempt = 1;
    loop {
        if !files.exists(&sha256)? {
            files
                .put_file(&sha256, files.pieces(upload, pieces.clone()))
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

/// What is known of a file once it was read.
struct ReadFile {
    sha256: Sha256,
    bytes: u64,
    media_type: &'static str,
}

fn read(mut file: impl Read) -> io::Result<ReadFile> {
    let mut first = Vec::new();
    (&mut file)
        .take(media_type::FIRST_BYTES as u64)
        .read_to_end(&mut first)?;
    let mut hasher = Sha256Hasher::default();
    hasher.update(&first);
    let rest = io::copy(&mut file, &mut hasher)?;
    Ok(ReadFile {
        sha256: hasher.finish(),
        bytes: first.len() as u64 + rest,
        media_type: media_type::sniff(&first, rest == 0),
    })
}
