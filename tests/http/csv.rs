//! Lists as CSV.

use std::{
    future::{poll_fn, ready},
    pin::pin,
};

use actix_web::body::{self, MessageBody};
use provost::http::{
    ApiError, ApiResult, Code, Page,
    csv::{CsvRow, Style, stream, unquoted, whole},
};

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

async fn written(rows: &[Cells]) -> String {
    let response = whole("list", Style::default(), rows).unwrap();
    let body = body::to_bytes(response.into_body()).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[actix_web::test]
async fn what_is_made_harmless_is_read_as_it_was() {
    let cells = ["=1+1", "-3", "@home", "'=1+1", "''-", "'tis", "", "plain"];
    let rows = cells.map(|cell| Cells(vec![cell, ""]));
    let text = written(&rows).await;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let exported: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
    assert_eq!(exported.len(), cells.len());
    for (exported, cell) in exported.iter().zip(cells) {
        assert!(
            !exported.starts_with(['=', '+', '-', '@', '\t', '\r']),
            "{exported}"
        );
        assert_eq!(unquoted(exported), cell);
    }
}

#[actix_web::test]
async fn cells_that_look_like_formulas_are_made_harmless() {
    let rows = [
        Cells(vec!["=1+1", "+1"]),
        Cells(vec!["-1", "@a"]),
        Cells(vec!["\tx", "\rx"]),
        Cells(vec!["a=1", "é, \"x\"\ny"]),
    ];

    assert_eq!(
        written(&rows).await,
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

    let body = body::to_bytes(response.into_body()).await.unwrap();
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

    let mut rest = pin!(response.into_body());
    let mut next = async || poll_fn(|cx| rest.as_mut().poll_next(cx)).await;
    assert_eq!(next().await.unwrap().unwrap(), "\u{feff}a,b\r\n1,2\r\n");
    assert!(next().await.unwrap().is_err());
}

#[actix_web::test]
async fn a_failure_before_the_first_row_is_a_problem() {
    let answer = stream("list", Style::default(), |_| {
        ready(Err::<Page<Cells>, _>(ApiError::not_found("unit")))
    })
    .await;

    assert_eq!(answer.unwrap_err().code, Code::NotFound);
}
