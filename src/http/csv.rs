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

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;

    use super::*;

    struct Cells(Vec<&'static str>);

    impl CsvRow for Cells {
        const HEADER: &'static [&'static str] = &["a", "b"];

        fn cells(&self) -> Vec<String> {
            self.0.iter().map(|cell| (*cell).to_owned()).collect()
        }
    }

    fn page(cells: &[&'static str], next: Option<&str>) -> ApiResult<Page<Cells>> {
        Ok(Page {
            data: vec![Cells(cells.to_vec())],
            next_cursor: next.map(str::to_owned),
        })
    }

    #[test]
    fn what_is_made_harmless_is_read_as_it_was() {
        for cell in ["=1+1", "-3", "@home", "'=1+1", "''-", "'tis", "", "plain"] {
            let exported = harmless(cell.to_owned());
            assert!(!exported.starts_with(FORMULAS), "{exported}");
            assert_eq!(unquoted(&exported), cell);
        }
    }

    #[test]
    fn cells_that_look_like_formulas_are_made_harmless() {
        let rows = [
            Cells(vec!["=1+1", "+1"]),
            Cells(vec!["-1", "@a"]),
            Cells(vec!["\tx", "\rx"]),
            Cells(vec!["a=1", "é, \"x\"\ny"]),
        ];

        let text = encode(&rows, Some(Style::default())).unwrap();

        assert_eq!(
            String::from_utf8(text.to_vec()).unwrap(),
            "a,b\r\n'=1+1,'+1\r\n'-1,'@a\r\n'\tx,\"'\rx\"\r\na=1,\"é, \"\"x\"\"\ny\"\r\n"
        );
    }

    #[actix_web::test]
    async fn pages_follow_each_other_under_one_byte_order_mark_and_header() {
        let response = stream("list", Style { bom: true }, |cursor| {
            ready(match cursor.as_deref() {
                None => page(&["1", "2"], Some("next")),
                Some(_) => page(&["3", "4"], None),
            })
        })
        .await
        .unwrap();

        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        assert_eq!(body, "\u{feff}a,b\r\n1,2\r\n3,4\r\n");
    }

    #[actix_web::test]
    async fn a_failure_on_the_way_breaks_the_body_off() {
        let response = stream("list", Style { bom: true }, |cursor| {
            ready(match cursor {
                None => page(&["1", "2"], Some("next")),
                Some(_) => Err(ApiError::internal("the database is gone")),
            })
        })
        .await
        .unwrap();

        let mut body = std::pin::pin!(response.into_body());
        let mut next = async || std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await;
        assert_eq!(next().await.unwrap().unwrap(), "\u{feff}a,b\r\n1,2\r\n");
        assert!(next().await.unwrap().is_err());
    }

    #[actix_web::test]
    async fn a_failure_before_the_first_row_is_a_problem() {
        let answer = stream("list", Style::default(), |_| {
            ready(Err::<Page<Cells>, _>(ApiError::not_found("unit")))
        })
        .await;

        assert_eq!(answer.unwrap_err().code, crate::http::Code::NotFound);
    }
}
