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
            self, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue, HeaderMap,
            HeaderName,
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
    let headers = request.headers();
    if is_known(headers, &file.etag) {
        let mut answer = HttpResponse::NotModified();
        describe(&mut answer, &app.config, &file);
        return Ok(answer.finish());
    }
    let (mut answer, range) = match asked_range(headers, &file) {
        Asked::All => (HttpResponse::Ok(), 0..file.bytes),
        Asked::Part(range) => {
            let mut answer = HttpResponse::PartialContent();
            let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, file.bytes);
            answer.insert_header((header::CONTENT_RANGE, content_range));
            (answer, range)
        }
        Asked::Nothing => {
            let mut answer = HttpResponse::build(StatusCode::RANGE_NOT_SATISFIABLE);
            answer.insert_header((header::CONTENT_RANGE, format!("bytes */{}", file.bytes)));
            protect(&mut answer, &app.config, "");
            return Ok(answer.finish());
        }
    };
    describe(&mut answer, &app.config, &file);
    answer.content_type(content_type(&file.media_type));
    let length = range.end - range.start;
    if request::is_head(request) {
        return Ok(answer.body(SizedStream::new(
            length,
            stream::empty::<Result<_, std::io::Error>>(),
        )));
    }
    let bytes = app
        .part::<Store>()
        .range(&file.sha256, file.start + range.start..file.start + range.end);
    let bytes = bytes.await.map_err(|error| match error.is_not_found() {
        true => ApiError::new(Code::NotFound, "This file is no longer there."),
        false => error.into(),
    })?;
    Ok(answer.body(SizedStream::new(length, bytes)))
}

/// The media type, and of texts the encoding: what is told as text is UTF-8.
fn content_type(media_type: &str) -> String {
    match media_type.starts_with("text/") && !media_type.contains(';') {
        true => format!("{media_type}; charset=utf-8"),
        false => media_type.to_owned(),
    }
}

fn describe(answer: &mut HttpResponseBuilder, config: &Config, file: &Served) {
    answer
        .insert_header((header::ETAG, file.etag.as_str()))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CACHE_CONTROL, "private, immutable, max-age=3600"));
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

/// What a request asks for.
#[derive(Debug, PartialEq)]
enum Asked {
    All,
    Part(Range<u64>),
    /// A range that the file does not have.
    Nothing,
}

/// The range that a request asks for: everything, where it asks for none, for several, in another unit, or of another file.
fn asked_range(headers: &HeaderMap, file: &Served) -> Asked {
    let range = text_of(headers, &header::RANGE).and_then(|value| value.strip_prefix("bytes="));
    let is_of_this = text_of(headers, &header::IF_RANGE).is_none_or(|tag| tag == file.etag);
    match range
        .filter(|_| is_of_this)
        .and_then(|range| range.split_once('-'))
    {
        Some((from, to)) => range_of(from.trim(), to.trim(), file.bytes),
        None => Asked::All,
    }
}

fn range_of(from: &str, to: &str, bytes: u64) -> Asked {
    let number = |text: &str| match text.bytes().all(|b| b.is_ascii_digit()) {
        // Beyond what counts, it is beyond the end.
        true if !text.is_empty() => Some(text.parse().unwrap_or(u64::MAX)),
        _ => None,
    };
    let range = match (number(from), number(to)) {
        (Some(from), Some(to)) if from > to => return Asked::All,
        (Some(from), Some(to)) => from..to.saturating_add(1).min(bytes),
        (Some(from), None) if to.is_empty() => from..bytes,
        (None, Some(last)) if from.is_empty() => bytes.saturating_sub(last)..bytes,
        _ => return Asked::All,
    };
    match range.is_empty() {
        true => Asked::Nothing,
        false => Asked::Part(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        let cases = [
            ("0", "9", Asked::Part(0..10)),
            ("0", "0", Asked::Part(0..1)),
            ("90", "", Asked::Part(90..100)),
            ("90", "200", Asked::Part(90..100)),
            ("90", "99999999999999999999999", Asked::Part(90..100)),
            ("", "10", Asked::Part(90..100)),
            ("", "1000", Asked::Part(0..100)),
            ("100", "", Asked::Nothing),
            ("99999999999999999999999", "", Asked::Nothing),
            ("", "0", Asked::Nothing),
            ("9", "0", Asked::All),
            ("", "", Asked::All),
            ("a", "5", Asked::All),
            ("5", "a", Asked::All),
            ("0", "1,5-6", Asked::All),
            ("-1", "5", Asked::All),
        ];
        for (from, to, expected) in cases {
            assert_eq!(range_of(from, to, 100), expected, "{from}-{to}");
        }
        assert_eq!(range_of("0", "", 0), Asked::Nothing);
    }

    #[test]
    fn only_what_runs_nothing_is_shown() {
        for harmless in [
            "image/png",
            "image/jpeg",
            "audio/mpeg",
            "video/mp4",
            "application/pdf",
            "text/plain",
        ] {
            assert!(is_harmless(harmless), "{harmless}");
        }
        for other in [
            "image/svg+xml",
            "text/html",
            "application/xml",
            "application/zip",
            "text/csv",
            "x",
        ] {
            assert!(!is_harmless(other), "{other}");
        }
    }
}
