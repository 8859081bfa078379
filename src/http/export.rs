//! Lists as files: streamed page by page, so that memory is bounded however long the list is.
//!
//! No connection is held while a slow client reads. A failure on the way breaks the connection off, so that
//! nobody takes a part for the whole.

use std::future::{Future, Ready, ready};

use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, dev::Payload, web::Bytes};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApiError, ApiResult, Page, accept, request};

/// The media type of NDJSON.
pub const NDJSON: &str = "application/x-ndjson";

/// The representations of a list that is exported, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// JSON, a page at a time.
    Json,
    /// CSV, the whole list.
    Csv,
    /// A line of JSON for each row, the whole list.
    Ndjson,
}

/// What the `Accept` header asks for; JSON where it leaves the choice.
#[derive(Debug, Clone, Copy)]
pub struct Accepted(ExportFormat);

impl Accepted {
    /// What to answer: the parameter `format` wins over the header.
    pub fn or(self, format: Option<ExportFormat>) -> ExportFormat {
        format.unwrap_or(self.0)
    }
}

impl FromRequest for Accepted {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let preferred = accept::preferred(request, &["application/json", "text/csv", NDJSON]);
        ready(Ok(Accepted(match preferred {
            Some("text/csv") => ExportFormat::Csv,
            Some(NDJSON) => ExportFormat::Ndjson,
            _ => ExportFormat::Json,
        })))
    }
}

/// Streams the list that `fetch` reads page by page, beginning without a cursor, as `encode` writes it; it is told which page
/// is the first. What goes wrong with the first page is answered as a problem.
pub async fn stream<T, F, P>(
    mut response: HttpResponseBuilder,
    fetch: F,
    encode: impl Fn(&[T], bool) -> ApiResult<Bytes> + 'static,
) -> ApiResult<HttpResponse>
where
    T: 'static,
    F: Fn(Option<String>) -> P + 'static,
    P: Future<Output = ApiResult<Page<T>>> + 'static,
{
    let first = fetch(None).await?;
    let head = encode(&first.data, true)?;
    let state = (fetch, encode, first.next_cursor);
    let rest = stream::try_unfold(state, |(fetch, encode, cursor)| async move {
        let Some(cursor) = cursor else { return Ok(None) };
        let page = fetch(Some(cursor)).await?;
        let bytes = encode(&page.data, false)?;
        Ok::<_, ApiError>(Some((bytes, (fetch, encode, page.next_cursor))))
    });
    let request_id = request::current_id().unwrap_or_default();
    let rest = rest.inspect_err(move |error| log::error!("request {request_id}: export broken off: {error}"));
    Ok(response.streaming(stream::once(ready(Ok(head))).chain(rest)))
}

/// The beginning of an answer that browsers save as a file.
pub fn attachment(name: &str, content_type: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .content_type(content_type)
        .insert_header(("Content-Disposition", format!("attachment; filename=\"{name}\"")))
        .insert_header(("Vary", "Accept"));
    response
}

/// The rows as NDJSON: a line of JSON each.
pub fn ndjson<T: Serialize>(rows: &[T]) -> ApiResult<Bytes> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, row).map_err(ApiError::internal)?;
        lines.push(b'\n');
    }
    Ok(lines.into())
}
