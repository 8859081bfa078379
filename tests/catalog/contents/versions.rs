use provost::authz::Permission::ContentsRead;
use serde_json::{Value, json};

use super::{add_version, create_content, create_course_of, upload};
use crate::support::{
    Answer, Client, TestApp, count,
    zips::{Entry, PAGE, manifest, manifest_of, package, zip},
};

/// Uploads a package as a new version, and answers the operation once it has ended.
async fn import(app: &TestApp, client: &Client, content: &Answer, archive: &[u8]) -> Answer {
    let id = upload(app, "course.zip", archive);
    let begun = add_version(client, content, json!({"upload_id": id, "note": "From the tool"}))
        .await
        .assert_status(202);
    app.run_jobs();
    client
        .get(begun.header("location").unwrap())
        .await
        .assert_status(200)
}

async fn version(client: &Client, content: &Answer, number: i32) -> Answer {
    client
        .get(&format!("/v1/contents/{}/versions/{number}", content.id()))
        .await
        .assert_status(200)
}

#[actix_web::test]
async fn a_package_is_read_and_becomes_the_current_version() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let content = create_content(&admin, "fire", "package", json!({})).await;
    let ended = import(&app, &admin, &content, &package("one")).await;
    assert_eq!(
        (ended.at("/status"), ended.at("/kind")),
        (json!("succeeded"), json!("contents.import"))
    );
    assert_eq!(
        (ended.at("/result/number"), ended.at("/result/files")),
        (json!(1), json!(4))
    );

    let first = version(&admin, &content, 1).await;
    assert_eq!(
        (first.at("/state"), first.at("/note")),
        (json!("ready"), json!("From the tool"))
    );
    assert_eq!(
        (first.at("/file_name"), first.at("/findings")),
        (json!("course.zip"), json!([]))
    );
    assert_eq!(first.at("/body/kind"), "package");
    assert_eq!(first.at("/body/manifest/items/0/mastery_score"), 80.0);
    let now = admin.get(&format!("/v1/contents/{}", content.id())).await;
    assert_eq!(
        (now.at("/current_version_id"), now.at("/version")),
        (first.at("/id"), json!(2))
    );
    let id = first.id().parse().unwrap();
    let file = app.write(move |tx| Ok(provost::catalog::contents::store::file(tx, id, "index.html")?));
    assert_eq!(file.map(|file| file.media_type).as_deref(), Some("text/html"));

    import(&app, &admin, &content, &package("two")).await;
    let refused = import(&app, &admin, &content, &zip(&[Entry::new("../evil", "x")])).await;
    assert_eq!(
        (refused.at("/status"), refused.at("/problem/code")),
        (json!("failed"), json!("package_refused"))
    );
    let detail = refused.at("/problem/detail").as_str().unwrap().to_owned();
    assert!(
        detail.contains("`../evil`") && detail.contains("leads out"),
        "{detail}"
    );
    let list = admin
        .get(&format!("/v1/contents/{}/versions?sort=number", content.id()))
        .await
        .assert_status(200);
    let states: Vec<Value> = (0..3).map(|row| list.at(&format!("/data/{row}/state"))).collect();
    assert_eq!(states, ["ready", "ready", "refused"]);
    assert_eq!(list.at("/data/2/errors"), 1);
    let third = version(&admin, &content, 3).await;
    assert_eq!(
        (third.at("/body"), third.at("/findings/0/path")),
        (Value::Null, json!("../evil"))
    );
    let now = admin.get(&format!("/v1/contents/{}", content.id())).await;
    assert_eq!(now.at("/current_version_number"), 2);
}

#[actix_web::test]
async fn findings_of_a_package_stand_with_its_version_and_contents_are_found_by_them() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let content = create_content(&admin, "silent", "package", json!({})).await;
    let silent = zip(&[
        Entry::new("imsmanifest.xml", manifest()),
        Entry::new("index.html", PAGE),
    ]);
    let ended = import(&app, &admin, &content, &silent).await;
    assert_eq!(
        (ended.at("/result/errors"), ended.at("/result/warnings")),
        (json!(1), json!(0))
    );
    let first = version(&admin, &content, 1).await;
    assert_eq!(
        (first.at("/findings/0/code"), first.at("/findings/0/severity")),
        (json!("no_completion"), json!("error"))
    );
    let filter = super::super::encoded("finding eq \"no_completion\"");
    let found = admin.get(&format!("/v1/contents?filter={filter}")).await;
    assert_eq!(super::super::codes(&found), ["silent"]);
}

