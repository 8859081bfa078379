//! Contents of the library as the player finds them, laid beneath the API.

use std::io::Write;

use flate2::{Compression, write::DeflateEncoder};
use provost::{
    files::{Sha256, Store},
    sql,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;

fn bytes_of(app: &TestApp, bytes: &[u8], media_type: &str) -> Sha256 {
    let sha256 = Sha256::of(bytes);
    // The store blocks, which the threads of a test's runtime may not.
    let store = app.app.part::<Store>();
    std::thread::scope(|threads| {
        threads
            .spawn(|| store.put_file(&sha256, bytes).unwrap())
            .join()
            .unwrap()
    });
    app.write(|tx| {
        sql!(
            "INSERT INTO blobs (sha256, bytes, media_type, created_at, uploaded_at)
             VALUES ({hash}, {length}, {media_type}, {tx.now}, {tx.now}) ON CONFLICT DO NOTHING",
            hash = sha256.as_bytes()[..],
            length = bytes.len() as i64,
        )
        .execute(tx.conn)?;
        Ok(())
    });
    sha256
}

/// A version of a content, ready to be used.
pub fn content(app: &TestApp, kind: &str, body: &Value, bytes: Option<(&[u8], &str)>) -> Uuid {
    let (content, version) = (Uuid::now_v7(), Uuid::now_v7());
    let sha256 = bytes.map(|(bytes, media_type)| bytes_of(app, bytes, media_type).as_bytes().to_vec());
    app.write(|tx| {
        sql!(
            "INSERT INTO contents (id, code, code_folded, kind, title, language, created_at, updated_at)
             VALUES ({content}, {code}, {code}, {kind}, 'Fire', 'en', {tx.now}, {tx.now})",
            code = content.to_string(),
        )
        .execute(tx.conn)?;
        sql!(
            "INSERT INTO content_versions (id, content_id, number, state, body, sha256, file_name, created_at)
             VALUES ({version}, {content}, 1, 'ready', {body}, {sha256}, 'fire.bin', {tx.now})",
            body = body.clone(),
            sha256 = sha256.clone(),
        )
        .execute(tx.conn)?;
        Ok(())
    });
    version
}

/// A page of the library.
pub fn page(app: &TestApp) -> Uuid {
    let body = json!({"kind": "page", "format": "html", "text": "<p>Hi</p>", "html": "<p>Leave by the <b>doors</b>.</p>"});
    content(app, "page", &body, None)
}

/// A video of the library.
pub fn video(app: &TestApp) -> Uuid {
    video_of(app, None)
}

/// A video whose header says that it has so many seconds.
pub fn video_of(app: &TestApp, seconds: Option<i32>) -> Uuid {
    let bytes: Vec<u8> = (0..100_000_u32).map(|at| at as u8).collect();
    let body = json!({"kind": "video", "media_type": "video/mp4", "bytes": bytes.len(), "duration_seconds": seconds});
    content(app, "video", &body, Some((&bytes, "video/mp4")))
}

/// A package of SCORM 1.2 with these items, whose files are `index.html`, deflated, and `film.mp4`, stored.
pub fn package(app: &TestApp, items: &[&str]) -> Uuid {
    let html = "<html>".to_owned() + &"Fire doors stay shut. ".repeat(400);
    let film: Vec<u8> = (0..9_000_u32).map(|at| (at / 7) as u8).collect();
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
    deflated.write_all(html.as_bytes()).unwrap();
    let deflated = deflated.finish().unwrap();
    let archive = [b"in front".as_slice(), &deflated, &film].concat();
    let items: Vec<Value> = items
        .iter()
        .map(|id| {
            json!({"id": id, "title": id, "href": "index.html?of=1", "path": "index.html", "scorm_type": "sco",
                "is_visible": true})
        })
        .collect();
    let manifest = json!({"standard": "scorm_1_2", "schema_version": "1.2", "identifier": "m", "title": "Fire",
        "items": items});
    let body = json!({"kind": "package", "manifest": manifest, "files": 2, "bytes": html.len() + film.len()});
    let version = content(app, "package", &body, Some((&archive, "application/zip")));
    let mut crc = flate2::Crc::new();
    crc.update(html.as_bytes());
    let files = [
        (
            "index.html",
            8,
            deflated.len(),
            "deflated",
            crc.sum(),
            html.len(),
            "text/html",
        ),
        (
            "film.mp4",
            8 + deflated.len(),
            film.len(),
            "stored",
            0,
            film.len(),
            "video/mp4",
        ),
        // As an archive may name it: nothing of this is an escape.
        (
            "50% off/a%20b+c%25.html",
            8,
            deflated.len(),
            "deflated",
            crc.sum(),
            html.len(),
            "text/html",
        ),
    ];
    app.write(|tx| {
        for (path, position, compressed, method, crc32, bytes, media_type) in files {
            sql!(
                "INSERT INTO content_files (content_version_id, path, position, compressed, method, crc32, bytes,
                    media_type)
                 VALUES ({version}, {path}, {position}, {compressed}, {method}, {crc32}, {bytes}, {media_type})",
                position = position as i64,
                compressed = compressed as i64,
                crc32 = i64::from(crc32),
                bytes = bytes as i64,
            )
            .execute(tx.conn)?;
        }
        Ok(())
    });
    version
}
