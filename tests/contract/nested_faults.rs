//! A fault deep inside a body hides no other one, and makes none.

use serde_json::{Value, json};

use super::all_at_once::pointers;
use crate::support::{Client, TestApp};

const NOBODY: &str = "0199d1c2-7e5b-7cc0-8f3a-5d1f0a6b7c8d";

async fn add(admin: &Client, path: &str, body: Value) -> String {
    admin.post(path, body).await.assert_status(201).id()
}

fn rule(code: &str) -> Value {
    json!({"code": code, "name": "R", "audience": "title pr", "due": {"kind": "after_joining", "offset": "P1D"}})
}

#[actix_web::test]
async fn an_unknown_member_of_a_due_policy_is_told_as_such_and_hides_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    add(&admin, "/v1/rules", rule("taken")).await;
    let id = add(&admin, "/v1/rules", rule("other")).await;
    let mut body = rule("taken");
    body["due"]["zz"] = json!("P1D");
    body["audience"] = json!("zz eq 1");
    body["course_ids"] = json!([NOBODY]);
    body["on_leave"] = json!("x");
    let expected = ["/audience", "/code", "/course_ids/0", "/due/zz", "/on_leave"];
    let created = admin.post("/v1/rules", body.clone()).await;
    let changed = admin.patch(&format!("/v1/rules/{id}"), body).await;
    for answer in [created, changed] {
        assert_eq!(
            pointers(&answer.assert_problem(422, "validation_failed")),
            expected
        );
    }
    let mut body = rule("new");
    body["due"]["minimum_lead"] = json!("P1D");
    let answer = admin.post("/v1/rules", body).await;
    assert_eq!(
        answer.at("/errors"),
        json!([{"pointer": "/due/minimum_lead", "detail": "is not known here; leave it out, or mend its name"}])
    );
}

#[actix_web::test]
async fn a_fault_deep_inside_a_mapping_hides_nothing_and_makes_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let profile = |steps: Value| {
        json!({"code": "taken", "name": "T", "resource": "users", "mapping": {
            "key": {"source": "hr", "value": {"column": "id"}},
            "fields": {"username": {"column": "u", "steps": steps}, "given_name": {"column": "g"}},
        }})
    };
    add(&admin, "/v1/import-profiles", profile(json!([]))).await;
    for (steps, told) in [
        (json!([{"step": "trim", "x": 1}]), "0/x"),
        (json!([{"step": "nope", "from": "a"}]), "0/step"),
        (json!([{"step": "replace", "from": "a"}]), "0/to"),
    ] {
        let mut body = profile(steps);
        body["mapping"]["fields"]["zz"] = json!({"column": "z"});
        body["mapping"]["missing"] = json!({"max_removals_percent": 200});
        body["mapping"]["date_formats"] = json!(["%Q"]);
        let answer = admin.post("/v1/import-profiles", body).await;
        let expected = [
            "/code".to_owned(),
            "/mapping/date_formats/0".to_owned(),
            format!("/mapping/fields/username/steps/{told}"),
            "/mapping/fields/zz".to_owned(),
            "/mapping/missing/max_removals_percent".to_owned(),
        ];
        assert_eq!(
            pointers(&answer.assert_problem(422, "validation_failed")),
            expected
        );
    }
}

#[actix_web::test]
async fn a_fault_of_a_layout_hides_neither_others_of_it_nor_a_taken_code() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let template = json!({"code": "plain", "name": "P"});
    let id = add(&admin, "/v1/certificate-templates", template).await;
    let body = json!({"layout": {"footer": "{nope}", "foo": 1}, "code": "default"});
    let answer = admin
        .patch(&format!("/v1/certificate-templates/{id}"), body)
        .await;
    assert_eq!(
        pointers(&answer.assert_problem(422, "validation_failed")),
        ["/code", "/layout/foo", "/layout/footer"]
    );
}

#[actix_web::test]
async fn faults_of_a_planned_change_are_told_where_they_stand() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    add(&admin, "/v1/rules", rule("taken")).await;
    let id = add(&admin, "/v1/rules", rule("other")).await;
    let course = json!({"code": "c", "title": "C", "language": "en"});
    let course = add(&admin, "/v1/courses", course).await;
    for (changes, expected) in [
        (
            json!({"code": "taken", "audience": "zz eq 1", "course_ids": [NOBODY]}),
            &["/changes/audience", "/changes/code", "/changes/course_ids/0"][..],
        ),
        (
            json!({"code": "new", "course_ids": [course, "x"]}),
            &["/changes/course_ids/1"],
        ),
        (
            json!({"code": "taken", "audience": "zz eq 1", "due": {"kind": "fnord", "offset": "P1D"}}),
            &["/changes/audience", "/changes/code", "/changes/due/kind"],
        ),
    ] {
        for (what, body) in [
            ("plans", json!({"changes": changes})),
            ("applications", json!({"changes": changes, "plan_hash": "0"})),
        ] {
            let answer = admin.post(&format!("/v1/rules/{id}/{what}"), body).await;
            let answer = answer.assert_problem(422, "validation_failed");
            assert_eq!(pointers(&answer), expected, "{what} {changes}");
        }
    }
}
