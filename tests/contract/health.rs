//! What operators look at.

use std::net::TcpListener;

use diesel::{Connection, PgConnection, connection::SimpleConnection};
use provost::{
    app::Acting,
    http::{ApiError, Code},
    server, sql,
};
use serde_json::{Value, json};

use crate::support::{Client, TestApp};

async fn metric(app: &TestApp, line: &str) -> Option<f64> {
    let answer = app.anonymous().get("/metrics").await.assert_status(200);
    let text = answer.text();
    let value = text.lines().find_map(|each| each.strip_prefix(line))?;
    Some(value.trim().parse().expect("a number"))
}

#[actix_web::test]
async fn metrics_tell_of_requests_jobs_and_events() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    admin.get("/v1/users").await.assert_status(200);
    let requests = "provost_http_requests_total{method=\"GET\",operation=\"/v1/users\",status=\"200\"}";
    assert_eq!(metric(&app, requests).await, Some(1.0));

    let before = metric(&app, "provost_queue_length{queue=\"jobs\"}").await;
    admin
        .post("/v1/ledger/verifications", json!({}))
        .await
        .assert_status(202);
    let jobs = metric(&app, "provost_queue_length{queue=\"jobs\"}").await;
    assert_eq!(jobs, before.map(|before| before + 1.0));
    let events = metric(&app, "provost_queue_length{queue=\"unsealed_events\"}").await;
    assert!(events > Some(0.0), "{events:?}");
    app.run_jobs();
    assert_eq!(
        metric(&app, "provost_queue_length{queue=\"jobs\"}").await,
        Some(0.0)
    );
}

/// Fault 31.
#[actix_web::test]
async fn metrics_may_want_a_token() {
    let token = "a-token-of-the-monitoring";
    let app = TestApp::start_with(|config| config.metrics_token = Some(token.into())).await;
    let stranger = app.anonymous();
    for client in [
        stranger.clone(),
        stranger.with("Authorization", "Bearer another-token-altogether"),
        stranger.with("Authorization", &format!("Basic {token}")),
        app.admin().await,
    ] {
        let refused = client.get("/metrics").await;
        refused.assert_problem(401, "unauthenticated");
    }
    let scraper = stranger.with("Authorization", &format!("Bearer {token}"));
    scraper.get("/metrics").await.assert_status(200);
    stranger.get("/healthz").await.assert_status(200);
    stranger.get("/readyz").await.assert_status(200);
}

/// Fault 31.
#[actix_web::test]
async fn metrics_and_health_may_stand_on_an_address_of_their_own() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let app = TestApp::start_with(|config| config.metrics_listen = Some(address)).await;
    let server = server::serve_probes(app.app.clone(), listener).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let there = Client::new(&format!("http://{address}"), None);
    for path in ["/metrics", "/healthz", "/readyz"] {
        there.get(path).await.assert_status(200);
        app.anonymous().get(path).await.assert_problem(404, "not_found");
    }
    for path in ["/", "/v1/users", "/oauth/providers"] {
        there.get(path).await.assert_problem(404, "not_found");
    }
    let index = app.anonymous().get("/").await.assert_status(200);
    assert_eq!(index.at("/links/health"), json!(null));
    handle.stop(false).await;
}

/// Fault 32.
#[actix_web::test]
async fn the_page_at_the_top_leads_people_and_machines_on() {
    let app = TestApp::start().await;
    let machine = app.anonymous().get("/").await.assert_status(200);
    assert_eq!(machine.at("/name"), json!("Provost"));
    assert_eq!(machine.at("/version"), json!(env!("CARGO_PKG_VERSION")));
    for link in ["openapi", "docs", "authorization", "health"] {
        let address = machine.at(&format!("/links/{link}"));
        app.anonymous()
            .get(address.as_str().unwrap())
            .await
            .assert_status(200);
    }
    let browser = app.anonymous().with(
        "Accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    );
    let page = browser.get("/").await.assert_status(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("href=\"docs/\""), "{}", page.text());
    assert!(
        page.header("vary")
            .is_some_and(|vary| vary.to_lowercase().contains("accept"))
    );
}

#[actix_web::test]
async fn readiness_names_the_part_that_fails() {
    let app = TestApp::start().await;
    let ready = app.anonymous().get("/readyz").await.assert_status(200);
    assert_eq!(ready.at("/ready"), json!(true));

    app.write(|tx| {
        sql!(
            "DELETE FROM __diesel_schema_migrations WHERE version =
                (SELECT max(version) FROM __diesel_schema_migrations)"
        )
        .execute(tx.conn)?;
        Ok(())
    });
    let failing = app.anonymous().get("/readyz").await.assert_status(503);
    let parts = failing.at("/parts");
    let faults: Vec<&Value> = parts
        .as_array()
        .into_iter()
        .flatten()
        .filter(|part| part["ready"] == json!(false))
        .map(|part| &part["name"])
        .collect();
    assert_eq!(faults, [&json!("migrations")]);
}

/// Ends the app's connections as a restart of the server does, and waits until none of them is left.
fn end_connections(app: &TestApp) {
    let mut conn = PgConnection::establish(&app.database.url).unwrap();
    let others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended = conn.batch_execute(&format!("SELECT pg_terminate_backend(pid, 10000) {others}"));
    ended.unwrap();
}

#[actix_web::test]
async fn connections_that_the_database_ended_cost_no_request_its_answer() {
    let app = TestApp::start_with(|config| config.database_connections = 4).await;
    let admin = app.admin().await;
    let reads = || async { futures_util::future::join_all((0..8).map(|_| admin.get("/v1/users"))).await };
    for _ in 0..3 {
        for answer in reads().await {
            answer.assert_status(200);
        }
        end_connections(&app);
    }
    let ready = app.anonymous().get("/readyz").await.assert_status(200);
    assert_eq!(ready.at("/ready"), json!(true));
    let person = json!({"username": "ada", "given_name": "Ada", "family_name": "L"});
    end_connections(&app);
    admin.post("/v1/users", person).await.assert_status(201);
}

#[actix_web::test]
async fn a_connection_that_ends_in_the_middle_is_unavailable_and_leaves_the_pool() {
    let app = TestApp::start().await;
    let read = |app: &TestApp| {
        app.app.read_blocking(&Acting::system("test"), |tx| {
            end_connections(app);
            let first = sql!("SELECT 1").execute(tx.conn).map_err(ApiError::from);
            assert_eq!(first.unwrap_err().code, Code::Unavailable);
            Ok(sql!("SELECT 2").execute(tx.conn)?)
        })
    };
    for _ in 0..2 {
        assert_eq!(read(&app).unwrap_err().code, Code::Unavailable);
    }
    let write = app.app.write_blocking(&Acting::system("test"), |tx| {
        sql!("SELECT 1").execute(tx.conn)?;
        end_connections(&app);
        sql!("SELECT 2").execute(tx.conn).map_err(ApiError::from)
    });
    assert_eq!(write.unwrap_err().code, Code::Unavailable);
    app.write(|tx| Ok(sql!("SELECT 1").execute(tx.conn)?));
}
