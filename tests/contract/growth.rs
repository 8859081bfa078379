//! Whatever strangers send, Provost's memory and its database do not grow without bound.

use std::collections::{BTreeMap, BTreeSet};

use awc::http::Method;
use diesel::{PgConnection, RunQueryDsl};
use provost::{
    db::{Db, DbOptions, Fixed, pool::MOST_PREPARED},
    sql,
};

use super::operations;
use crate::support::TestApp;

/// The series of `/metrics` without their values.
async fn series(app: &TestApp) -> BTreeSet<String> {
    let text = app.anonymous().get("/metrics").await.text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let series = lines.filter_map(|line| line.rsplit_once(' '));
    series.map(|(series, _)| series.to_owned()).collect()
}

/// Fault 22.
#[actix_web::test]
async fn made_up_requests_add_no_series() {
    let app = TestApp::start().await;
    let stranger = app.anonymous();
    // What an anonymous caller can request without inventing anything: each operation once, and one of no operation.
    for operation in operations::all() {
        let path = operation.path_with(&BTreeMap::new());
        stranger.send(operation.method.clone(), &path, None, "").await;
    }
    for method in [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "MADEUP",
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        for path in ["/nowhere", "/v1/nowhere", "/healthz"] {
            stranger.send(method.clone(), path, None, "").await;
        }
    }
    let before = series(&app).await;
    let labels: Vec<&String> = before
        .iter()
        .filter(|series| series.contains("operation=\"/v1/users/{user_id}\""))
        .collect();
    assert!(!labels.is_empty(), "operations keep their own series");

    for number in 0..60 {
        let method = Method::from_bytes(format!("MADEUP{number}").as_bytes()).unwrap();
        let stranger = stranger
            .with("Host", &format!("host-{number}.example.com"))
            .with("Upgrade", &format!("protocol-{number}"))
            .with("X-HTTP-Method-Override", &format!("OVERRIDE{number}"))
            .with("X-Request-Id", &format!("request-{number}"));
        for path in [
            "/".to_owned(),
            format!("/made-up-{number}"),
            format!("/v1/made-up-{number}"),
            format!("/v1/users/made-up-{number}"),
            format!("/v1/users?filter=made_up_{number}"),
            format!("/scim/v2/made-up-{number}"),
            format!("/oauth/made-up-{number}"),
            format!("/docs/made-up-{number}"),
        ] {
            stranger.send(method.clone(), &path, None, "").await;
            stranger.send(Method::GET, &path, None, "").await;
        }
    }
    let long = Method::from_bytes("M".repeat(60_000).as_bytes()).unwrap();
    stranger.send(long, "/v1/users", None, "").await;

    let added: Vec<_> = series(&app).await.difference(&before).cloned().collect();
    assert!(added.len() <= 60, "{added:#?}");
    let made_up: Vec<_> = added
        .iter()
        .filter(|series| series.to_lowercase().contains("made") || series.len() > 200)
        .collect();
    assert!(made_up.is_empty(), "{made_up:#?}");
}

/// Fault 22: callers choose the text of statements by their filters and orders, and each prepared one takes memory of its
/// connection and of the server.
#[actix_web::test]
async fn prepared_statements_of_made_up_texts_are_bounded() {
    #[derive(diesel::QueryableByName)]
    struct Prepared {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        bytes: i64,
    }
    const BLANK: Fixed = Fixed("                                                                ");
    const STATEMENTS: usize = 100;
    let app = TestApp::start().await;
    let db = Db::start(DbOptions {
        url: app.database.url.clone(),
        connections: 1,
        blocking_connections: 0,
        prepared_statements: true,
    });
    let (mut sent, mut most) = (0, 0);
    for number in 1..=STATEMENTS {
        let mut statement = sql!("SELECT 1");
        for _ in 0..400 + number {
            statement.push(sql!("{BLANK}"));
        }
        let execute = |conn: &mut PgConnection| statement.execute(conn);
        execute(&mut db.connection().unwrap()).unwrap();
        sent += (400 + number) * BLANK.0.len();
        let kept = |conn: &mut PgConnection| -> Vec<Prepared> {
            sql!("SELECT coalesce(sum(length(statement)), 0)::bigint AS bytes FROM pg_prepared_statements")
                .load(conn)
                .unwrap()
        };
        let kept = kept(&mut db.connection().unwrap());
        most = most.max(kept[0].bytes as usize);
    }
    assert!(sent > 2 * MOST_PREPARED, "enough was sent: {sent}");
    assert!(most > MOST_PREPARED / 2, "statements are prepared: {most}");
    assert!(
        most < MOST_PREPARED + sent / STATEMENTS + 10_000,
        "they are bounded: {most}"
    );
}