#[actix_web::test]
async fn an_import_that_is_cancelled_or_dies_leaves_a_refused_version() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let content = create_content(&admin, "fire", "package", json!({})).await;
    let id = upload(&app, "course.zip", &package("one"));
    let begun = add_version(&admin, &content, json!({"upload_id": id}))
        .await
        .assert_status(202);
    admin
        .post(&format!("/v1/operations/{}/cancellation", begun.id()), json!({}))
        .await
        .assert_status(202);
    app.run_jobs();
    let ended = admin.get(&format!("/v1/operations/{}", begun.id())).await;
    assert_eq!(ended.at("/status"), "cancelled");
    assert_eq!(version(&admin, &content, 1).await.at("/state"), "refused");

    // Where two jobs read the same package, the second finds it read.
    let begun = add_version(&admin, &content, json!({"upload_id": id}))
        .await
        .assert_status(202);
    let version_id = version(&admin, &content, 2).await.id().parse().unwrap();
    app.write(move |tx| {
        tx.enqueue(&provost::catalog::contents::versions::import::ImportPackage {
            content_version_id: version_id,
            operation_id: None,
        })
    });
    app.run_jobs();
    let ended = admin.get(&format!("/v1/operations/{}", begun.id())).await;
    assert_eq!(ended.at("/status"), "succeeded");
    let now = admin.get(&format!("/v1/contents/{}", content.id())).await;
    assert_eq!(
        (now.at("/current_version_number"), now.at("/version")),
        (json!(2), json!(2))
    );
}

#[actix_web::test]
async fn a_page_shows_what_is_safe_and_keeps_what_was_sent() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let content = create_content(&admin, "page", "page", json!({})).await;
    let text = "# Doors\n\n<script>alert(1)</script>\n\n![](door.png)";
    let page = add_version(&admin, &content, json!({"format": "markdown", "text": text}))
        .await
        .assert_status(201);
    assert_eq!(page.at("/body/text"), text);
    let html = page.at("/body/html").as_str().unwrap().to_owned();
    assert!(
        html.contains("<h1>Doors</h1>") && !html.contains("script"),
        "{html}"
    );
    assert_eq!(page.at("/findings/0/code"), "alt_missing");
    let link = create_content(&admin, "link", "link", json!({})).await;
    let linked = add_version(&admin, &link, json!({"url": "https://example.com/a"}))
        .await
        .assert_status(201);
    assert_eq!(
        linked.at("/body"),
        json!({"kind": "link", "url": "https://example.com/a"})
    );
}

