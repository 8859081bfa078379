//! What holds for every address.

use awc::http::Method;
use serde_json::json;

use crate::support::{Client, TestApp};

async fn options(client: &Client, path: &str) -> crate::support::Answer {
    client.send(Method::OPTIONS, path, None, "").await
}

#[actix_web::test]
async fn an_unknown_address_is_a_problem_and_below_v1_needs_a_token_first() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for path in ["/v1/unknown", "/v1/users/a/b/c/d", "/v1", "/unknown"] {
        admin.get(path).await.assert_problem(404, "not_found");
    }
    app.anonymous()
        .get("/v1/unknown")
        .await
        .assert_problem(401, "unauthenticated");
    app.anonymous()
        .get("/unknown")
        .await
        .assert_problem(404, "not_found");
}

#[actix_web::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let answer = admin
        .send(Method::PUT, "/v1/users", Some(b"{}".to_vec()), "application/json")
        .await;
    let answer = answer.assert_problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));

    let answer = app
        .anonymous()
        .get("/oauth/token")
        .await
        .assert_problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("POST"));

    let answer = options(&admin, "/v1/me").await.assert_status(204);
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    options(&admin, "/v1/unknown")
        .await
        .assert_problem(404, "not_found");
}

#[actix_web::test]
async fn head_answers_as_get_without_the_body() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let get = admin.get("/v1/roles").await.assert_status(200);
    let head = admin
        .send(Method::HEAD, "/v1/roles", None, "")
        .await
        .assert_status(200);
    assert_eq!(head.bytes, b"");
    assert_eq!(head.header("content-type"), get.header("content-type"));
    app.anonymous()
        .send(Method::HEAD, "/v1/roles", None, "")
        .await
        .assert_status(401);
}

#[actix_web::test]
async fn a_fit_request_id_comes_back_and_an_unfit_one_is_replaced() {
    let app = TestApp::start().await;
    let answer = app
        .anonymous()
        .with("X-Request-Id", "front-end:42")
        .get("/v1/users")
        .await;
    assert_eq!(answer.header("x-request-id"), Some("front-end:42"));
    assert_eq!(answer.at("/request_id"), json!("front-end:42"));

    let answer = app
        .anonymous()
        .with("X-Request-Id", "two words")
        .get("/v1/users")
        .await;
    let id = answer.header("x-request-id").unwrap().to_owned();
    assert!(uuid::Uuid::parse_str(&id).is_ok(), "{id}");
    assert_eq!(answer.at("/request_id"), json!(id));
}

#[actix_web::test]
async fn answers_are_compressed_for_who_wants_it() {
    let app = TestApp::start().await;
    let plain = app
        .anonymous()
        .with("Accept-Encoding", "identity")
        .get("/openapi.json")
        .await;
    let zipped = app
        .anonymous()
        .with("Accept-Encoding", "gzip")
        .get("/openapi.json")
        .await;
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
}

#[actix_web::test]
async fn what_the_client_has_is_not_sent_again() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let roles = admin.get("/v1/roles").await;
    let path = format!("/v1/roles/{}", roles.at("/data/0/id").as_str().unwrap());
    let etag = admin.get(&path).await.header("etag").unwrap().to_owned();

    let again = admin
        .with("If-None-Match", &etag)
        .get(&path)
        .await
        .assert_status(304);
    assert_eq!(
        (again.bytes.len(), again.header("etag")),
        (0, Some(etag.as_str()))
    );
    admin
        .with("If-None-Match", "\"999\"")
        .get(&path)
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn browsers_may_call_from_the_origins_that_are_set() {
    let app =
        TestApp::start_with(|config| config.cors_origins = vec!["https://learn.example.com".into()]).await;
    let browser = app.anonymous().with("Origin", "https://learn.example.com");

    let preflight = browser
        .with("Access-Control-Request-Method", "PATCH")
        .with("Access-Control-Request-Headers", "authorization,if-match");
    let answer = options(&preflight, "/v1/users").await.assert_status(200);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("https://learn.example.com")
    );

    let exposed = browser.get("/healthz").await;
    let exposed = exposed
        .header("access-control-expose-headers")
        .unwrap()
        .to_lowercase();
    for name in [
        "content-disposition",
        "etag",
        "idempotency-replayed",
        "provost-ledger-position",
        "x-request-id",
    ] {
        assert!(exposed.contains(name), "{exposed}");
    }

    // So that a front end can read the problem, and not only that there is one.
    let refused = browser
        .get("/v1/users")
        .await
        .assert_problem(401, "unauthenticated");
    assert_eq!(
        refused.header("access-control-allow-origin"),
        Some("https://learn.example.com")
    );

    let foreign = app.anonymous().with("Origin", "https://evil.example.com");
    let preflight = foreign.with("Access-Control-Request-Method", "PATCH");
    let answer = options(&preflight, "/v1/users").await;
    let answer = answer.assert_problem(403, "forbidden");
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[actix_web::test]
async fn without_a_setting_no_other_origin_is_allowed() {
    let app = TestApp::start().await;
    let browser = app.anonymous().with("Origin", "https://learn.example.com");
    let answer = browser.get("/healthz").await.assert_status(200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}
