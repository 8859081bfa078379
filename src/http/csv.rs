//! Lists as CSV (RFC 4180).

use std::{
    fmt::Display,
    future::{Future, Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, dev::Payload, web::Bytes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApiError, ApiResult, Page, accept, export};

/// The representations of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JSON, a page at a time.
    Json,
    /// CSV, the whole list.
    Csv,
}

/// How a CSV is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// Begin with a byte order mark: Excel reads a file without one in the encoding of its country.
    pub bom: bool,
}

/// What the `Accept` header asks for; JSON where it leaves the choice.
#[derive(Debug, Clone, Copy)]
pub struct Accepted(Format);

impl Accepted {
    /// How to write CSV, if that is what to answer. The parameter `format` wins over the header.
    pub fn csv(self, format: Option<Format>, bom: Option<bool>) -> Option<Style> {
        let is_csv = format.unwrap_or(self.0) == Format::Csv;
        is_csv.then(|| Style {
            bom: bom.unwrap_or_default(),
        })
    }
}

impl FromRequest for Accepted {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let preferred = accept::preferred(request, &["application/json", "text/csv"]);
        ready(Ok(Accepted(if preferred == Some("text/csv") {
            Format::Csv
        } else {
            Format::Json
        })))
    }
}

/// A row of a CSV.
pub trait CsvRow {
    /// The header row.
    const HEADER: &'static [&'static str];

    /// The cells, in the header's order.
    fn cells(&self) -> Vec<String>;
}

/// A cell that is empty for none.
pub fn cell(value: Option<&impl Display>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// Streams the list that `fetch` reads page by page, beginning without a cursor. What goes wrong with the first
/// page is answered as a problem.
pub async fn stream<T, F, P>(name: &str, style: Style, fetch: F) -> ApiResult<HttpResponse>
where
    T: CsvRow + 'static,
    F: Fn(Option<String>) -> P + 'static,
    P: Future<Output = ApiResult<Page<T>>> + 'static,
{
    let encode = move |rows: &[T], is_first: bool| encode(rows, is_first.then_some(style));
    export::stream(attachment(name), fetch, encode).await
}

/// As [`stream`], of rows whose cells are in the order of `header`.
pub async fn stream_cells<F, P>(
    name: &str,
    style: Style,
    header: Vec<&'static str>,
    fetch: F,
) -> ApiResult<HttpResponse>
where
    F: Fn(Option<String>) -> P + 'static,
    P: Future<Output = ApiResult<Page<Vec<String>>>> + 'static,
{
    let encode = move |rows: &[Vec<String>], is_first: bool| {
        write(&header, rows.iter().cloned(), is_first.then_some(style))
    };
    export::stream(attachment(name), fetch, encode).await
}

/// A list that is short by its nature, at once.
pub fn whole<T: CsvRow>(name: &str, style: Style, rows: &[T]) -> ApiResult<HttpResponse> {
    Ok(attachment(name).body(encode(rows, Some(style))?))
}

fn attachment(name: &str) -> HttpResponseBuilder {
    export::attachment(&format!("{name}.csv"), "text/csv; charset=utf-8")
}

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The rows, after a header in the style of the whole where they are the first.
fn encode<T: CsvRow>(rows: &[T], first: Option<Style>) -> ApiResult<Bytes> {
    write(T::HEADER, rows.iter().map(CsvRow::cells), first)
}

fn write(header: &[&str], rows: impl Iterator<Item = Vec<String>>, first: Option<Style>) -> ApiResult<Bytes> {
    let mut bytes = Vec::new();
    if first.is_some_and(|style| style.bom) {
        bytes.extend(BYTE_ORDER_MARK.as_bytes());
    }
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(bytes);
    if first.is_some() {
        writer.write_record(header).map_err(ApiError::internal)?;
    }
    for row in rows {
        let cells = row.into_iter().map(harmless);
        writer.write_record(cells).map_err(ApiError::internal)?;
    }
    Ok(writer.into_inner().map_err(ApiError::internal)?.into())
}

/// A spreadsheet takes a cell that begins like this for a formula; an apostrophe makes it text.
const FORMULAS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: String) -> String {
    match cell.trim_start_matches('\'').starts_with(FORMULAS) {
        true => format!("'{cell}"),
        false => cell,
    }
}

/// What [`harmless`] made harmless, as it was.
pub fn unquoted(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(FORMULAS) => rest,
        _ => cell,
    }
}