#[actix_web::test]
async fn a_video_has_tracks_as_web_vtt() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let content = create_content(&admin, "film", "video", json!({})).await;
    let film = upload(&app, "film.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom");
    let srt = upload(
        &app,
        "film.srt",
        b"1\n00:00:01,000 --> 00:00:02,000\nShut the door.\n",
    );
    let bare = add_version(&admin, &content, json!({"upload_id": film}))
        .await
        .assert_status(201);
    assert_eq!(
        (bare.at("/findings/0/code"), bare.at("/findings/0/wcag")),
        (json!("captions_missing"), json!("1.2.2"))
    );
    let track = json!({"language": "en", "kind": "captions", "upload_id": srt});
    let good = add_version(&admin, &content, json!({"upload_id": film, "tracks": [track]}))
        .await
        .assert_status(201);
    assert_eq!(
        (good.at("/findings"), good.at("/tracks/0/kind")),
        (json!([]), json!("captions"))
    );
    let vtt = "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nShut the door.\n";
    assert_eq!(
        good.at("/tracks/0/sha256"),
        json!(provost::files::Sha256::of(vtt.as_bytes()))
    );

    let wrong = upload(&app, "notes.txt", b"No cues at all");
    let tracks = json!([track, track, {"language": "pt", "kind": "captions", "upload_id": wrong}]);
    add_version(&admin, &content, json!({"upload_id": film, "tracks": tracks}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/tracks/1");
    let tracks = json!([{"language": "pt", "kind": "captions", "upload_id": wrong}]);
    add_version(&admin, &content, json!({"upload_id": film, "tracks": tracks}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/tracks/0/upload_id");
}

#[actix_web::test]
async fn what_does_not_fit_the_kind_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let text = upload(&app, "notes.txt", b"Only notes.");
    let html = upload(&app, "page.html", b"<!doctype html><script>alert(1)</script>");
    let pdf = upload(&app, "leaflet.pdf", b"%PDF-1.4 1 0 obj <</Type/Catalog>>");
    for (kind, body, fault) in [
        ("package", json!({"upload_id": text}), "/upload_id"),
        ("video", json!({"upload_id": text}), "/upload_id"),
        ("file", json!({"upload_id": html}), "/upload_id"),
        ("file", json!({}), "/upload_id"),
        (
            "file",
            json!({"upload_id": text, "url": "https://example.com"}),
            "/url",
        ),
        ("file", json!({"upload_id": uuid::Uuid::now_v7()}), "/upload_id"),
        ("page", json!({"text": "x"}), "/format"),
        ("page", json!({"format": "markdown"}), "/text"),
        ("link", json!({"url": "javascript:alert(1)"}), "/url"),
        ("link", json!({}), "/url"),
        (
            "page",
            json!({"format": "markdown", "text": "x", "tracks": [{"language": "en", "kind": "captions", "upload_id": text}]}),
            "/tracks",
        ),
    ] {
        let content = create_content(&admin, &uuid::Uuid::now_v7().to_string(), kind, json!({})).await;
        let refused = add_version(&admin, &content, body.clone()).await;
        assert_eq!(refused.status, 422, "{kind} {body}: {}", refused.text());
        refused.assert_fault(fault);
    }
    let content = create_content(&admin, "leaflet", "file", json!({})).await;
    let file = add_version(&admin, &content, json!({"upload_id": pdf}))
        .await
        .assert_status(201);
    assert_eq!(file.at("/body/media_type"), "application/pdf");
    assert_eq!(file.at("/findings/0/code"), "pdf_untagged");
    let downloads = format!("/v1/contents/{}/versions/1/downloads", content.id());
    let download = admin.post(&downloads, json!({})).await.assert_status(201);
    assert!(
        download.at("/url").as_str().unwrap().ends_with("/leaflet.pdf"),
        "{}",
        download.text()
    );
    let page = super::create_page(&admin, "page").await.0;
    let downloads = format!("/v1/contents/{}/versions/1/downloads", page.id());
    admin
        .post(&downloads, json!({}))
        .await
        .assert_problem(409, "conflict");
}

#[actix_web::test]
async fn a_large_manifest_is_kept_whole() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let content = create_content(&admin, "large", "package", json!({})).await;
    let items: String = (0..2_000)
        .map(|n| format!("<item identifier=\"i{n}\" identifierref=\"r1\"><title>Part {n}</title></item>"))
        .collect();
    let resource = r#"<resource identifier="r1" adlcp:scormtype="asset" href="index.html"/>"#;
    let archive = zip(&[
        Entry::new("imsmanifest.xml", manifest_of("1.2", &items, resource)),
        Entry::new("index.html", PAGE),
    ]);
    import(&app, &admin, &content, &archive).await;
    assert_eq!(
        version(&admin, &content, 1)
            .await
            .at("/body/manifest/items/1999/title"),
        "Part 1999"
    );
}

#[actix_web::test]
async fn a_version_that_no_course_used_is_deleted_with_its_bytes() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let content = create_content(&admin, "fire", "package", json!({})).await;
    import(&app, &admin, &content, &package("one")).await;
    import(&app, &admin, &content, &package("two")).await;
    let path = |number: i32| format!("/v1/contents/{}/versions/{number}", content.id());
    let first = version(&admin, &content, 1).await;
    let course = create_course_of(&admin, "FIRE", &[&first.id()]).await;
    let refused = admin.delete(&path(1)).await.assert_problem(409, "content_in_use");
    assert!(
        refused.at("/detail").as_str().unwrap().contains("FIRE"),
        "{}",
        refused.text()
    );

    admin
        .with("if-match", "\"1\"")
        .delete(&path(2))
        .await
        .assert_problem(412, "precondition_failed");
    let reader = app.holding(&[ContentsRead], "everything", None);
    reader.delete(&path(2)).await.assert_problem(403, "forbidden");
    admin.delete(&path(2)).await.assert_status(204);
    let deleted = version(&admin, &content, 2).await;
    assert_eq!(
        (deleted.at("/state"), deleted.at("/body"), deleted.at("/sha256")),
        (json!("deleted"), Value::Null, Value::Null)
    );
    let now = admin.get(&format!("/v1/contents/{}", content.id())).await;
    assert_eq!(now.at("/current_version_number"), 1);
    admin.delete(&path(2)).await.assert_status(204);
    admin
        .post(&format!("{}/downloads", path(2)), json!({}))
        .await
        .assert_problem(409, "conflict");
    let outline = json!({"modules": [{"title": "All", "activities":
        [{"title": "Two", "kind": "content", "content_version_id": deleted.id()}]}]});
    admin
        .patch(&format!("/v1/courses/{}", course.id()), outline)
        .await
        .assert_problem(422, "validation_failed");

    // The last one gone, the content is as it was before its first.
    let empty = json!({"modules": []});
    admin
        .patch(&format!("/v1/courses/{}", course.id()), empty)
        .await
        .assert_status(200);
    admin.delete(&path(1)).await.assert_status(204);
    let now = admin.get(&format!("/v1/contents/{}", content.id())).await;
    assert_eq!(now.at("/current_version_id"), Value::Null);
    let kept = "SELECT (SELECT count(*) FROM content_files) + (SELECT count(*) FROM content_versions WHERE sha256 IS NOT NULL) AS count";
    assert_eq!(count(&app, kept), 0);
    let third = import(&app, &admin, &content, &package("one")).await;
    assert_eq!(third.at("/result/number"), 3);
}
