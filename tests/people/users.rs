use serde_json::json;

use crate::support::TestApp;

#[actix_web::test]
async fn a_person_is_added_read_and_changed() {
    let app = TestApp::start().await;
    let admin = app.admin().await;

    let created = admin
        .post("/v1/users", json!({"username": "ana", "given_name": "Ana", "family_name": "Silva", "email": "ana@example.com"}))
        .await
        .assert_status(201);
    let path = format!("/v1/users/{}", created.id());
    assert_eq!(created.header("location"), Some(path.as_str()));

    let changed = admin
        .patch(&path, json!({"email": null, "title": "Nurse"}))
        .await
        .assert_status(200);
    assert_eq!(
        (changed.at("/email"), changed.at("/title"), changed.at("/version")),
        (json!(null), json!("Nurse"), json!(2))
    );
}

#[actix_web::test]
async fn a_bad_body_names_all_its_faults_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;

    let answer = admin
        .post(
            "/v1/users",
            json!({"username": "", "email": "nobody", "hired_on": 3, "shoe_size": 44, "given_name": "A"}),
        )
        .await;

    let answer = answer.assert_problem(422, "validation_failed");
    for pointer in ["/username", "/email", "/hired_on", "/shoe_size", "/family_name"] {
        answer.clone().assert_fault(pointer);
    }
}

#[actix_web::test]
async fn a_stale_etag_is_refused_and_a_missing_one_asked_for() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let user = admin
        .post(
            "/v1/users",
            json!({"username": "ana", "given_name": "Ana", "family_name": "Silva"}),
        )
        .await;
    let path = format!("/v1/users/{}", user.id());

    admin
        .patch(&path, json!({"title": "Nurse"}))
        .await
        .assert_status(200);

    admin
        .with("If-Match", "\"1\"")
        .patch(&path, json!({"title": "Doctor"}))
        .await
        .assert_problem(412, "precondition_failed");
    let bare = admin
        .send(
            awc::http::Method::PATCH,
            &path,
            Some(b"{}".to_vec()),
            "application/json",
        )
        .await;
    bare.assert_problem(428, "precondition_required");
}

#[actix_web::test]
async fn the_same_idempotency_key_gives_the_same_answer_and_another_body_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await.with("Idempotency-Key", "key-1");
    let body = json!({"username": "ana", "given_name": "Ana", "family_name": "Silva"});

    let first = admin.post("/v1/users", body.clone()).await.assert_status(201);
    let second = admin.post("/v1/users", body).await.assert_status(201);
    assert_eq!(
        (first.json(), second.header("idempotency-replayed")),
        (second.json(), Some("true"))
    );

    let other = json!({"username": "bea", "given_name": "Bea", "family_name": "Silva"});
    admin
        .post("/v1/users", other)
        .await
        .assert_problem(422, "idempotency_mismatch");
}

#[actix_web::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for n in 0..5 {
        let body = json!({"username": format!("u{n}"), "given_name": "U", "family_name": "Same"});
        admin.post("/v1/users", body).await.assert_status(201);
    }

    let mut names = Vec::new();
    let mut path = "/v1/users?limit=2&sort=-family_name".to_owned();
    loop {
        let page = admin.get(&path).await.assert_status(200);
        names.extend(
            page.at("/data")
                .as_array()
                .unwrap()
                .iter()
                .map(|user| user["username"].as_str().unwrap().to_owned()),
        );
        let Some(link) = page.header("link") else { break };
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }

    names.sort();
    assert_eq!(names, ["admin", "u0", "u1", "u2", "u3", "u4"]);
}

#[actix_web::test]
async fn a_taken_username_is_a_conflict_that_names_the_field() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let body = json!({"username": "Admin", "given_name": "A", "family_name": "B"});

    admin
        .post("/v1/users", body)
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/username");
}

#[actix_web::test]
async fn a_filter_picks_people_and_a_bad_one_points_at_the_character() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (name, title) in [("ana", "Nurse"), ("bea", "Doctor")] {
        let body = json!({"username": name, "given_name": name, "family_name": "Silva", "title": title});
        admin.post("/v1/users", body).await.assert_status(201);
    }

    let found = admin
        .get("/v1/users?filter=title%20eq%20%22nurse%22")
        .await
        .assert_status(200);
    assert_eq!(
        (found.at("/data/0/username"), found.at("/data/1")),
        (json!("ana"), json!(null))
    );

    let bad = admin
        .get("/v1/users?filter=title%20is%20%22nurse%22")
        .await
        .assert_problem(400, "invalid_filter");
    assert!(
        bad.at("/errors/0/detail")
            .as_str()
            .unwrap()
            .contains("character 6"),
        "{}",
        bad.text()
    );
}
