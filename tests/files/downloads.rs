//! Downloads from the content listener.

use awc::http::Method;
use chrono::TimeDelta;
use provost::{
    app::Acting,
    files::{self, Download, Sha256, address::Addresses},
};
use uuid::Uuid;

use super::sample;
use crate::support::{Answer, Client, TestApp};

/// Uploads a file; answers an address to download it.
async fn download(app: &TestApp, bytes: &[u8], name: &str, is_inline: bool) -> Download {
    let admin = app.admin().await;
    let put = admin
        .send(Method::PUT, "/v1/uploads?file_name=x", Some(bytes.to_vec()), "")
        .await
        .assert_status(201);
    let media_type = put.at("/media_type");
    app.app
        .read_blocking(&Acting::system("test"), |tx| {
            files::download(
                tx,
                Uuid::nil(),
                &Sha256::of(bytes),
                name,
                media_type.as_str().unwrap(),
                is_inline,
            )
        })
        .unwrap()
}

async fn get(app: &TestApp, url: &str, headers: &[(&str, &str)]) -> Answer {
    let client = headers
        .iter()
        .fold(app.anonymous(), |client: Client, (name, value)| {
            client.with(name, value)
        });
    client.get(url).await
}

#[actix_web::test]
async fn a_file_is_served_whole_in_ranges_and_not_again() {
    let app = TestApp::start().await;
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(sample((2 << 20) + 5));
    let Download { url, .. } = download(&app, &file, "Plan \u{fc}ber 1/2.png", true).await;
    assert!(url.starts_with(&format!("{}/f/", app.content_url)), "{url}");
    let etag = format!("\"{}\"", Sha256::of(&file));

    let whole = get(&app, &url, &[]).await.assert_status(200);
    assert!(whole.bytes == file);
    for (name, value) in [
        ("content-type", "image/png"),
        ("etag", &etag),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, immutable, max-age=3600"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(whole.header(name), Some(value), "{name}");
    }
    assert!(
        whole
            .header("content-security-policy")
            .unwrap()
            .starts_with("sandbox; default-src 'none'")
    );
    let disposition = whole.header("content-disposition").unwrap();
    assert!(disposition.starts_with("inline; filename="), "{disposition}");
    assert!(
        disposition.contains("filename*=UTF-8''Plan%20%C3%BCber"),
        "{disposition}"
    );

    let part = get(&app, &url, &[("Range", "bytes=1048570-1048590")])
        .await
        .assert_status(206);
    assert!(part.bytes == file[1_048_570..=1_048_590]);
    let range = format!("bytes 1048570-1048590/{}", file.len());
    assert_eq!(part.header("content-range"), Some(&*range));
    let last = get(&app, &url, &[("Range", "bytes=-3"), ("If-Range", &etag)])
        .await
        .assert_status(206);
    assert!(last.bytes == file[file.len() - 3..]);
    get(&app, &url, &[("Range", "bytes=-3"), ("If-Range", "\"other\"")])
        .await
        .assert_status(200);
    let beyond = get(&app, &url, &[("Range", "bytes=99999999-")])
        .await
        .assert_status(416);
    assert_eq!(
        beyond.header("content-range"),
        Some(&*format!("bytes */{}", file.len()))
    );
    let known = get(&app, &url, &[("If-None-Match", &etag)])
        .await
        .assert_status(304);
    assert_eq!((known.bytes.len(), known.header("etag")), (0, Some(&*etag)));

    let head = app
        .anonymous()
        .send(Method::HEAD, &url, None, "")
        .await
        .assert_status(200);
    assert_eq!(head.header("content-length"), Some(&*file.len().to_string()));
}

#[actix_web::test]
async fn an_address_is_the_permission_until_it_expires() {
    let app = TestApp::start().await;
    let given = download(&app, b"a note", "note.txt", true).await;
    get(&app, &given.url, &[]).await.assert_status(200);
    // No token is asked for, on whichever node.
    let left = given.expires_at - app.app.clock.now();
    assert!(
        left > TimeDelta::minutes(50) && left <= TimeDelta::hours(1),
        "{left}"
    );

    let other = given.url.replace("/f/", "/f/A");
    get(&app, &other, &[]).await.assert_problem(404, "not_found");
    get(&app, &app.content_url, &[])
        .await
        .assert_problem(404, "not_found");
    get(&app, &given.url, &[("Service-Worker", "script")])
        .await
        .assert_problem(403, "forbidden");
    get(&app, &format!("{}/healthz", app.content_url), &[])
        .await
        .assert_status(200);
    get(&app, &format!("{}/v1/me", app.content_url), &[])
        .await
        .assert_problem(404, "not_found");
    // The API's own origin serves no content.
    let of_api = given.url.replace(&app.content_url, &app.address);
    get(&app, &of_api, &[]).await.assert_problem(404, "not_found");

    app.app.clock.advance(TimeDelta::hours(1));
    get(&app, &given.url, &[]).await.assert_problem(404, "not_found");
}

#[actix_web::test]
async fn only_harmless_files_are_shown_by_browsers() {
    let app = TestApp::start().await;
    for (bytes, media_type, is_shown) in [
        (&b"%PDF-1.7\n"[..], "application/pdf", true),
        (b"just text", "text/plain; charset=utf-8", true),
        (
            b"<!doctype html><script>alert(1)</script>",
            "text/html; charset=utf-8",
            false,
        ),
        (
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "image/svg+xml",
            false,
        ),
        (b"PK\x03\x04\x14\x00", "application/zip", false),
    ] {
        let Download { url, .. } = download(&app, bytes, "x", true).await;
        let answer = get(&app, &url, &[]).await.assert_status(200);
        assert_eq!(answer.header("content-type"), Some(media_type));
        let disposition = answer.header("content-disposition").unwrap();
        let expected = if is_shown { "inline" } else { "attachment" };
        assert!(disposition.starts_with(expected), "{media_type}: {disposition}");
        let policy = answer.header("content-security-policy").unwrap();
        assert_eq!(
            policy.starts_with("sandbox;"),
            media_type != "application/pdf",
            "{policy}"
        );

        let Download { url, .. } = download(&app, bytes, "x", false).await;
        let answer = get(&app, &url, &[]).await;
        assert!(
            answer
                .header("content-disposition")
                .unwrap()
                .starts_with("attachment")
        );
    }
}

#[actix_web::test]
async fn a_signed_address_that_says_no_file_is_not_found() {
    let app = TestApp::start().await;
    let expires = app.app.clock.now() + TimeDelta::hours(1);
    for payload in [&b""[..], b"short", &[0; 40]] {
        let segment = app.app.part::<Addresses>().sign("file", payload, expires);
        let url = format!("{}/f/{segment}/x", app.content_url);
        get(&app, &url, &[]).await.assert_problem(404, "not_found");
    }
}
