//! What deletes files that nothing uses.

use std::path::PathBuf;

use awc::http::Method;
use chrono::TimeDelta;
use provost::{
    app::{Acting, App},
    cli::{create_admin, worker},
    files::{Sha256, Store, blobs, collect::CollectFiles, uploads},
    http::Code,
    jobs::Worker,
    sql,
};
use uuid::Uuid;

use crate::support::{Client, TestApp, count};

async fn put(app: &TestApp, bytes: &[u8]) -> Uuid {
    put_by(&app.admin().await, bytes).await
}

async fn put_by(client: &Client, bytes: &[u8]) -> Uuid {
    let put = client
        .send(Method::PUT, "/v1/uploads?file_name=x", Some(bytes.to_vec()), "")
        .await;
    put.assert_status(201).id().parse().unwrap()
}

fn path(app: &TestApp, bytes: &[u8]) -> PathBuf {
    let hex = Sha256::of(bytes).to_string();
    app.files.path.join("blobs").join(&hex[..2]).join(&hex[2..])
}

fn collect(app: &TestApp) {
    app.write(|tx| tx.enqueue(&CollectFiles {}));
    app.run_jobs();
}

/// Has a version of content refer to a blob.
fn use_blob(app: &TestApp, bytes: &[u8]) {
    let (sha256, content) = (Sha256::of(bytes), Uuid::now_v7());
    app.write(|tx| {
        sql!(
            "INSERT INTO contents (id, code, code_folded, kind, title, language, created_at, updated_at)
             VALUES ({content}, {code}, {code}, 'file', 'T', 'en', {tx.now}, {tx.now})",
            code = content.to_string(),
        )
        .execute(tx.conn)?;
        sql!(
            "INSERT INTO content_versions (id, content_id, number, state, body, sha256, created_at)
             VALUES ({id}, {content}, 1, 'ready', {body}, {sha256}, {tx.now})",
            id = Uuid::now_v7(),
            body = serde_json::json!({}),
        )
        .execute(tx.conn)?;
        Ok(())
    });
}

#[actix_web::test]
async fn what_nothing_uses_is_deleted_after_a_day_and_nothing_else() {
    let app = TestApp::start().await;
    for file in [&b"used"[..], b"unused"] {
        put(&app, file).await;
    }
    use_blob(&app, b"used");
    // What a process leaves that is killed: bytes without a row, pieces of no upload, a file half written.
    let stray = path(&app, b"stray");
    let piece = app
        .files
        .path
        .join("uploads")
        .join(Uuid::now_v7().to_string())
        .join(Uuid::now_v7().to_string());
    let staged = path(&app, b"used").with_file_name("half#1");
    for leftover in [&stray, &piece, &staged] {
        std::fs::create_dir_all(leftover.parent().unwrap()).unwrap();
        std::fs::write(leftover, "stray").unwrap();
    }

    collect(&app);
    for kept in [
        &path(&app, b"used"),
        &path(&app, b"unused"),
        &stray,
        &piece,
        &staged,
    ] {
        assert!(kept.exists(), "{}", kept.display());
    }

    // The clock of the files is the machine's.
    app.app.clock.advance(TimeDelta::days(1) + TimeDelta::minutes(1));
    put(&app, b"new").await;
    collect(&app);
    assert!(path(&app, b"used").exists() && path(&app, b"new").exists());
    for gone in [&path(&app, b"unused"), &stray, &piece, &staged] {
        assert!(!gone.exists(), "{}", gone.display());
    }
    assert_eq!(count(&app, "SELECT count(*) AS count FROM uploads"), 1);
    assert_eq!(
        count(&app, "SELECT count(*) AS count FROM blobs WHERE state = 'stored'"),
        2
    );
    assert_eq!(count(&app, "SELECT count(*) AS count FROM blobs"), 2);
}

/// A blob that the collector marked, and was about to delete when it was killed.
fn mark(app: &TestApp, bytes: &[u8]) {
    let sha256 = Sha256::of(bytes);
    app.write(|tx| {
        sql!("DELETE FROM uploads").execute(tx.conn)?;
        sql!("UPDATE blobs SET state = 'deleting' WHERE sha256 = {sha256}").execute(tx.conn)?;
        Ok(())
    });
}

#[actix_web::test]
async fn a_file_that_is_being_deleted_comes_back_with_its_bytes() {
    let app = TestApp::start().await;
    for has_bytes in [true, false] {
        put(&app, b"same").await;
        mark(&app, b"same");
        if !has_bytes {
            std::fs::remove_file(path(&app, b"same")).unwrap();
        }
        put(&app, b"same").await;
        collect(&app);
        assert_eq!(std::fs::read(path(&app, b"same")).unwrap(), b"same");
        assert_eq!(
            count(&app, "SELECT count(*) AS count FROM blobs WHERE state = 'stored'"),
            1
        );
    }
}

/// The bytes vanish between their storing and their row.
#[actix_web::test]
async fn a_row_is_never_written_for_bytes_that_are_gone() {
    let app = TestApp::start().await;
    let added = app.app.write_blocking(&Acting::system("test"), |tx| {
        blobs::add(tx, &Sha256::of(b"gone"), 4, "text/plain")
    });
    assert_eq!(added.unwrap_err().code, Code::Unavailable);
    assert_eq!(count(&app, "SELECT count(*) AS count FROM blobs"), 0);
}

/// Uploads, uses and collections of the same few files at once, in two processes: what was used keeps its bytes.
#[actix_web::test]
async fn the_collector_never_takes_what_is_taken_meanwhile() {
    let app = TestApp::start().await;
    let admin = create_admin::create(&app.app, "taker", "a long password").unwrap();
    for round in 0..4 {
        let file = format!("file {round}").into_bytes();
        let upload = put_by(&app.client_of(admin), &file).await;
        app.app.clock.advance(TimeDelta::hours(23));
        // Old enough for the collector, were it not for the upload, which has not expired.
        app.write(|tx| {
            sql!("UPDATE blobs SET uploaded_at = uploaded_at - interval '2 days'").execute(tx.conn)?;
            Ok(())
        });
        let process: &App = &app.app;
        std::thread::scope(|threads| {
            let taker = threads.spawn(move || {
                let as_admin = Acting::signing_in(admin, "test");
                process.write_blocking(&as_admin, |tx| uploads::take(tx, upload).map(drop))
            });
            let collector = threads.spawn(move || {
                let system = Acting::system("test");
                process
                    .write_blocking(&system, |tx| tx.enqueue(&CollectFiles {}))
                    .unwrap();
                Worker::drain(process, worker::HANDLERS).unwrap();
            });
            collector.join().unwrap();
            taker.join().unwrap().unwrap();
        });
        use_blob(&app, &file);
        collect(&app);
        assert!(app.app.part::<Store>().exists(&Sha256::of(&file)).unwrap());
    }
}

/// A new table that refers to blobs must be in the list.
#[actix_web::test]
async fn the_collector_knows_every_table_that_refers_to_blobs() {
    let app = TestApp::start().await;
    let referring = count(
        &app,
        "SELECT count(*) AS count FROM pg_constraint WHERE contype = 'f' AND confrelid = 'blobs'::regclass",
    );
    assert_eq!(referring, provost::server::BLOB_USES.0.len() as i64 + 1);
}
