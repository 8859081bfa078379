//! Reads without a database thread.

use diesel::connection::SimpleConnection;
use futures_util::future::join_all;
use provost::db::DbOptions;
use serde_json::json;

use crate::support::{Client, TestApp, WAITING_FOR_LOCKS, count, wait_until};

/// The connection for quick reads, once it is there.
const PIPELINES: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'provost pipeline'";

async fn users(admin: &Client, number: usize) -> Vec<String> {
    let rows: Vec<_> = (0..number)
        .map(|n| {
            let person =
                json!({"username": format!("user{n}"), "given_name": "A", "family_name": format!("B{n}")});
            json!({"row_key": n.to_string(), "create": person})
        })
        .collect();
    let made = admin.post("/v1/users/bulk", json!({ "rows": rows })).await;
    let made = made.assert_status(200).at("/results");
    let ids = made.as_array().unwrap().iter();
    ids.map(|row| row["resource"]["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn has_a_pipeline(app: &TestApp, admin: &Client) {
    let path = format!("/v1/users/{}", app.admin_id());
    admin.get(&path).await.assert_status(200);
    wait_until("the connection is there", || count(app, PIPELINES) == 1);
    admin.get(&path).await.assert_status(200);
}

#[actix_web::test]
async fn reads_under_way_at_once_answer_each_its_own() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ids = users(&admin, 80).await;
    has_a_pipeline(&app, &admin).await;
    let unknown = "/v1/users/018f0000-0000-7000-8000-000000000000";
    for _ in 0..3 {
        let admin = &admin;
        let answers = join_all(ids.iter().map(|id| async move {
            let path = format!("/v1/users/{id}");
            (
                id,
                admin.get(&path).await.assert_status(200),
                admin.get(unknown).await,
            )
        }));
        for (n, (id, answer, missing)) in answers.await.into_iter().enumerate() {
            assert_eq!(answer.at("/id"), json!(id));
            assert_eq!(answer.at("/family_name"), json!(format!("B{n}")));
            missing.assert_status(404);
        }
    }
    let reads = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'provost pipeline' AND query LIKE 'SELECT \"users\".%'";
    assert_eq!(count(&app, reads), 1, "they went by the pipeline");
}

#[actix_web::test]
async fn reads_do_not_wait_behind_one_that_waits_for_a_lock() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    has_a_pipeline(&app, &admin).await;
    let created = admin
        .post("/v1/categories", json!({"code": "c", "name": "C"}))
        .await
        .assert_status(201);
    let category = format!("/v1/categories/{}", created.at("/id").as_str().unwrap());
    let mut other = app.app.db.dedicated_connection().unwrap();
    other.batch_execute("BEGIN; LOCK TABLE users").unwrap();
    let user = actix_web::rt::spawn({
        let (admin, path) = (app.admin().await, format!("/v1/users/{}", app.admin_id()));
        async move { admin.get(&path).await }
    });
    while count(&app, WAITING_FOR_LOCKS) == 0 {
        assert!(!user.is_finished(), "it waits for the lock");
        tokio::task::yield_now().await;
    }
    admin.get(&category).await.assert_status(200);
    admin.get(&category).await.assert_status(200);
    assert!(!user.is_finished(), "the table is locked");
    other.batch_execute("COMMIT").unwrap();
    user.await.unwrap().assert_status(200);
}

#[actix_web::test]
async fn only_connections_that_need_no_encryption_are_pipelined() {
    let are_pipelined = |url: &str, prepared_statements: bool| {
        let options = DbOptions {
            url: url.into(),
            connections: 1,
            blocking_connections: 1,
            prepared_statements,
        };
        options.takes_pipelines()
    };
    for url in [
        "postgres:///provost?host=/run/postgresql",
        "postgres://provost@localhost/provost",
        "postgres://provost:secret@127.0.0.1:5433/provost",
        "postgres://provost:secret@[::1]/provost",
        "postgres://provost:secret@db/provost?sslmode=disable",
    ] {
        assert!(are_pipelined(url, true), "{url}");
        assert!(!are_pipelined(url, false), "{url} behind a pooler");
    }
    for url in [
        "postgres://provost:secret@db/provost",
        "postgres://provost:secret@10.0.0.7/provost?sslmode=prefer",
        "postgres://provost:secret@localhost/provost?sslmode=require",
        "postgres://provost:secret@db/provost?sslmode=verify-full&sslrootcert=ca.pem",
        "postgres://provost:secret@localhost,db/provost",
        "postgres://provost:secret@localhost/provost?hostaddr=10.0.0.7",
        "postgres:///provost",
    ] {
        assert!(!are_pipelined(url, true), "{url}");
    }
}
