use serde_json::json;
use uuid::Uuid;

use super::{codes, course, create_category, create_course, encoded, publish};
use crate::support::TestApp;

#[actix_web::test]
async fn a_course_is_added_read_and_changed() {
    let app = TestApp::start().await;
    let admin = app.admin().await;

    let more = json!({"tags": [" Fire ", "safety", "FIRE", "first  aid"], "validity_period": "P12M", "credits": 1.5,
        "level": "introductory", "duration_minutes": 90.0});
    let created = create_course(&admin, "FIRE-101", "Fire safety", more).await;
    let path = format!("/v1/courses/{}", created.id());
    assert_eq!(created.header("location"), Some(path.as_str()));
    assert_eq!(
        (
            created.at("/status"),
            created.at("/tags"),
            created.at("/validity_period")
        ),
        (
            json!("draft"),
            json!(["fire", "first aid", "safety"]),
            json!("P1Y")
        )
    );

    let changed = admin
        .patch(
            &path,
            json!({"validity_period": null, "tags": ["B", "a"], "credits": null}),
        )
        .await
        .assert_status(200);
    assert_eq!(
        (
            changed.at("/validity_period"),
            changed.at("/tags"),
            changed.at("/credits"),
            changed.at("/title")
        ),
        (json!(null), json!(["a", "b"]), json!(null), json!("Fire safety"))
    );

    let known = changed.header("etag").unwrap_or_default();
    admin
        .with("If-None-Match", known)
        .get(&path)
        .await
        .assert_status(304);
    admin
        .with("If-Match", "\"1\"")
        .patch(&path, json!({"title": "Late"}))
        .await
        .assert_problem(412, "precondition_failed");
}

#[actix_web::test]
async fn a_bad_course_names_all_its_faults_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;

    let bad = json!({"code": "a b", "title": " ", "language": "English", "level": "hard", "duration_minutes": 0,
        "credits": -1, "validity_period": "1 year", "tags": [""], "modules": [{"title": "M", "activities":
        [{"title": "A", "kind": "game", "url": "ftp://x", "colour": 1}]}]});
    let answer = admin
        .post("/v1/courses", bad)
        .await
        .assert_problem(422, "validation_failed");
    for pointer in [
        "/code",
        "/title",
        "/language",
        "/level",
        "/duration_minutes",
        "/credits",
        "/validity_period",
        "/tags/0",
        "/modules/0/activities/0/kind",
        "/modules/0/activities/0/url",
        "/modules/0/activities/0/colour",
    ] {
        answer.clone().assert_fault(pointer);
    }
    for (more, pointer) in [
        (json!({"validity_period": "P0D"}), "/validity_period"),
        (json!({"validity_period": "P9999Y"}), "/validity_period"),
        (json!({"category_id": Uuid::now_v7()}), "/category_id"),
        (
            json!({"modules": [{"title": "M", "activities": [{"title": "A", "kind": "link"}]}]}),
            "/modules/0/activities/0/url",
        ),
    ] {
        admin
            .post("/v1/courses", course("X", "X", more))
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault(pointer);
    }
    create_course(&admin, "X", "X", json!({})).await;
    admin
        .post("/v1/courses", course("X", "X", json!({})))
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/code");
    let path = format!("/v1/courses/{}", Uuid::now_v7());
    admin.get(&path).await.assert_problem(404, "not_found");
    admin
        .patch(&path, json!({"title": "Y"}))
        .await
        .assert_problem(404, "not_found");
}

#[actix_web::test]
async fn courses_are_filtered_and_sorted() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let category = create_category(&admin, "safety").await;
    let fire =
        json!({"category_id": category.id(), "tags": ["fire"], "duration_minutes": 30, "level": "advanced"});
    let fire = create_course(&admin, "A", "Fire", fire).await;
    create_course(
        &admin,
        "B",
        "Brot backen",
        json!({"language": "de", "provider": "ACME"}),
    )
    .await;
    create_course(&admin, "C", "Cycling", json!({"credits": 2.5})).await;
    publish(&admin, &fire).await.assert_status(201);

    for (filter, expected) in [
        ("category eq \"safety\"", vec!["A"]),
        ("tags eq \"FIRE\"", vec!["A"]),
        ("tags pr and level eq \"advanced\"", vec!["A"]),
        ("status eq \"draft\" and not (provider eq \"acme\")", vec!["C"]),
        ("language eq \"de\"", vec!["B"]),
        ("credits gt 2", vec!["C"]),
        ("published_at pr", vec!["A"]),
        ("published_at gt \"-P1D\" and duration_minutes le 30", vec!["A"]),
    ] {
        let found = admin
            .get(&format!("/v1/courses?filter={}", encoded(filter)))
            .await
            .assert_status(200);
        assert_eq!(codes(&found), expected, "{filter}");
    }
    for (sort, expected) in [
        ("title", ["B", "C", "A"]),
        ("-code", ["C", "B", "A"]),
        ("created_at", ["A", "B", "C"]),
        ("-updated_at", ["A", "C", "B"]),
    ] {
        let sorted = admin.get(&format!("/v1/courses?sort={sort}")).await;
        assert_eq!(codes(&sorted), expected, "{sort}");
    }
    admin
        .get("/v1/courses?sort=relevance")
        .await
        .assert_problem(400, "invalid_parameter")
        .assert_fault("?sort");
}

#[actix_web::test]
async fn a_clone_is_a_draft_of_the_same_content() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = create_course(
        &admin,
        "FIRE",
        "Fire",
        json!({"tags": ["fire"], "validity_period": "P6M"}),
    )
    .await;
    publish(&admin, &course).await.assert_status(201);
    let clones = format!("/v1/courses/{}/clones", course.id());

    let copy = admin
        .post(&clones, json!({"code": "FIRE-2", "title": "Fire again"}))
        .await
        .assert_status(201);

    assert_ne!(copy.id(), course.id());
    assert_eq!(
        (
            copy.at("/status"),
            copy.at("/current_version_id"),
            copy.at("/title")
        ),
        (json!("draft"), json!(null), json!("Fire again"))
    );
    for same in ["/tags", "/validity_period", "/modules", "/language"] {
        assert_eq!(copy.at(same), course.at(same), "{same}");
    }
    admin
        .post(&clones, json!({"code": "FIRE"}))
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/code");
}

#[actix_web::test]
async fn another_systems_key_stands_for_a_courses_id() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = create_course(&admin, "FIRE", "Fire", json!({})).await;
    let other = create_course(&admin, "ICE", "Ice", json!({})).await;
    let keys = format!("/v1/courses/{}/external-keys", course.id());
    let key = json!({"source": "shop", "key": "7"});

    admin.post(&keys, key.clone()).await.assert_status(201);

    let found = admin.get("/v1/courses/ext:shop:7").await.assert_status(200);
    assert_eq!(found.id(), course.id());
    assert_eq!(admin.get(&keys).await.at("/data"), json!([key]));
    admin
        .post(&format!("/v1/courses/{}/external-keys", other.id()), key)
        .await
        .assert_problem(409, "already_exists");
    admin
        .post(&keys, json!({"source": "a:b", "key": ""}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/source");
    let any = admin.with("If-Match", "*");
    any.delete(&format!("{keys}/shop/7")).await.assert_status(204);
    any.delete(&format!("{keys}/shop/7"))
        .await
        .assert_problem(404, "not_found");
    admin
        .get("/v1/courses/ext:shop:7")
        .await
        .assert_problem(404, "not_found");
}
