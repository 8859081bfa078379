//! Uploads by tus 1.0 and at once.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use actix_web::rt::task::spawn_blocking;
use awc::http::Method;
use base64::{Engine, prelude::BASE64_STANDARD};
use provost::{
    authz::Permission,
    files::{Sha256, Store, uploads},
    http::Code,
};
use serde_json::{Value, json};

use super::sample;
use crate::support::{Answer, Client, TestApp, count, wait_until};

const BYTES: &str = "application/offset+octet-stream";

/// Begins an upload of so many bytes; answers its address.
async fn begin(client: &Client, name: &str, bytes: usize) -> String {
    let metadata = format!("filename {},filetype dGV4dA==", BASE64_STANDARD.encode(name));
    let answer = client
        .with("Tus-Resumable", "1.0.0")
        .with("Upload-Length", &bytes.to_string())
        .with("Upload-Metadata", &metadata)
        .send(Method::POST, "/v1/uploads", None, "")
        .await
        .assert_status(201);
    answer.header("location").unwrap().to_owned()
}

async fn append(client: &Client, at: &str, offset: usize, bytes: &[u8]) -> Answer {
    client
        .with("Upload-Offset", &offset.to_string())
        .send(Method::PATCH, at, Some(bytes.to_vec()), BYTES)
        .await
}

async fn put(client: &Client, name: &str, bytes: &[u8]) -> Answer {
    let path = format!("/v1/uploads?file_name={name}");
    client.send(Method::PUT, &path, Some(bytes.to_vec()), "").await
}

fn blobs(app: &TestApp) -> i64 {
    count(app, "SELECT count(*) AS count FROM blobs")
}

#[actix_web::test]
async fn a_file_comes_in_in_pieces_and_is_known_by_its_bytes() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut file = b"%PDF-1.7\n".to_vec();
    file.extend(sample((9 << 20) + 17));
    let at = begin(&admin, "C:\\plans\\Fire safety \u{fc}.pdf", file.len()).await;

    for (from, to) in [(0, 10), (10, 8 << 20), (8 << 20, file.len())] {
        let head = admin.send(Method::HEAD, &at, None, "").await.assert_status(200);
        assert_eq!(head.header("upload-offset"), Some(&*from.to_string()));
        assert_eq!(head.header("upload-length"), Some(&*file.len().to_string()));
        assert_eq!(head.header("tus-resumable"), Some("1.0.0"));
        assert_eq!(head.header("cache-control"), Some("no-store"));
        assert_eq!(
            head.header("upload-metadata"),
            Some("filename QzpccGxhbnNcRmlyZSBzYWZldHkgw7wucGRm,filetype dGV4dA==")
        );
        let answer = append(&admin, &at, from, &file[from..to])
            .await
            .assert_status(204);
        assert_eq!(answer.header("upload-offset"), Some(&*to.to_string()));
        assert!(answer.header("upload-expires").unwrap().ends_with(" GMT"));
    }

    let upload = admin.get(&at).await.assert_status(200).json();
    assert_eq!(upload["state"], "complete");
    assert_eq!(upload["file_name"], "Fire safety \u{fc}.pdf");
    assert_eq!(upload["media_type"], "application/pdf");
    assert_eq!(upload["sha256"], Sha256::of(&file).to_string());
    let sha256 = Sha256::of(&file);
    let mut stored = Vec::new();
    let files = app.app.part::<Store>();
    files.reader(&sha256).unwrap().read_to_end(&mut stored).unwrap();
    assert!(stored == file);
    // The pieces are gone.
    assert_eq!(
        std::fs::read_dir(app.files.path.join("uploads")).map_or(0, Iterator::count),
        0
    );

    let list = admin.get("/v1/uploads").await.assert_status(200);
    assert_eq!(list.at("/data/0"), upload);
    let again = append(&admin, &at, file.len(), b"more").await;
    again.assert_problem(409, "upload_offset_mismatch");
    // The same bytes are stored once.
    put(&admin, "again.pdf", &file).await.assert_status(201);
    assert_eq!(blobs(&app), 1);
}

