//! Where the bytes of files are: a folder, or a bucket of an S3-compatible service.
//!
//! `blobs/ab/cdef…` holds the bytes with the SHA-256 `abcdef…`; they never change. `uploads/{id}/{piece}` holds a piece of an
//! upload that is not complete. What a function has stored is on disk when it returns.

use std::{
    collections::BTreeSet,
    fs::File,
    future::{Future, ready},
    io::{self, Read, Seek, SeekFrom},
    iter,
    ops::Range,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::Arc,
};

use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use object_store::{
    ClientOptions, GetOptions, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart, aws::AmazonS3Builder,
    client::SpawnedReqwestConnector, local::LocalFileSystem, path::Path,
};
use tokio::runtime::{self, Handle, Runtime};
use uuid::Uuid;

use super::Sha256;
use crate::{
    app::Part,
    config::{Config, FilesHome},
    http::ApiError,
};

/// Bytes that are read or answered at once.
const READ_AHEAD: u64 = 1 << 20;

/// Bytes of a piece of an upload, and of what is sent to a bucket at once.
pub const PIECE: usize = 8 << 20;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is nothing under the name.
    #[error("the store has no such file")]
    NotFound,
    /// The store failed.
    #[error("the store of files: {0}")]
    Failed(String),
}

impl StoreError {
    /// Whether there is nothing under the name.
    pub fn is_not_found(&self) -> bool {
        matches!(self, StoreError::NotFound)
    }
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => StoreError::NotFound,
            error => StoreError::Failed(error.to_string()),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => StoreError::NotFound,
            _ => StoreError::Failed(error.to_string()),
        }
    }
}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        let kind = match error.is_not_found() {
            true => io::ErrorKind::NotFound,
            false => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        ApiError::unavailable(
            error,
            "The store of files does not answer; try again in a minute.",
        )
    }
}

/// What the functions of the store answer.
pub type StoreResult<T> = Result<T, StoreError>;

