//! Bodies: in memory up to a small limit, and files up to a large one, which are never held in memory.

use std::{
    env, fs,
    fs::File,
    future::Future,
    io::{self, Read, Seek, Write},
    pin::Pin,
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    web::{self, Bytes, Data},
};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};
use uuid::Uuid;

use super::{
    ApiError, ApiResult, Code,
    body::{encoding, unreadable},
};
use crate::config::Config;

/// A CSV file, in a temporary file without a name: it is gone with the request, however that ends.
#[derive(Debug, Clone)]
pub struct CsvUpload {
    file: Arc<File>,
    /// The SHA-256 of what it holds.
    pub hash: [u8; 32],
}

impl CsvUpload {
    /// The file from its beginning.
    pub fn content(&self) -> ApiResult<impl Read> {
        let mut file = &*self.file;
        file.rewind().map_err(ApiError::internal)?;
        Ok(file)
    }
}

impl PartialSchema for CsvUpload {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .into()
    }
}

impl ToSchema for CsvUpload {}

impl FromRequest for CsvUpload {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if !is_csv(&request) {
                return Err(ApiError::new(
                    Code::UnsupportedMediaType,
                    "Send the CSV as the body, with `Content-Type: text/csv`.",
                ));
            }
            if let Some(upload) = request.extensions().get::<CsvUpload>() {
                return Ok(upload.clone());
            }
            receive(&request, &mut payload).await
        })
    }
}

/// Whether the body is a file.
pub fn is_csv(request: &HttpRequest) -> bool {
    request.content_type().eq_ignore_ascii_case("text/csv")
}

/// Bytes that are held before they are written.
const PIECE: usize = 1 << 20;

/// Takes a file in, piece by piece. Code that reads the body before the handler leaves it in the request's extensions.
pub async fn receive(request: &HttpRequest, payload: &mut Payload) -> ApiResult<CsvUpload> {
    if !matches!(encoding(request).as_str(), "" | "identity") {
        return Err(ApiError::new(
            Code::UnsupportedMediaType,
            "Send the file as it is, without `Content-Encoding`.",
        ));
    }
    let limit = limit(request, |config| config.import_limit);
    let mut body = web::Payload::from_request(request, payload)
        .await
        .map_err(|error| unreadable(&error))?;
    let file = Arc::new(blocking(temporary).await?);
    let mut hash = Sha256::new();
    let (mut piece, mut length) = (Vec::with_capacity(PIECE), 0);
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| unreadable(&error.into()))?;
        length += bytes.len();
        if length > limit {
            return Err(too_large(limit));
        }
        hash.update(&bytes);
        piece.extend_from_slice(&bytes);
        if piece.len() >= PIECE {
            piece = write(&file, piece).await?;
        }
    }
    write(&file, piece).await?;
    Ok(CsvUpload {
        file,
        hash: hash.finalize().into(),
    })
}

/// Writes a piece, and gives its room back.
async fn write(file: &Arc<File>, mut piece: Vec<u8>) -> ApiResult<Vec<u8>> {
    let file = file.clone();
    blocking(move || {
        (&*file).write_all(&piece)?;
        piece.clear();
        Ok(piece)
    })
    .await
}

fn temporary() -> io::Result<File> {
    let path = env::temp_dir().join(format!("provost-{}", Uuid::now_v7()));
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

/// Off the threads that answer requests.
async fn blocking<T: Send + 'static>(f: impl FnOnce() -> io::Result<T> + Send + 'static) -> ApiResult<T> {
    web::block(f)
        .await
        .map_err(ApiError::internal)?
        .map_err(ApiError::internal)
}

/// The whole body, as large as it may be.
pub fn read(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = ApiResult<Bytes>> + use<> {
    let limit = limit(request, |config| config.body_limit);
    let body = web::Payload::from_request(request, payload);
    async move {
        let body = body.await.map_err(|error| unreadable(&error))?;
        match body.to_bytes_limited(limit).await {
            Ok(bytes) => bytes.map_err(|error| unreadable(&error)),
            Err(_) => Err(too_large(limit)),
        }
    }
}

fn limit(request: &HttpRequest, of: impl Fn(&Config) -> u32) -> usize {
    request.app_data::<Data<Config>>().map_or(0, |config| of(config)) as usize
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(
        Code::PayloadTooLarge,
        format!("Send at most {limit} bytes at once."),
    )
}