#[actix_web::test]
async fn a_small_file_comes_in_at_once_and_nothing_of_one_that_breaks_off() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let upload = put(&admin, "notes.exe", b"Read this.\n").await.assert_status(201);
    assert_eq!(upload.at("/media_type"), "text/plain");
    assert_eq!(upload.at("/state"), "complete");
    let empty = put(&admin, "empty", b"").await.assert_status(201).json();
    assert_eq!(
        (&empty["state"], &empty["bytes"]),
        (&json!("complete"), &json!(0))
    );
    let empty = begin(&admin, "", 0).await;
    let empty = admin.get(&empty).await.json();
    assert_eq!(
        (&empty["state"], &empty["file_name"]),
        (&json!("complete"), &json!("file"))
    );

    let missing = admin
        .send(Method::PUT, "/v1/uploads", Some(b"x".to_vec()), "")
        .await;
    missing
        .assert_problem(400, "invalid_parameter")
        .assert_fault("?file_name");
    let chunked = raw_request(
        &app,
        &admin,
        "PUT /v1/uploads?file_name=x",
        "Transfer-Encoding: chunked",
        b"0\r\n\r\n",
    )
    .await;
    assert!(chunked.starts_with("HTTP/1.1 411 "), "{chunked}");

    let before = count(&app, "SELECT count(*) AS count FROM uploads");
    raw_request(
        &app,
        &admin,
        "PUT /v1/uploads?file_name=x",
        "Content-Length: 1000",
        b"half of it",
    )
    .await;
    wait_until("the upload is gone", || {
        count(&app, "SELECT count(*) AS count FROM uploads") == before
    });
}

/// Sends a request as bytes, then says that nothing more comes, and reads what is answered.
async fn raw_request(app: &TestApp, client: &Client, line: &str, headers: &str, body: &[u8]) -> String {
    let mut request = format!(
        "{line} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer {}\r\n{headers}\r\n\r\n",
        client.token()
    )
    .into_bytes();
    request.extend_from_slice(body);
    let mut connection = TcpStream::connect(app.app.config.listen).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    spawn_blocking(move || {
        connection.write_all(&request).unwrap();
        connection.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        drop(connection.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await
    .unwrap()
}

#[actix_web::test]
async fn what_arrived_before_a_break_counts_unless_it_has_a_checksum() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let file = sample(3 << 20);
    let at = begin(&admin, "x", file.len()).await;
    let offset = || async {
        let head = admin.send(Method::HEAD, &at, None, "").await;
        head.header("upload-offset").unwrap().parse::<usize>().unwrap()
    };
    let line = format!("PATCH {at}");
    let headers = |from: usize, more: &str| {
        format!(
            "Content-Type: {BYTES}\r\nUpload-Offset: {from}\r\nContent-Length: {}{more}",
            file.len() - from
        )
    };

    let half = file.len() / 2;
    raw_request(&app, &admin, &line, &headers(0, ""), &file[..half]).await;
    wait_until("what arrived counts", || {
        count(&app, "SELECT sum(received)::bigint AS count FROM uploads") > 0
    });
    let arrived = offset().await;
    assert!(arrived >= 1 << 20 && arrived <= half, "{arrived}");

    let checksum = "\r\nUpload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=";
    raw_request(
        &app,
        &admin,
        &line,
        &headers(arrived, checksum),
        &file[arrived..arrived + 9],
    )
    .await;
    let wrong = admin.with("Upload-Checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=");
    append(&wrong, &at, arrived, &file[arrived..])
        .await
        .assert_problem(460, "checksum_mismatch");
    assert_eq!(offset().await, arrived);

    let sum = BASE64_STANDARD.encode(Sha256::of(&file[arrived..]).as_bytes());
    let right = admin.with("Upload-Checksum", &format!("sha256 {sum}"));
    append(&right, &at, arrived, &file[arrived..])
        .await
        .assert_status(204);
    assert_eq!(admin.get(&at).await.at("/sha256"), Sha256::of(&file).to_string());
}

#[actix_web::test]
async fn the_first_bytes_may_come_with_the_creation() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = admin.with("Upload-Length", "6");
    let begun = client
        .send(Method::POST, "/v1/uploads", Some(b"abc".to_vec()), BYTES)
        .await
        .assert_status(201);
    assert_eq!(begun.header("upload-offset"), Some("3"));
    append(&admin, begun.header("location").unwrap(), 3, b"def")
        .await
        .assert_status(204);
    let whole = client
        .send(Method::POST, "/v1/uploads", Some(b"abcdef".to_vec()), BYTES)
        .await
        .assert_status(201);
    assert_eq!(whole.at("/state"), "complete");
    assert_eq!(blobs(&app), 1);
}

#[actix_web::test]
async fn faults_of_tus_are_told() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let options = admin
        .send(Method::OPTIONS, "/v1/uploads", None, "")
        .await
        .assert_status(204);
    assert_eq!(options.header("tus-version"), Some("1.0.0"));
    assert_eq!(options.header("tus-max-size"), Some("5368709120"));
    assert_eq!(
        options.header("tus-extension"),
        Some("creation,creation-with-upload,checksum,expiration,termination")
    );

    let post = |client: Client| async move { client.send(Method::POST, "/v1/uploads", None, "").await };
    post(admin.with("Tus-Resumable", "0.2.2").with("Upload-Length", "1"))
        .await
        .assert_problem(412, "tus_version_unsupported");
    post(admin.clone())
        .await
        .assert_problem(400, "invalid_parameter")
        .assert_fault("?Upload-Length");
    for length in ["-1", "x", "99999999999999999999"] {
        post(admin.with("Upload-Length", length))
            .await
            .assert_problem(400, "invalid_parameter");
    }
    for metadata in ["filename ***", "filename /w==", "filename YQBi"] {
        post(admin.with("Upload-Length", "1").with("Upload-Metadata", metadata))
            .await
            .assert_problem(400, "invalid_parameter")
            .assert_fault("?Upload-Metadata");
    }
    post(admin.with("Upload-Length", "5368709121"))
        .await
        .assert_problem(413, "payload_too_large");

    let at = begin(&admin, "x", 3).await;
    append(&admin, &at, 1, b"b")
        .await
        .assert_problem(409, "upload_offset_mismatch");
    append(&admin, &at, 0, b"abcd")
        .await
        .assert_problem(413, "payload_too_large");
    let json = admin
        .with("Upload-Offset", "0")
        .send(Method::PATCH, &at, Some(b"abc".to_vec()), "application/json")
        .await;
    json.assert_problem(415, "unsupported_media_type");
    let nowhere = admin.send(Method::PATCH, &at, Some(b"abc".to_vec()), BYTES).await;
    nowhere
        .assert_problem(400, "invalid_parameter")
        .assert_fault("?Upload-Offset");
    let odd = admin.with("Upload-Checksum", "md5 x");
    append(&odd, &at, 0, b"abc")
        .await
        .assert_problem(400, "invalid_parameter");

    admin.send(Method::DELETE, &at, None, "").await.assert_status(204);
    admin.get(&at).await.assert_problem(404, "not_found");
    append(&admin, &at, 0, b"abc")
        .await
        .assert_problem(404, "not_found");
}

