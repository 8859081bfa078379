//! The bytes of what was uploaded: whole files, and the files inside packages, which stay in their archive. A deflated one is
//! sent as it is, as the middle of a gzip stream, to all clients that read that.

use std::io::{self, Write};

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::{StatusCode, header},
    web::Bytes,
};
use flate2::write::DeflateDecoder;
use futures_util::{Stream, StreamExt, future::ready, stream};

use super::{
    super::live::{LaunchedContent, LiveLaunch},
    answer::{self, Kind},
};
use crate::{
    app::App,
    catalog::contents::{
        body::ContentBody,
        versions::model::{PackageFile, PackageMethod},
    },
    files::{Sha256, Store, serve},
    http::{ApiError, ApiResult, Code},
};

/// How long browsers may keep what never changes under its address.
const CACHED: &str = "private, max-age=43200, immutable";

/// In front of a deflated file, to make it gzip: no name, no time, any system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

fn stored(content: &LaunchedContent) -> ApiResult<Sha256> {
    let sha256 = content
        .sha256
        .as_deref()
        .ok_or_else(|| ApiError::not_found("file"))?;
    Sha256::try_from(sha256).map_err(ApiError::internal)
}

/// The uploaded file of a content that is a file or a video.
pub async fn upload(app: &App, launch: &LiveLaunch, request: &HttpRequest) -> ApiResult<HttpResponse> {
    let content = &launch.content;
    let (ContentBody::File { media_type, bytes }
    | ContentBody::Video {
        media_type, bytes, ..
    }) = &content.body
    else {
        return Err(ApiError::not_found("file"));
    };
    let sha256 = stored(content)?;
    let etag = format!("\"{sha256}\"");
    let length = u64::try_from(*bytes).unwrap_or_default();
    let kind = match media_type.as_str() {
        "application/pdf" => Kind::Viewed,
        _ => Kind::Uploaded,
    };
    let mut builder = answer::headed(app, HttpResponse::Ok(), kind);
    builder.insert_header((header::CONTENT_TYPE, serve::content_type(media_type)));
    let name = content.file_name.clone().unwrap_or_else(|| "file".to_owned());
    builder.insert_header(serve::disposition(&name, serve::is_harmless(media_type)));
    builder.insert_header((header::CACHE_CONTROL, CACHED));
    serve::of_blob(app, request, builder, &etag, &sha256, 0..length).await
}

/// Captions and the like, by their place.
pub async fn track(
    app: &App,
    launch: &LiveLaunch,
    place: usize,
    request: &HttpRequest,
) -> ApiResult<HttpResponse> {
    let track = launch
        .content
        .tracks
        .get(place)
        .ok_or_else(|| ApiError::not_found("track"))?;
    let sha256 = Sha256::try_from(&*track.sha256).map_err(ApiError::internal)?;
    let etag = format!("\"{sha256}\"");
    let length = number(track.bytes);
    let mut builder = answer::headed(app, HttpResponse::Ok(), Kind::Uploaded);
    builder.insert_header((header::CONTENT_TYPE, "text/vtt; charset=utf-8"));
    builder.insert_header((header::CACHE_CONTROL, CACHED));
    serve::of_blob(app, request, builder, &etag, &sha256, 0..length).await
}

/// A file of a package, as its archive names it.
pub async fn of_package(
    app: &App,
    launch: &LiveLaunch,
    path: &str,
    request: &HttpRequest,
) -> ApiResult<HttpResponse> {
    let content = &launch.content;
    let file = content.files.get(path).ok_or_else(|| {
        ApiError::new(
            Code::NotFound,
            "The package has no file of this name; names differ by case too.",
        )
    })?;
    let sha256 = stored(content)?;
    let etag = format!("\"{}.{:08x}\"", content.id.simple(), file.crc32);
    let mut builder = answer::headed(app, HttpResponse::Ok(), Kind::Uploaded);
    builder.insert_header((header::CONTENT_TYPE, file.media_type.as_str()));
    let (position, compressed) = (number(file.position), number(file.compressed));
    builder.insert_header((header::CACHE_CONTROL, CACHED));
    let place = position..position + compressed;
    if file.method == PackageMethod::Stored {
        return serve::of_blob(app, request, builder, &etag, &sha256, place).await;
    }
    builder.insert_header((header::VARY, "Accept-Encoding"));
    if !request.headers().contains_key(header::RANGE) && reads_gzip(request) {
        let tag = format!("{}-gzip\"", etag.trim_end_matches('"'));
        builder.insert_header((header::ETAG, tag.clone()));
        if serve::is_known(request.headers(), &tag) {
            return Ok(builder.status(StatusCode::NOT_MODIFIED).finish());
        }
        let body = app.part::<Store>().range(&sha256, place).await?;
        builder.insert_header((header::CONTENT_ENCODING, "gzip"));
        return Ok(builder.body(SizedStream::new(compressed + 18, gzip(file, body))));
    }
    let Some(part) = serve::part(request, &mut builder, &etag, number(file.bytes)) else {
        return Ok(builder.finish());
    };
    let length = part.end - part.start;
    let body = app.part::<Store>().range(&sha256, place).await?;
    Ok(builder.body(SizedStream::new(length, cut(inflated(body), part.start, length))))
}

