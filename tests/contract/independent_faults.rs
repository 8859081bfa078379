//! Faults that have nothing to do with each other are told together.

use awc::http::Method;
use serde_json::{Value, json};

use super::{all_at_once::pointers, faults::faults};
use crate::support::{Client, TestApp};

const NOBODY: &str = "0199d1c2-7e5b-7cc0-8f3a-5d1f0a6b7c8d";

async fn add(admin: &Client, path: &str, body: Value) -> String {
    admin.post(path, body).await.assert_status(201).id()
}

async fn person(admin: &Client, name: &str) -> String {
    let body = json!({"username": name, "given_name": "A", "family_name": "B"});
    add(admin, "/v1/users", body).await
}

#[actix_web::test]
async fn each_fault_of_a_new_thing_is_told_whatever_else_is_wrong() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let user = person(&admin, "ana").await;
    let group = add(&admin, "/v1/groups", json!({"code": "g", "name": "G"})).await;
    let members = format!("/v1/groups/{group}/members");
    let link = |title: &str| json!({"title": title, "kind": "link"});
    let modules = json!([
        {"title": "M", "activities": [link("A"), {"title": "B", "kind": "nope"}, link("C"), link("")]},
        {"title": 5},
    ]);
    for (path, body, expected) in [
        (
            "/v1/rules",
            json!({"code": "r", "name": "R", "audience": "title pr", "due": {"kind": "x"}, "course_ids": [NOBODY, "x"]}),
            &["/course_ids/0", "/course_ids/1", "/due/kind"][..],
        ),
        (
            "/v1/courses",
            json!({"code": "C", "title": "C", "language": "en", "modules": modules}),
            &[
                "/modules/0/activities/0/url",
                "/modules/0/activities/1/kind",
                "/modules/0/activities/2/url",
                "/modules/0/activities/3/title",
                "/modules/0/activities/3/url",
                "/modules/1/title",
            ],
        ),
        (
            &members,
            json!({"add": [user, NOBODY, "x"], "remove": [user]}),
            &["/add/0", "/add/1", "/add/2"],
        ),
        (
            "/v1/attribute-definitions",
            json!({"name": "shift", "label": "Shift", "kind": "string", "allowed_values": ["", 5]}),
            &["/allowed_values/0", "/allowed_values/1"],
        ),
        (
            "/v1/groups",
            json!({"code": "h", "name": "H", "kind": "dinamic", "filter": "shoe_size eq 43"}),
            &["/filter", "/kind"],
        ),
        (
            "/v1/groups",
            json!({"code": "h", "name": "H", "kind": "static", "filter": "shoe_size eq 43"}),
            &["/filter"],
        ),
        (
            "/v1/import-profiles",
            json!({"code": "p", "name": "P", "resource": "planets", "mapping": {
                "format": {"encoding": "klingon"}, "date_formats": ["%Q"], "key": {"source": "hr", "value": {}},
                "fields": {"username": {"column": "u", "constant": "u"}},
            }}),
            &[
                "/mapping/date_formats/0",
                "/mapping/fields/username",
                "/mapping/format/encoding",
                "/mapping/key/value",
                "/resource",
            ],
        ),
    ] {
        let answer = admin.post(path, body).await;
        let answer = answer.assert_problem(422, "validation_failed");
        assert_eq!(pointers(&answer), expected, "{path} {}", answer.text());
    }
}

#[actix_web::test]
async fn each_fault_of_a_change_is_told_whatever_else_is_wrong() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    add(&admin, "/v1/org-units", json!({"code": "taken", "name": "T"})).await;
    let unit = add(&admin, "/v1/org-units", json!({"code": "other", "name": "O"})).await;
    let below = json!({"code": "below", "name": "B", "parent_id": unit});
    let below = add(&admin, "/v1/org-units", below).await;
    for parent in [&unit, &below] {
        let answer = admin
            .patch(
                &format!("/v1/org-units/{unit}"),
                json!({"code": "taken", "parent_id": parent}),
            )
            .await;
        let answer = answer.assert_problem(422, "validation_failed");
        assert_eq!(pointers(&answer), ["/code", "/parent_id"]);
    }
    let user = person(&admin, "ana").await;
    let body = json!({"password": "password123", "must_change": "x"});
    let answer = admin
        .with("If-Match", "*")
        .send(
            Method::PUT,
            &format!("/v1/users/{user}/password"),
            Some(body.to_string().into()),
            "application/json",
        )
        .await;
    assert_eq!(
        pointers(&answer.assert_problem(422, "validation_failed")),
        ["/must_change", "/password"]
    );
}

#[actix_web::test]
async fn parameters_that_name_nothing_are_told_beside_others() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let path = "/v1/imports?profile=nope&zz=1";
    let answer = admin
        .send(Method::POST, path, Some(b"a".to_vec()), "text/csv")
        .await;
    let answer = answer.assert_problem(400, "invalid_parameter");
    assert_eq!(pointers(&answer), ["?profile", "?zz"]);
    for report in ["compliance", "overdue"] {
        let path = format!("/v1/reports/{report}?course_id={NOBODY}&org_unit_id={NOBODY}");
        let answer = admin.get(&path).await.assert_problem(400, "invalid_parameter");
        assert_eq!(pointers(&answer), ["?course_id", "?org_unit_id"], "{report}");
    }
}

#[actix_web::test]
async fn an_answer_that_does_not_name_all_faults_says_so() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let more = "these are the first.";
    for (count, is_cut) in [(100, false), (101, true), (300, true)] {
        let permissions: Vec<_> = (0..count).map(|_| json!(1)).collect();
        let body = json!({"code": "r", "name": "R", "permissions": permissions});
        let answer = admin
            .post("/v1/roles", body)
            .await
            .assert_problem(422, "validation_failed");
        assert_eq!(faults(&answer).len(), 100);
        let detail = answer.at("/detail");
        assert_eq!(detail.as_str().unwrap().ends_with(more), is_cut, "{detail}");
    }
}

#[actix_web::test]
async fn a_key_of_another_request_is_told_before_the_faults_of_a_body() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let once = admin.with("Idempotency-Key", "k");
    let faulty = json!({"code": "g", "name": 5});
    // A body with faults claims no key, however often it comes.
    for _ in 0..2 {
        let answer = once.post("/v1/groups", faulty.clone()).await;
        assert_eq!(
            pointers(&answer.assert_problem(422, "validation_failed")),
            ["/name"]
        );
    }
    add(&once, "/v1/groups", json!({"code": "g", "name": "G"})).await;
    let many: Vec<_> = (0..200).map(|_| json!(1)).collect();
    for (path, body) in [
        ("/v1/groups", faulty),
        (
            "/v1/roles",
            json!({"code": "r", "name": "R", "permissions": many}),
        ),
        ("/v1/users/bulk", json!({"rows": []})),
        ("/v1/users/bulk", json!([])),
    ] {
        let answer = once.post(path, body).await;
        answer.assert_problem(422, "idempotency_mismatch");
    }
}