#[actix_web::test]
async fn an_upload_belongs_to_its_principal_and_to_administrators_of_everything() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let category = admin
        .post("/v1/categories", json!({"code": "a", "name": "A"}))
        .await
        .id();
    let scope = Some(category.parse().unwrap());
    let teacher = app.holding(
        &[Permission::ContentsWrite, Permission::ContentsRead],
        "category",
        scope,
    );
    let other = app.holding(
        &[Permission::ContentsWrite, Permission::ContentsRead],
        "category",
        scope,
    );
    let reader = app.holding(&[Permission::ContentsRead], "everything", None);
    let at = begin(&teacher, "x", 3).await;
    for stranger in [&other, &reader] {
        let expected = if std::ptr::eq(stranger, &reader) {
            (403, "forbidden")
        } else {
            (404, "not_found")
        };
        append(stranger, &at, 0, b"abc")
            .await
            .assert_problem(expected.0, expected.1);
        let deleted = stranger.send(Method::DELETE, &at, None, "").await;
        deleted.assert_problem(expected.0, expected.1);
    }
    other.get(&at).await.assert_problem(404, "not_found");
    assert_eq!(other.get("/v1/uploads").await.at("/data"), json!([]));
    reader.get(&at).await.assert_status(200);
    admin.get(&at).await.assert_status(200);
    append(&teacher, &at, 0, b"abc").await.assert_status(204);
    begin_is_refused(&reader).await;

    // Only its own principal makes anything of it.
    let id = at.rsplit('/').next().unwrap().parse().unwrap();
    let taken = app
        .app
        .read_blocking(&provost::app::Acting::system("test"), |tx| uploads::take(tx, id));
    assert_eq!(taken.unwrap_err().code, Code::NotFound);
}

async fn begin_is_refused(client: &Client) {
    let refused = client
        .with("Upload-Length", "1")
        .send(Method::POST, "/v1/uploads", None, "")
        .await;
    refused.assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn the_storage_limit_counts_files_and_what_uploads_still_may_bring() {
    let app = TestApp::start_with(|config| config.storage_limit = Some(2048)).await;
    let admin = app.admin().await;
    put(&admin, "a", &sample(1000)).await.assert_status(201);
    let begun = begin(&admin, "b", 1000).await;
    let full = put(&admin, "c", &sample(100))
        .await
        .assert_problem(409, "storage_full");
    let detail: Value = full.at("/detail");
    assert!(detail.as_str().unwrap().contains("2000 of 2048"), "{detail}");
    admin
        .send(Method::DELETE, &begun, None, "")
        .await
        .assert_status(204);
    put(&admin, "c", &sample(100)).await.assert_status(201);
}
