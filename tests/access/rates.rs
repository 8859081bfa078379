//! Limits on requests, by principal and by address.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta};
use provost::access::rates::{Cell, MOST_CELLS, RateStatus, Rates};
use uuid::Uuid;

use super::person;
use crate::support::{Answer, TestApp};

async fn limited_to(limit: u32) -> TestApp {
    TestApp::start_with(|config| {
        config.rate_limit = limit;
        config.trusted_proxies = "127.0.0.1".parse().unwrap();
        config.cors_origins = vec!["https://learn.example.com".into()];
    })
    .await
}

#[track_caller]
fn assert_remaining(answer: &Answer, remaining: u32) {
    let standing = answer.header("ratelimit").unwrap();
    assert!(
        standing.starts_with(&format!("\"caller\";r={remaining};t=")),
        "{}: {standing}",
        answer.request
    );
}

#[actix_web::test]
async fn a_principal_is_told_how_they_stand_and_refused_past_the_limit() {
    let app = limited_to(3).await;
    let admin = app.admin().await.with("Origin", "https://learn.example.com");
    for remaining in [2, 1] {
        let answer = admin.get("/v1/me").await.assert_status(200);
        assert_remaining(&answer, remaining);
        assert_eq!(answer.header("ratelimit-policy"), Some("\"caller\";q=3;w=60"));
    }
    // What is refused or not found counts too.
    assert_remaining(&admin.get("/v1/unknown").await.assert_status(404), 0);
    let refused = admin.get("/v1/me").await.assert_problem(429, "too_many_requests");
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_remaining(&refused, 0);
    let exposed = refused.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("ratelimit-policy"), "{exposed}");

    app.app.clock.advance(TimeDelta::seconds(wait));
    admin.get("/v1/me").await.assert_status(200);
}

#[actix_web::test]
async fn principals_do_not_count_for_each_other_nor_for_their_address() {
    let app = limited_to(2).await;
    let admin = app.admin().await;
    let ana = app.client_of(person(&admin, "ana").await);
    for _ in 0..2 {
        assert!(ana.get("/v1/me").await.status == 200);
    }
    ana.get("/v1/me").await.assert_problem(429, "too_many_requests");
    admin.get("/v1/me").await.assert_status(200);
    app.anonymous()
        .get("/.well-known/jwks.json")
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn callers_without_a_token_are_counted_by_address_and_probes_are_not() {
    let app = limited_to(2).await;
    let here = app.anonymous().with("X-Forwarded-For", "203.0.113.7");
    here.get("/v1/me").await.assert_problem(401, "unauthenticated");
    let bad = here.with("Authorization", "Bearer made-up");
    bad.get("/v1/me").await.assert_problem(401, "unauthenticated");
    for path in [
        "/v1/me",
        "/verify/none",
        "/.well-known/jwks.json",
        "/openapi.json",
        "/unknown",
    ] {
        here.get(path).await.assert_problem(429, "too_many_requests");
    }
    bad.get("/v1/me").await.assert_problem(429, "too_many_requests");
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(here.get(path).await.assert_status(200).header("ratelimit"), None);
    }
    let elsewhere = app.anonymous().with("X-Forwarded-For", "203.0.113.8");
    elsewhere.get("/.well-known/jwks.json").await.assert_status(200);
}

#[actix_web::test]
async fn without_a_limit_nothing_is_said_of_it() {
    let app = limited_to(0).await;
    let answer = app.admin().await.get("/v1/me").await.assert_status(200);
    assert_eq!(answer.header("ratelimit"), None);
}

fn status(remaining: i64, reset: i64, wait: Option<i64>) -> Option<RateStatus> {
    Some(RateStatus {
        limit: 4,
        remaining,
        reset,
        wait,
    })
}

#[test]
fn a_minutes_requests_may_come_at_once_and_come_back_evenly() {
    let rates = Rates::new(4);
    let cell = Cell::Principal(Uuid::nil());
    let start = DateTime::from_timestamp(1_000_000, 0).unwrap();
    let at = |seconds| rates.take(cell, start + TimeDelta::seconds(seconds));
    assert_eq!(at(0), status(3, 15, None));
    assert_eq!(at(0), status(2, 30, None));
    assert_eq!(at(0), status(1, 45, None));
    assert_eq!(at(0), status(0, 60, None));
    assert_eq!(at(0), status(0, 60, Some(15)));
    assert_eq!(at(14), status(0, 60, Some(1)));
    assert_eq!(at(15), status(0, 60, None));
    assert_eq!(at(15 + 60), status(3, 15, None));
    // Somebody set the clock back.
    assert_eq!(at(-1_000), status(0, 60, Some(15)));
    assert_eq!(at(-1_000 + 60), status(0, 60, Some(15)));
}

#[test]
fn callers_do_not_count_for_each_other_and_cells_are_bounded() {
    let rates = Rates::new(1);
    let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
    for number in 0..2 * MOST_CELLS as u32 {
        let cell = Cell::Address(IpAddr::from(number.to_be_bytes()));
        assert_eq!(rates.take(cell, now).unwrap().wait, None);
    }
    assert!(rates.cells() <= MOST_CELLS);
    assert_eq!(Rates::new(0).take(Cell::Principal(Uuid::nil()), now), None);
}