/// Where the bytes of files are.
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    /// In front of every name.
    prefix: Path,
    /// Where it is a folder, that.
    folder: Option<PathBuf>,
    /// For callers that block, and for connections to a bucket. Taken when the store is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Part for Store {}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Store {
    /// Opens the store that the settings name. The error says what to do.
    pub fn open(config: &Config) -> Result<Self, String> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("store")
            .enable_all()
            .build()
            .map_err(|error| format!("A thread cannot be started: {error}"))?;
        let handle = runtime.handle().clone();
        type Opened = (Arc<dyn ObjectStore>, Path, Option<PathBuf>);
        let (objects, prefix, folder): Opened = match config.files() {
            FilesHome::Folder(folder) => {
                let failed = |error: &dyn std::fmt::Display| {
                    format!(
                        "PROVOST_FILES (or --files) is \"{}\": {error}; give a folder that Provost may write.",
                        folder.display()
                    )
                };
                std::fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
                let objects = LocalFileSystem::new_with_prefix(&folder).map_err(|error| failed(&error))?;
                (
                    Arc::new(objects.with_fsync(true).with_automatic_cleanup(true)),
                    Path::default(),
                    Some(folder),
                )
            }
            FilesHome::Bucket { bucket, prefix } => {
                let mut builder = AmazonS3Builder::from_env()
                    .with_bucket_name(bucket)
                    .with_http_connector(SpawnedReqwestConnector::new(handle.clone()));
                if let Some(endpoint) = &config.s3_endpoint {
                    let options = ClientOptions::new().with_allow_http(endpoint.starts_with("http://"));
                    builder = builder.with_endpoint(endpoint).with_client_options(options);
                }
                if let Some(region) = &config.s3_region {
                    builder = builder.with_region(region);
                }
                if let (Some(key), Some(secret)) = (&config.s3_access_key_id, &config.s3_secret_access_key) {
                    builder = builder.with_access_key_id(key).with_secret_access_key(secret);
                }
                let objects = builder
                    .build()
                    .map_err(|error| format!("The bucket of PROVOST_FILES cannot be used: {error}"))?;
                (Arc::new(objects), Path::from(prefix), None)
            }
        };
        Ok(Store {
            objects,
            prefix,
            folder,
            runtime: Some(runtime),
            handle,
        })
    }

    /// The bytes of a blob within `range`, in parts of at most 1 MiB.
    pub async fn range(
        &self,
        sha256: &Sha256,
        range: Range<u64>,
    ) -> StoreResult<impl Stream<Item = io::Result<Bytes>> + use<>> {
        if range.is_empty() {
            return Ok(stream::empty().left_stream());
        }
        let path = self.blob(sha256);
        if let Some(folder) = &self.folder {
            let path = folder.join(path.as_ref());
            return Ok(file_parts(path, range).await?.left_stream().right_stream());
        }
        let options = GetOptions::new().with_range(Some(range));
        let parts = self.objects.get_opts(&path, options).await?.into_stream();
        let parts = parts.map_err(|error| io::Error::from(StoreError::from(error)));
        Ok(parts.right_stream().right_stream())
    }

    /// Whether the bytes of a blob are there. Blocks.
    pub fn exists(&self, sha256: &Sha256) -> StoreResult<bool> {
        match self.wait(self.objects.head(&self.blob(sha256))) {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Stores what `file` gives as the bytes of the blob; `sha256` must be their hash. Blocks.
    pub fn put_file(&self, sha256: &Sha256, mut file: impl Read) -> io::Result<()> {
        let parts = iter::from_fn(|| {
            let piece = read_piece(&mut file);
            (!matches!(&piece, Ok(piece) if piece.is_empty())).then_some(piece)
        });
        self.put_parts(sha256, parts)
    }

    /// Stores parts, one after the other, as the bytes of the blob, in memory that does not grow with them; `sha256` must be the
    /// hash of all. Blocks.
    pub fn put_parts(
        &self,
        sha256: &Sha256,
        mut parts: impl Iterator<Item = io::Result<Bytes>>,
    ) -> io::Result<()> {
        let path = self.blob(sha256);
        let first = parts.next().transpose()?.unwrap_or_default();
        let Some(second) = parts.next() else {
            self.wait(self.objects.put(&path, first.into()))?;
            return Ok(());
        };
        let upload = self.wait(self.objects.put_multipart(&path))?;
        // What is as large as a piece is not copied.
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PIECE);
        // The next part is read while this one is on its way.
        let written = [Ok(first), second]
            .into_iter()
            .chain(parts)
            .try_for_each(|part| -> io::Result<()> {
                let part = part?;
                self.wait(async {
                    upload.put(part);
                    upload.wait_for_capacity(1).await
                })?;
                Ok(())
            });
        match written {
            Ok(()) => {
                self.wait(upload.finish())?;
                Ok(())
            }
            Err(error) => {
                if let Err(left) = self.wait(upload.abort()) {
                    log::warn!("{left}");
                }
                Err(error)
            }
        }
    }

    /// Reads a blob from any place in it. Blocks.
    pub fn reader(&self, sha256: &Sha256) -> StoreResult<BlobReader<'_>> {
        let path = self.blob(sha256);
        let bytes = self.wait(self.objects.head(&path))?.size;
        Ok(BlobReader {
            store: self,
            path,
            bytes,
            position: 0,
            ahead: Bytes::new(),
            ahead_from: 0,
        })
    }

    /// Deletes the bytes of a blob. That they are gone already is no fault. Blocks.
    pub fn delete(&self, sha256: &Sha256) -> StoreResult<()> {
        ignore_missing(self.wait(self.objects.delete(&self.blob(sha256))))
    }

    /// Checks that the store takes bytes, gives them back and deletes them. Blocks.
    pub fn probe(&self) -> StoreResult<()> {
        let path = self.piece(Uuid::nil(), Uuid::now_v7());
        self.wait(async {
            self.objects
                .put(&path, Bytes::from_static(b"probe").into())
                .await?;
            self.objects.get(&path).await?.bytes().await?;
            self.objects.delete(&path).await
        })
    }

    /// The hashes of all blobs that are there, with their sizes in bytes and the time at which each was stored. Blocks.
    pub fn each_blob(&self, mut f: impl FnMut(Sha256, u64, DateTime<Utc>)) -> StoreResult<()> {
        let folder = self.path(["blobs"]);
        self.wait(async {
            let mut found = self.objects.list(Some(&folder));
            while let Some(object) = found.try_next().await? {
                let parts: Vec<_> = object.location.parts().collect();
                if let [.., first, rest] = &*parts
                    && let Ok(sha256) = format!("{}{}", first.as_ref(), rest.as_ref()).parse()
                {
                    f(sha256, object.size, object.last_modified);
                }
            }
            Ok(())
        })
    }

    /// Stores a piece of an upload, given in parts.
    pub async fn put_piece(&self, upload: Uuid, piece: Uuid, parts: Vec<Bytes>) -> StoreResult<()> {
        let parts = PutPayload::from_iter(parts);
        self.objects.put(&self.piece(upload, piece), parts).await?;
        Ok(())
    }

    /// Reads pieces of an upload, one after the other. Blocks.
    pub fn pieces(&self, upload: Uuid, pieces: &[Uuid]) -> impl Iterator<Item = io::Result<Bytes>> {
        pieces.iter().map(move |piece| {
            let path = self.piece(upload, *piece);
            let read = self.wait(async { self.objects.get(&path).await?.bytes().await });
            read.map_err(io::Error::from)
        })
    }

    /// Deletes all pieces of an upload, also those that nothing refers to. Blocks.
    pub fn delete_pieces(&self, upload: Uuid) -> StoreResult<()> {
        let folder = self.path(["uploads", &upload.to_string()]);
        let pieces = self.wait(self.objects.list(Some(&folder)).try_collect::<Vec<_>>())?;
        for piece in pieces {
            ignore_missing(self.wait(self.objects.delete(&piece.location)))?;
        }
        Ok(())
    }

    /// The uploads of which pieces are there that were stored before a time. Blocks.
    pub fn uploads_before(&self, time: DateTime<Utc>) -> StoreResult<BTreeSet<Uuid>> {
        let folder = self.path(["uploads"]);
        self.wait(async {
            let mut uploads = BTreeSet::new();
            let mut found = self.objects.list(Some(&folder));
            while let Some(object) = found.try_next().await? {
                let id = object.location.parts().rev().nth(1);
                let id = id.and_then(|id| Uuid::parse_str(id.as_ref()).ok());
                uploads.extend(id.filter(|_| object.last_modified < time));
            }
            Ok(uploads)
        })
    }

    /// Deletes files of a folder that a process left behind, before a time, when it was killed while it wrote them. Blocks.
    pub fn delete_leftovers(&self, time: DateTime<Utc>) -> io::Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        for kind in ["blobs", "uploads"] {
            for below in entries(&folder.join(kind))? {
                for path in entries(&below)? {
                    let name = path.file_name().and_then(|name| name.to_str());
                    let is_staged = name.is_some_and(|name| name.contains('#'));
                    if is_staged && DateTime::<Utc>::from(std::fs::metadata(&path)?.modified()?) < time {
                        std::fs::remove_file(&path)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn blob(&self, sha256: &Sha256) -> Path {
        let hex = sha256.to_string();
        self.path(["blobs", &hex[..2], &hex[2..]])
    }

    fn piece(&self, upload: Uuid, piece: Uuid) -> Path {
        self.path(["uploads", &upload.to_string(), &piece.to_string()])
    }

    fn path<const N: usize>(&self, parts: [&str; N]) -> Path {
        parts
            .into_iter()
            .fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// Waits for `work`; only for threads that may block.
    fn wait<T>(&self, work: impl Future<Output = Result<T, object_store::Error>>) -> StoreResult<T> {
        let _inside = self.handle.enter();
        Ok(futures_executor::block_on(work)?)
    }
}

/// The paths in a folder; none if it is no folder.
fn entries(folder: &std::path::Path) -> io::Result<Vec<PathBuf>> {
    match folder.read_dir() {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

fn ignore_missing(outcome: StoreResult<()>) -> StoreResult<()> {
    match outcome {
        Err(error) if error.is_not_found() => Ok(()),
        outcome => outcome,
    }
}

/// The next piece; a short one is the last.
fn read_piece(file: &mut impl Read) -> io::Result<Bytes> {
    let mut piece = Vec::with_capacity(PIECE);
    file.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece.into())
}

/// The bytes of a file within `range`, read on threads that may block. A small range takes one turn there: most files of
/// pages are small.
async fn file_parts(path: PathBuf, range: Range<u64>) -> io::Result<impl Stream<Item = io::Result<Bytes>>> {
    let start = range.start;
    let (file, first) = blocking(move || {
        let file = File::open(path)?;
        let first = read_part(&file, start, range.end)?;
        Ok((Arc::new(file), first))
    })
    .await?;
    let from = start + first.len() as u64;
    let rest = stream::try_unfold(from, move |from| {
        let file = file.clone();
        async move {
            if from >= range.end {
                return Ok(None);
            }
            let part = blocking(move || read_part(&file, from, range.end)).await?;
            let next = from + part.len() as u64;
            Ok(Some((part, next)))
        }
    });
    Ok(stream::once(ready(Ok(first))).chain(rest))
}

fn read_part(file: &File, from: u64, to: u64) -> io::Result<Bytes> {
    let mut part = vec![0; to.saturating_sub(from).min(READ_AHEAD) as usize];
    file.read_exact_at(&mut part, from)?;
    Ok(part.into())
}

async fn blocking<T: Send + 'static>(f: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(f).await.map_err(io::Error::other)?
}

/// Reads a blob, 1 MiB ahead.
pub struct BlobReader<'a> {
    store: &'a Store,
    path: Path,
    bytes: u64,
    position: u64,
    /// What was read last, and where it begins.
    ahead: Bytes,
    ahead_from: u64,
}

impl BlobReader<'_> {
    /// How many bytes the blob has.
    pub fn size(&self) -> u64 {
        self.bytes
    }

    /// What is in memory from the present position on.
    fn buffered(&self) -> &[u8] {
        let skipped = self.position.checked_sub(self.ahead_from);
        skipped
            .and_then(|skipped| self.ahead.get(usize::try_from(skipped).ok()?..))
            .unwrap_or_default()
    }
}

impl Read for BlobReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.buffered().is_empty() && self.position < self.bytes {
            let range = self.position..self.bytes.min(self.position + READ_AHEAD);
            self.ahead = self.store.wait(self.store.objects.get_range(&self.path, range))?;
            self.ahead_from = self.position;
        }
        let read = self.buffered().read(into)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for BlobReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
