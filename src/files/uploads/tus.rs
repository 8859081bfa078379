//! tus 1.0: the headers of its requests and answers. <https://tus.io/protocols/resumable-upload>

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};

use super::model::Upload;
use crate::{
    config::Config,
    http::{ApiError, ApiResult, Code, ErrorForm, FieldError, Reply, request},
    text,
};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,checksum,expiration,termination";

/// The media type of bytes of an upload.
pub const BYTES: &str = "application/offset+octet-stream";

/// Headers of answers that pages of other origins must be able to read.
pub const EXPOSED_HEADERS: &[&str] = &[
    "Tus-Resumable",
    "Tus-Version",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Checksum-Algorithm",
    "Upload-Offset",
    "Upload-Length",
    "Upload-Expires",
    "Upload-Metadata",
];

/// A wrong checksum has a status that only tus knows.
const CHECKSUM_MISMATCH: u16 = 460;

static ERRORS: ErrorForm = ErrorForm {
    status,
    media_type: "application/problem+json",
    body: |error| {
        let mut problem = error.to_problem(request::current_id());
        problem.status = status(error.code).as_u16();
        serde_json::to_vec(&problem).unwrap_or_default()
    },
};

fn status(code: Code) -> StatusCode {
    match code {
        Code::ChecksumMismatch => StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::BAD_REQUEST),
        code => code.status(),
    }
}

/// Middleware of all addresses of uploads: says in each answer that tus is spoken, and answers OPTIONS.
pub async fn speak<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let config = request.app_data::<Data<Config>>().cloned();
    let mut response = if request.method() == Method::OPTIONS {
        let mut answer = HttpResponse::NoContent();
        answer.insert_header(("Tus-Extension", EXTENSIONS));
        answer.insert_header(("Tus-Checksum-Algorithm", "sha1,sha256"));
        if let Some(config) = config {
            answer.insert_header(("Tus-Max-Size", config.upload_limit));
        }
        request.into_response(answer.finish())
    } else if let Err(error) = check_version(request.headers()) {
        request.error_response(error)
    } else {
        ERRORS.during(next.call(request)).await?.map_into_boxed_body()
    };
    for name in ["tus-resumable", "tus-version"] {
        let name = HeaderName::from_static(name);
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(VERSION));
    }
    Ok(response)
}

/// Clients that know nothing of tus need not name its version.
fn check_version(headers: &HeaderMap) -> ApiResult<()> {
    match headers.get("tus-resumable") {
        Some(version) if version != VERSION => Err(ApiError::new(
            Code::TusVersionUnsupported,
            "Send `Tus-Resumable: 1.0.0`.",
        )),
        _ => Ok(()),
    }
}

/// The headers that tell of an upload.
pub fn with_headers(reply: Reply, upload: &Upload) -> Reply {
    reply
        .header("Upload-Offset", upload.received.to_string())
        .header("Upload-Length", upload.bytes.to_string())
        .header("Upload-Expires", http_date(upload.expires_at))
        .header("Cache-Control", "no-store")
}

/// With `Upload-Metadata` as the client sent it, if it did.
pub fn with_metadata(reply: Reply, metadata: Option<String>) -> Reply {
    match metadata {
        Some(metadata) => reply.header("Upload-Metadata", metadata),
        None => reply,
    }
}

fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What a request for a new upload says of it.
#[derive(Debug, Clone)]
pub struct Creation {
    pub bytes: u64,
    pub file_name: String,
    /// `Upload-Metadata` as it was sent.
    pub metadata: Option<String>,
}

/// Reads the headers of a request for a new upload.
pub fn creation(request: &HttpRequest) -> ApiResult<Creation> {
    let (length, named) = (number(request, "Upload-Length"), metadata(request));
    match (length, named) {
        (Ok(bytes), Ok((file_name, metadata))) => Ok(Creation {
            bytes,
            file_name,
            metadata,
        }),
        (length, file_name) => Err(ApiError::parameters(
            length.err().into_iter().chain(file_name.err()).collect(),
        )),
    }
}

/// The offset that a request sends bytes from.
pub fn offset(request: &HttpRequest) -> ApiResult<u64> {
    number(request, "Upload-Offset").map_err(|fault| ApiError::parameters(vec![fault]))
}

