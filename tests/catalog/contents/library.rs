use provost::authz::Permission::{ContentsRead, ContentsWrite, CoursesRead};
use serde_json::{Value, json};

use super::{
    super::{codes, create_category, encoded, publish},
    add_version, create_content, create_course_of, create_page,
};
use crate::support::TestApp;

#[actix_web::test]
async fn contents_are_added_found_changed_and_archived() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let safety = create_category(&admin, "safety").await;
    let doors =
        json!({"category_id": safety.id(), "tags": ["Fire", " fire ", "Doors"], "title": "Fire doors"});
    let doors = create_content(&admin, "fire-doors", "page", doors).await;
    create_content(&admin, "kitchen", "link", json!({"language": "pt"})).await;
    assert_eq!(
        (doors.at("/tags"), doors.at("/version")),
        (json!(["doors", "fire"]), json!(1))
    );
    assert_eq!(doors.at("/owner_id"), json!(app.admin_id()));
    assert_eq!(doors.at("/current_version_id"), Value::Null);

    for (filter, found) in [
        ("category eq \"SAFETY\"", vec!["fire-doors"]),
        ("tags eq \"doors\"", vec!["fire-doors"]),
        ("kind eq \"link\" and language eq \"pt\"", vec!["kitchen"]),
        ("current_version_number pr", vec![]),
    ] {
        let list = admin
            .get(&format!("/v1/contents?filter={}", encoded(filter)))
            .await
            .assert_status(200);
        assert_eq!(codes(&list), found, "{filter}");
    }
    for q in ["fire do", "fire-doors", "doors"] {
        let list = admin
            .get(&format!("/v1/contents?q={}", encoded(q)))
            .await
            .assert_status(200);
        assert_eq!(codes(&list), ["fire-doors"], "{q}");
    }
    let shown = admin
        .get(&format!("/v1/contents/{}?expand=category,owner", doors.id()))
        .await
        .assert_status(200);
    assert_eq!(shown.at("/category/code"), "safety");
    assert_eq!(shown.at("/owner/id"), doors.at("/owner_id"));
    let csv = admin
        .get("/v1/contents?format=csv&sort=code")
        .await
        .assert_status(200)
        .text();
    let line = csv.lines().nth(1).unwrap();
    assert!(line.contains("fire-doors,page,Fire doors,en,safety"), "{csv}");

    let path = format!("/v1/contents/{}", doors.id());
    let changed = admin
        .patch(&path, json!({"title": "Doors", "owner_id": null}))
        .await
        .assert_status(200);
    assert_eq!(
        (changed.at("/title"), changed.at("/owner_id")),
        (json!("Doors"), Value::Null)
    );
    admin
        .patch(&path, json!({"kind": "link"}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/kind");
    let wrong = json!({"code": "a b", "kind": "quiz", "title": " ", "language": "English"});
    admin
        .post("/v1/contents", wrong)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/code")
        .assert_fault("/kind")
        .assert_fault("/title")
        .assert_fault("/language");
    let taken = json!({"code": "FIRE-doors", "kind": "page", "title": "x", "language": "en"});
    admin
        .post("/v1/contents", taken)
        .await
        .assert_problem(409, "already_exists");
    let archival = format!("/v1/categories/{}/archival", safety.id());
    admin
        .post(&archival, json!({}))
        .await
        .assert_problem(409, "category_not_empty");

    let archival = format!("{path}/archival");
    admin.post(&archival, json!({})).await.assert_status(200);
    add_version(&admin, &doors, json!({"format": "html", "text": "x"}))
        .await
        .assert_problem(409, "conflict");
    admin.delete(&archival).await.assert_status(200);
}

#[actix_web::test]
async fn authors_write_in_their_category_and_see_what_belongs_to_all() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (mine, other) = (
        create_category(&admin, "mine").await,
        create_category(&admin, "other").await,
    );
    let in_mine = json!({"category_id": mine.id()});
    let foreign = create_content(&admin, "foreign", "page", json!({"category_id": other.id()})).await;
    let common = create_content(&admin, "common", "page", json!({})).await;
    let scope = Some(mine.id().parse().unwrap());
    let author = app.holding(&[ContentsRead, ContentsWrite], "category", scope);

    let own = create_content(&author, "own", "page", in_mine).await;
    add_version(&author, &own, json!({"format": "markdown", "text": "x"}))
        .await
        .assert_status(201);
    assert_eq!(
        codes(&author.get("/v1/contents?sort=code").await),
        ["common", "own"]
    );
    author
        .get(&format!("/v1/contents/{}/versions", foreign.id()))
        .await
        .assert_problem(404, "not_found");
    let text = json!({"format": "markdown", "text": "x"});
    add_version(&author, &foreign, text.clone())
        .await
        .assert_problem(404, "not_found");
    add_version(&author, &common, text)
        .await
        .assert_problem(403, "forbidden");
    let body = json!({"code": "new", "kind": "page", "title": "New", "language": "en"});
    author
        .post("/v1/contents", body)
        .await
        .assert_problem(403, "forbidden");
    author
        .patch(
            &format!("/v1/contents/{}", own.id()),
            json!({"category_id": null}),
        )
        .await
        .assert_problem(403, "forbidden");
    author
        .put("/v1/content-checks", json!({"checks": []}))
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn a_content_tells_where_it_is_used_and_is_not_archived_while_it_is() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (content, first) = create_page(&admin, "doors").await;
    let course = create_course_of(&admin, "FIRE", &[&first]).await;
    publish(&admin, &course).await.assert_status(201);
    let uses = format!("/v1/contents/{}/uses", content.id());
    let told = |uses: crate::support::Answer| {
        let rows = uses.at("/data").as_array().cloned().unwrap();
        let rows = rows.iter().map(|row| {
            json!([
                row["course_code"],
                row["course_version_number"],
                row["is_current"],
                row["content_version_number"],
                row["is_outdated"]
            ])
        });
        let mut rows: Vec<Value> = rows.collect();
        rows.sort_by_key(ToString::to_string);
        rows
    };
    let now = told(admin.get(&uses).await.assert_status(200));
    assert_eq!(
        now,
        [
            json!(["FIRE", 1, true, 1, false]),
            json!(["FIRE", null, false, 1, false])
        ]
    );
    let outdated = format!("/v1/courses?filter={}", encoded("uses_outdated_content eq true"));
    assert_eq!(codes(&admin.get(&outdated).await), Vec::<String>::new());

    let second = add_version(&admin, &content, json!({"format": "markdown", "text": "# New"}))
        .await
        .assert_status(201);
    assert_eq!(second.at("/number"), 2);
    let now = told(admin.get(&uses).await);
    assert_eq!(
        now,
        [
            json!(["FIRE", 1, true, 1, true]),
            json!(["FIRE", null, false, 1, true])
        ]
    );
    assert_eq!(codes(&admin.get(&outdated).await), ["FIRE"]);
    let drafts = encoded("course_version_number eq null and is_outdated eq true");
    assert_eq!(told(admin.get(&format!("{uses}?filter={drafts}")).await).len(), 1);

    let archival = format!("/v1/contents/{}/archival", content.id());
    let refused = admin
        .post(&archival, json!({}))
        .await
        .assert_problem(409, "content_in_use");
    assert!(
        refused.at("/detail").as_str().unwrap().contains("FIRE"),
        "{}",
        refused.text()
    );
    let outsider = app.holding(&[ContentsRead, ContentsWrite], "everything", None);
    let refused = outsider
        .post(&archival, json!({}))
        .await
        .assert_problem(409, "content_in_use");
    assert!(
        refused
            .at("/detail")
            .as_str()
            .unwrap()
            .contains("1 that you do not see"),
        "{}",
        refused.text()
    );
    let reader = app.holding(&[ContentsRead, CoursesRead], "self", None);
    assert_eq!(
        told(reader.get(&uses).await).len(),
        2,
        "what was published is seen by all"
    );

    let path = format!("/v1/courses/{}", course.id());
    let strange = json!([{"title": "x", "activities":
        [{"title": "y", "kind": "content", "content_version_id": uuid::Uuid::nil()}]}]);
    admin
        .patch(&path, json!({"modules": strange}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/modules/0/activities/0/content_version_id");
    admin
        .post(&format!("{path}/retirement"), json!({}))
        .await
        .assert_status(200);
    admin.post(&archival, json!({})).await.assert_status(200);
}

#[actix_web::test]
async fn a_draft_tells_later_versions_of_its_contents() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (content, first) = create_page(&admin, "doors").await;
    let (_, other) = create_page(&admin, "windows").await;
    let course = create_course_of(&admin, "FIRE", &[&first, &other]).await;
    let path = format!("/v1/courses/{}", course.id());
    let newer = |course: &crate::support::Answer| {
        [0, 1].map(|place| course.at(&format!("/modules/0/activities/{place}/newer_version")))
    };
    let known = admin.get(&path).await.assert_status(200);
    assert_eq!(newer(&known), [Value::Null, Value::Null]);

    add_version(&admin, &content, json!({"format": "markdown", "text": "# New"}))
        .await
        .assert_status(201);
    let etag = known.header("etag").unwrap().to_owned();
    let shown = admin
        .with("If-None-Match", &etag)
        .get(&path)
        .await
        .assert_status(200);
    assert_eq!(newer(&shown), [json!(2), Value::Null]);
    assert_eq!(shown.at("/version"), known.at("/version"));

    // What was read can be sent back, and is not kept.
    let outline = json!({"modules": shown.at("/modules")});
    let sent = admin
        .put(&format!("{path}/outline"), outline)
        .await
        .assert_status(200);
    assert_eq!(
        (newer(&sent), sent.at("/version")),
        ([Value::Null, Value::Null], known.at("/version"))
    );
    assert_eq!(newer(&admin.get(&path).await), [json!(2), Value::Null]);
}