fn number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

fn reads_gzip(request: &HttpRequest) -> bool {
    let accepted = request
        .headers()
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| {
        accepted.split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let is_gzip = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
            is_gzip
                && parts.all(|part| {
                    !matches!(
                        part.replace(' ', "").as_str(),
                        "q=0" | "q=0.0" | "q=0.00" | "q=0.000"
                    )
                })
        })
    })
}

type Part = io::Result<Bytes>;

/// A deflated file as a gzip stream.
fn gzip<S: Stream<Item = Part>>(file: &PackageFile, body: S) -> impl Stream<Item = Part> + use<S> {
    let mut trailer = Vec::with_capacity(8);
    trailer.extend_from_slice(&(file.crc32 as u32).to_le_bytes());
    trailer.extend_from_slice(&(file.bytes as u32).to_le_bytes());
    let header = stream::once(ready(Ok(Bytes::from_static(&GZIP_HEADER))));
    header
        .chain(body)
        .chain(stream::once(ready(Ok(Bytes::from(trailer)))))
}

/// Compressed bytes that are inflated at once: they may become a thousand times as many.
const SLICE: usize = 16 << 10;

/// A deflated file as it was, part by part. It is inflated on threads that may block.
fn inflated(body: impl Stream<Item = Part>) -> impl Stream<Item = Part> {
    let slices = body.flat_map(|part| stream::iter(slices(part)));
    let state = (Box::pin(slices), Some(DeflateDecoder::new(Vec::new())));
    stream::unfold(state, |(mut slices, decoder)| async move {
        let mut decoder = decoder?;
        let (part, decoder) = match slices.next().await {
            Some(Ok(compressed)) => {
                let inflating = tokio::task::spawn_blocking(move || {
                    let inflated = decoder.write_all(&compressed).and_then(|()| decoder.flush());
                    inflated.map(|()| (Bytes::from(std::mem::take(decoder.get_mut())), decoder))
                });
                match inflating.await.map_err(io::Error::other).flatten() {
                    Ok((part, decoder)) => (Ok(part), Some(decoder)),
                    Err(error) => (Err(error), None),
                }
            }
            Some(Err(error)) => (Err(error), None),
            None => (decoder.finish().map(Bytes::from), None),
        };
        Some((part, (slices, decoder)))
    })
}

fn slices(part: Part) -> Vec<Part> {
    match part {
        Ok(bytes) => (0..bytes.len())
            .step_by(SLICE)
            .map(|from| Ok(bytes.slice(from..bytes.len().min(from + SLICE))))
            .collect(),
        Err(error) => vec![Err(error)],
    }
}

/// `length` bytes of a stream, after the first `skipped`.
fn cut(body: impl Stream<Item = Part>, skipped: u64, length: u64) -> impl Stream<Item = Part> {
    let state = (Box::pin(body), skipped, length);
    stream::unfold(state, |(mut body, mut skipped, left)| async move {
        if left == 0 {
            return None;
        }
        loop {
            let mut part = match body.next().await? {
                Ok(part) => part,
                Err(error) => return Some((Err(error), (body, 0, 0))),
            };
            let leave = usize::try_from(skipped).unwrap_or(usize::MAX).min(part.len());
            let _ = part.split_to(leave);
            skipped -= leave as u64;
            part.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            if !part.is_empty() {
                let left = left - part.len() as u64;
                return Some((Ok(part), (body, skipped, left)));
            }
        }
    })
}
