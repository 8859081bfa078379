//! Answers requests of browsers for bytes of blobs: whole, in ranges, or none where the browser has them.
//!
//! The files are not trusted: see [`protect`].

use std::{ops::Range, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    body::SizedStream,
    http::{
        StatusCode,
        header::{
            self, ByteRangeSpec, Charset, ContentDisposition, DispositionParam, DispositionType,
            ExtendedValue, Header, HeaderMap, HeaderName,
        },
    },
};
use futures_util::stream;

use super::{Sha256, Store};
use crate::{
    app::App,
    config::Config,
    http::{ApiError, ApiResult, Code, request},
};

/// Bytes of a blob, as they are to be answered.
#[derive(Debug, Clone)]
pub struct Served {
    /// The blob.
    pub sha256: Sha256,
    /// Where in it the bytes begin.
    pub start: u64,
    /// How many they are.
    pub bytes: u64,
    /// What they are.
    pub media_type: String,
    /// The entity tag, with its double quotes: other bytes have another one.
    pub etag: String,
    /// Whether the browser is to show the file.
    pub is_inline: bool,
    /// The name to save the file by; none for parts of pages.
    pub file_name: Option<String>,
}

/// Whether browsers may show files of a media type: they hold nothing that runs. Types are compared without parameters.
pub fn is_harmless(media_type: &str) -> bool {
    match media_type.split_once('/') {
        Some(("image", kind)) => !kind.starts_with("svg"),
        Some(("audio" | "video", _)) => true,
        _ => matches!(media_type, "application/pdf" | "text/plain"),
    }
}

/// The answer with the bytes that `request` asks for.
pub async fn answer(app: &Arc<App>, request: &HttpRequest, file: Served) -> ApiResult<HttpResponse> {
    let mut answer = HttpResponse::Ok();
    describe(&mut answer, &app.config, &file);
    answer.content_type(content_type(&file.media_type));
    let place = file.start..file.start + file.bytes;
    of_blob(app, request, answer, &file.etag, &file.sha256, place).await
}

/// The same under headers of another room's: of `place` in a blob, what `request` asks for.
pub async fn of_blob(
    app: &App,
    request: &HttpRequest,
    mut answer: HttpResponseBuilder,
    etag: &str,
    sha256: &Sha256,
    place: Range<u64>,
) -> ApiResult<HttpResponse> {
    let Some(part) = part(request, &mut answer, etag, place.end - place.start) else {
        return Ok(answer.finish());
    };
    let length = part.end - part.start;
    if request::is_head(request) {
        return Ok(answer.body(SizedStream::new(
            length,
            stream::empty::<Result<_, std::io::Error>>(),
        )));
    }
    let bytes = app
        .part::<Store>()
        .range(sha256, place.start + part.start..place.start + part.end);
    let bytes = bytes.await.map_err(|error| match error.is_not_found() {
        true => ApiError::new(Code::NotFound, "This file is no longer there."),
        false => error.into(),
    })?;
    Ok(answer.body(SizedStream::new(length, bytes)))
}

/// The part of `length` bytes that `request` asks for, under an entity tag with its double quotes; `answer` gets the status and the
/// headers that say which. None, where it is answered without bytes: the browser has them, or there are none in that range (RFC 9110 §14).
/// Of several ranges, of none, and of ranges of another state, the answer is the whole.
pub fn part(
    request: &HttpRequest,
    answer: &mut HttpResponseBuilder,
    etag: &str,
    length: u64,
) -> Option<Range<u64>> {
    answer
        .insert_header((header::ETAG, etag))
        .insert_header((header::ACCEPT_RANGES, "bytes"));
    if is_known(request.headers(), etag) {
        answer.status(StatusCode::NOT_MODIFIED);
        return None;
    }
    let Some(range) = asked_range(request, etag) else {
        return Some(0..length);
    };
    match range.to_satisfiable_range(length) {
        Some((first, last)) => {
            let told = format!("bytes {first}-{last}/{length}");
            answer
                .status(StatusCode::PARTIAL_CONTENT)
                .insert_header((header::CONTENT_RANGE, told));
            Some(first..last + 1)
        }
        None => {
            answer
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .insert_header((header::CONTENT_RANGE, format!("bytes */{length}")));
            None
        }
    }
}

/// The media type, and of texts the encoding: what is told as text is UTF-8.
pub fn content_type(media_type: &str) -> String {
    match media_type.starts_with("text/") && !media_type.contains(';') {
        true => format!("{media_type}; charset=utf-8"),
        false => media_type.to_owned(),
    }
}

fn describe(answer: &mut HttpResponseBuilder, config: &Config, file: &Served) {
    answer.insert_header((header::CACHE_CONTROL, "private, immutable, max-age=3600"));
    if let Some(name) = &file.file_name {
        answer.insert_header(disposition(name, file.is_inline));
    }
    protect(answer, config, &file.media_type);
}

/// Headers that keep a file of anybody's from doing harm: it is what it is said to be, runs nothing, loads nothing, and
/// shows its address to nobody. Front ends may show it on their pages.
fn protect(answer: &mut HttpResponseBuilder, config: &Config, media_type: &str) {
    // Browsers show no PDF inside a sandbox.
    let sandbox = match media_type {
        "application/pdf" => "",
        _ => "sandbox; ",
    };
    let origins = config.cors_origins.join(" ");
    let policy = format!(
        "{sandbox}default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self' {origins}"
    );
    answer
        .insert_header((header::CONTENT_SECURITY_POLICY, policy.trim_end()))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "ETag, Content-Range, Accept-Ranges",
        ))
        .insert_header((
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ));
}

/// The header that says whether browsers show a file or save it, and by what name.
pub fn disposition(name: &str, is_inline: bool) -> ContentDisposition {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ';
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut parameters = vec![DispositionParam::Filename(plain.clone())];
    if plain != name {
        parameters.push(DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".into()),
            language_tag: None,
            value: name.as_bytes().to_vec(),
        }));
    }
    ContentDisposition {
        disposition: match is_inline {
            true => DispositionType::Inline,
            false => DispositionType::Attachment,
        },
        parameters,
    }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether the browser has the bytes already.
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = text_of(headers, &header::IF_NONE_MATCH).unwrap_or_default();
    known
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == etag || tag == "*")
}

/// The one range that a request asks for, of this state.
fn asked_range(request: &HttpRequest, etag: &str) -> Option<ByteRangeSpec> {
    let headers = request.headers();
    let is_of_this = text_of(headers, &header::IF_RANGE).is_none_or(|known| known == etag);
    if !is_of_this || !headers.contains_key(header::RANGE) {
        return None;
    }
    match header::Range::parse(request) {
        Ok(header::Range::Bytes(ranges)) => match ranges.as_slice() {
            [ByteRangeSpec::FromTo(first, last)] if first > last => None,
            [one] => Some(one.clone()),
            _ => None,
        },
        _ => None,
    }
}