fn number(request: &HttpRequest, name: &'static str) -> Result<u64, FieldError> {
    let value = request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_plain = |text: &&str| text.bytes().all(|b| b.is_ascii_digit());
    let number = value
        .filter(is_plain)
        .and_then(|text| text.parse().ok())
        .filter(|number| i64::try_from(*number).is_ok());
    number.ok_or_else(|| FieldError::new(format!("?{name}"), "must be there, as a whole number of bytes"))
}

/// The file's name in `Upload-Metadata`, or a stand-in, and the header as it is.
fn metadata(request: &HttpRequest) -> Result<(String, Option<String>), FieldError> {
    let Some(metadata) = request.headers().get("Upload-Metadata") else {
        return Ok((UNNAMED.to_owned(), None));
    };
    let metadata = metadata.to_str().map_err(|_| form())?;
    if metadata.len() > LONGEST_METADATA {
        return Err(FieldError::new(
            METADATA,
            "is longer than 4,096 characters; shorten it",
        ));
    }
    Ok((file_name(metadata)?, Some(metadata.to_owned())))
}

fn form() -> FieldError {
    FieldError::new(
        METADATA,
        "must be pairs of a key and a Base64 value, with commas between",
    )
}

fn file_name(metadata: &str) -> Result<String, FieldError> {
    for pair in metadata.split(',') {
        let mut words = pair.split_ascii_whitespace();
        if !words
            .next()
            .is_some_and(|key| key.eq_ignore_ascii_case("filename"))
        {
            continue;
        }
        let value = words.next().unwrap_or_default();
        let value = BASE64_STANDARD.decode(value).map_err(|_| form())?;
        let value = String::from_utf8(value)
            .map_err(|_| FieldError::new(METADATA, "must have the file's name in UTF-8"))?;
        return tidy_name(&value)
            .map_err(|why| FieldError::new(METADATA, format!("has a file name that {why}")));
    }
    Ok(UNNAMED.to_owned())
}

const METADATA: &str = "?Upload-Metadata";
const LONGEST_METADATA: usize = 4096;
const UNNAMED: &str = "file";
const LONGEST_NAME: usize = 255;

/// A file's name without the folders that it was in.
pub fn tidy_name(name: &str) -> Result<String, &'static str> {
    let name = text::normalize(name);
    let name = text::trim(name.rsplit(['/', '\\']).next().unwrap_or_default());
    match () {
        () if name.chars().any(char::is_control) => Err("holds control characters; leave them out"),
        () if name.chars().count() > LONGEST_NAME => Err("is longer than 255 characters; shorten it"),
        () if text::shows_nothing(name) || name.chars().all(|c| c == '.') => Ok(UNNAMED.to_owned()),
        () => Ok(name.to_owned()),
    }
}

/// Refuses bodies that are no bytes of an upload.
pub fn check_type(request: &HttpRequest) -> ApiResult<()> {
    let media_type = request.headers().get(header::CONTENT_TYPE);
    match media_type.is_some_and(|media_type| media_type == BYTES) {
        true => Ok(()),
        false => Err(ApiError::new(
            Code::UnsupportedMediaType,
            "Send the bytes as the body, with `Content-Type: application/offset+octet-stream`.",
        )),
    }
}

/// Takes the checksum of bytes that arrive, to compare it with what a client says.
pub struct Checksum {
    expected: Vec<u8>,
    context: digest::Context,
}

impl Checksum {
    /// The checksum that came with a request, if one did.
    pub fn of(request: &HttpRequest) -> ApiResult<Option<Self>> {
        let Some(value) = request.headers().get("Upload-Checksum") else {
            return Ok(None);
        };
        let unreadable = || {
            ApiError::parameter(
                "Upload-Checksum",
                "must be sha1 or sha256, a space, and the Base64 of the checksum",
            )
        };
        let (algorithm, checksum) = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .ok_or_else(unreadable)?;
        let algorithm = match algorithm {
            "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            "sha256" => &digest::SHA256,
            _ => return Err(unreadable()),
        };
        Ok(Some(Checksum {
            expected: BASE64_STANDARD.decode(checksum).map_err(|_| unreadable())?,
            context: digest::Context::new(algorithm),
        }))
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// Whether all bytes together have the checksum.
    pub fn fits(self) -> bool {
        self.context.finish().as_ref() == self.expected
    }
}
