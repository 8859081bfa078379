//! Takes the bytes of an upload in, a piece at a time.

use std::time::Duration;

use actix_web::{
    rt::{self, task::JoinHandle},
    web::{self, Bytes},
};
use futures_util::{StreamExt, future};
use uuid::Uuid;

use super::{assemble, model::Upload, store, store::Piece, tus::Checksum};
use crate::{
    app::Call,
    authz::Permission,
    files::{Store, sha256::Sha256Hasher, store::PIECE},
    http::{ApiError, ApiResult, Code, body::unreadable},
};

/// The most parts of a piece: clients may send bytes one by one.
const MOST_PARTS: usize = 16_384;

/// Takes in what `body` brings of an upload after `offset`, and puts the upload together if that is all. Answers the upload
/// as it is then.
///
/// What arrived counts, even if the rest does not come; with a checksum all of it counts, or nothing. Goes on when the
/// client has gone.
pub async fn receive(
    call: Call,
    upload: &Upload,
    offset: u64,
    body: web::Payload,
    checksum: Option<Checksum>,
) -> ApiResult<Upload> {
    let id = upload.id;
    let receiving = Receiving {
        idle: call.app.config.request_timeout,
        hasher: call.clone().read(move |tx| store::hasher(tx, id, offset)).await?,
        call: call.clone(),
        upload: id,
        room: u64::try_from(upload.bytes)
            .unwrap_or_default()
            .saturating_sub(offset),
        end: offset,
        piece: Vec::new(),
        piece_bytes: 0,
        storing: None,
        is_deferred: checksum.is_some(),
        deferred: Vec::new(),
    };
    // A task of its own is not dropped with the connection.
    let received = rt::spawn(receiving.run(body, checksum)).await;
    received.map_err(ApiError::internal)??;
    let app = call.app.clone();
    web::block(move || assemble::assemble(&app, id))
        .await
        .map_err(ApiError::internal)??;
    find(call, id).await
}

/// The caller's upload as it is now.
pub async fn find(call: Call, id: Uuid) -> ApiResult<Upload> {
    call.read(move |tx| store::find(tx, id, Permission::ContentsWrite))
        .await
}

struct Receiving {
    call: Call,
    upload: Uuid,
    /// How long the next bytes may take.
    idle: Duration,
    /// How many bytes may still come.
    room: u64,
    /// Where the upload ends, with what counts already.
    end: u64,
    /// The hasher of all that is stored.
    hasher: Sha256Hasher,
    /// What arrived since the last piece.
    piece: Vec<Bytes>,
    /// How many bytes these are together.
    piece_bytes: usize,
    /// The last piece, on its way to the store while the next one arrives.
    storing: Option<JoinHandle<ApiResult<(Piece, Sha256Hasher)>>>,
    /// Whether pieces count only once all are there.
    is_deferred: bool,
    deferred: Vec<Piece>,
}

impl Receiving {
    async fn run(mut self, mut body: web::Payload, mut checksum: Option<Checksum>) -> ApiResult<()> {
        let ending = self.take(&mut body, checksum.as_mut()).await;
        if let Some(checksum) = checksum {
            ending?;
            if !checksum.fits() {
                return Err(ApiError::new(
                    Code::ChecksumMismatch,
                    "The bytes do not have the checksum of Upload-Checksum, and none of them counts; send them again.",
                ));
            }
            self.store_piece().await?;
            self.settle().await?;
            let deferred = std::mem::take(&mut self.deferred);
            return self.count(deferred).await;
        }
        self.store_piece().await?;
        self.settle().await?;
        ending
    }

    /// Takes in the body until its end, or until it breaks off.
    async fn take(&mut self, body: &mut web::Payload, mut checksum: Option<&mut Checksum>) -> ApiResult<()> {
        loop {
            let bytes = match tokio::time::timeout(self.idle, body.next()).await {
                Ok(Some(bytes)) => bytes.map_err(|error| unreadable(&error.into()))?,
                Ok(None) => return Ok(()),
                Err(_) => {
                    return Err(ApiError::new(
                        Code::RequestTimeout,
                        "The next bytes did not arrive in time. What came before counts: ask for the offset, and go on from there.",
                    ));
                }
            };
            self.room = self.room.checked_sub(bytes.len() as u64).ok_or_else(|| {
                ApiError::new(
                    Code::PayloadTooLarge,
                    "The body has more bytes than the upload was to have; begin an upload of the right length.",
                )
            })?;
            if let Some(checksum) = &mut checksum {
                checksum.update(&bytes);
            }
            self.add(bytes).await?;
        }
    }

    async fn add(&mut self, bytes: Bytes) -> ApiResult<()> {
        self.piece_bytes += bytes.len();
        self.piece.push(bytes);
        match self.piece_bytes >= PIECE || self.piece.len() >= MOST_PARTS {
            true => self.store_piece().await,
            false => Ok(()),
        }
    }

    /// Begins to store what arrived since the last piece, which is settled before.
    async fn store_piece(&mut self) -> ApiResult<()> {
        self.settle().await?;
        if self.piece.is_empty() {
            return Ok(());
        }
        let parts = std::mem::take(&mut self.piece);
        let piece = Piece {
            id: Uuid::now_v7(),
            bytes: std::mem::take(&mut self.piece_bytes) as u64,
        };
        let (app, upload, mut hasher) = (self.call.app.clone(), self.upload, self.hasher.clone());
        self.storing = Some(rt::spawn(async move {
            let hashed = parts.clone();
            let hashing = web::block(move || {
                hashed.iter().for_each(|part| hasher.update(part));
                hasher
            });
            let stored = app.part::<Store>().put_piece(upload, piece.id, parts);
            let (hasher, stored) = future::join(hashing, stored).await;
            stored?;
            Ok((piece, hasher.map_err(ApiError::internal)?))
        }));
        Ok(())
    }

    /// Waits until the last piece is stored, and has it count.
    async fn settle(&mut self) -> ApiResult<()> {
        let Some(storing) = self.storing.take() else {
            return Ok(());
        };
        let (piece, hasher) = storing.await.map_err(ApiError::internal)??;
        self.hasher = hasher;
        if self.is_deferred {
            self.deferred.push(piece);
            return Ok(());
        }
        self.count(vec![piece]).await
    }

    /// Has stored pieces count.
    async fn count(&mut self, pieces: Vec<Piece>) -> ApiResult<()> {
        let (upload, from) = (self.upload, self.end);
        self.end += pieces.iter().map(|piece| piece.bytes).sum::<u64>();
        let hasher = self.hasher.clone();
        self.call
            .write_lasting(move |tx| store::append(tx, upload, from, &pieces, &hasher))
            .await
    }
}
