//! Faults that only the database knows are told at once, each where it stands.

use awc::http::Method;
use serde_json::{Value, json};

use super::{faults::pointers, operations::NOBODY};
use crate::support::{Client, TestApp};

async fn add(admin: &Client, path: &str, body: Value) -> String {
    admin.post(path, body).await.assert_status(201).id()
}

fn rule(code: &str) -> Value {
    json!({"code": code, "name": "R", "audience": {"filter": "title pr"}, "due": {"kind": "after_joining", "offset": "P1D"}})
}

fn profile(code: &str) -> Value {
    json!({"code": code, "name": "T", "resource": "users", "mapping": {
        "key": {"source": "hr", "value": {"column": "id"}},
        "fields": {"username": {"column": "u"}, "given_name": {"column": "g"}},
    }})
}

#[actix_web::test]
async fn faults_of_a_new_thing_are_told_together() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let person = json!({"username": "taken", "given_name": "A", "family_name": "B"});
    add(&admin, "/v1/users", person).await;
    let course = json!({"code": "TAKEN", "title": "T", "language": "en"});
    add(&admin, "/v1/courses", course).await;
    add(&admin, "/v1/org-units", json!({"code": "taken", "name": "T"})).await;
    add(&admin, "/v1/groups", json!({"code": "taken", "name": "T"})).await;
    add(&admin, "/v1/rules", rule("taken")).await;
    add(&admin, "/v1/import-profiles", profile("taken")).await;
    let mut lost_rule = rule("Taken");
    lost_rule["audience"] = json!({"filter": "zz eq 1"});
    lost_rule["targets"] = json!([{"kind": "course", "id": NOBODY}]);
    let mut lost_profile = profile("taken");
    lost_profile["mapping"]["fields"]["zz"] = json!({"column": "z"});
    for (path, body, expected) in [
        (
            "/v1/users",
            json!({"username": "TAKEN", "given_name": "A", "family_name": "B", "manager_id": NOBODY,
                "org_unit_id": NOBODY, "attributes": {"shoe_size": 43}}),
            &[
                "/attributes/shoe_size",
                "/manager_id",
                "/org_unit_id",
                "/username",
            ][..],
        ),
        (
            "/v1/courses",
            json!({"code": "taken", "title": "T", "language": "en", "category_id": NOBODY}),
            &["/category_id", "/code"],
        ),
        (
            "/v1/org-units",
            json!({"code": "TAKEN", "name": "T", "parent_id": NOBODY}),
            &["/code", "/parent_id"],
        ),
        (
            "/v1/groups",
            json!({"code": "TAKEN", "name": "T", "kind": "dynamic", "filter": "shoe_size eq 43"}),
            &["/code", "/filter"],
        ),
        (
            "/v1/rules",
            lost_rule,
            &["/audience/filter", "/code", "/targets/0/id"],
        ),
        (
            "/v1/import-profiles",
            lost_profile,
            &["/code", "/mapping/fields/zz"],
        ),
        (
            "/v1/completions",
            json!({"user_id": NOBODY, "course_id": NOBODY, "occurred_at": "2999-01-01T00:00:00Z"}),
            &["/course_id", "/occurred_at", "/user_id"],
        ),
        (
            "/v1/requirements",
            json!({"user_id": NOBODY, "target": {"kind": "course", "id": NOBODY}, "due_on": "2020-01-01"}),
            &["/due_on", "/target/id", "/user_id"],
        ),
        (
            "/v1/enrollments",
            json!({"user_id": NOBODY, "course_id": NOBODY}),
            &["/course_id", "/user_id"],
        ),
    ] {
        let answer = admin.post(path, body).await;
        let answer = answer.assert_problem(422, "validation_failed");
        assert_eq!(pointers(&answer), expected, "{path} {}", answer.text());
    }
}

#[actix_web::test]
async fn faults_of_a_change_are_told_together() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    add(&admin, "/v1/org-units", json!({"code": "taken", "name": "T"})).await;
    let unit = add(&admin, "/v1/org-units", json!({"code": "other", "name": "O"})).await;
    let below = json!({"code": "below", "name": "B", "parent_id": unit});
    let below = add(&admin, "/v1/org-units", below).await;
    let unit = format!("/v1/org-units/{unit}");
    let template = json!({"code": "plain", "name": "P"});
    let template = add(&admin, "/v1/certificate-templates", template).await;
    for (path, body, expected) in [
        (
            unit,
            json!({"code": "taken", "parent_id": below}),
            ["/code", "/parent_id"],
        ),
        (
            format!("/v1/certificate-templates/{template}"),
            json!({"code": "default", "layout": {"footer": "{nope}"}}),
            ["/code", "/layout/footer"],
        ),
    ] {
        let answer = admin.patch(&path, body).await;
        let answer = answer.assert_problem(422, "validation_failed");
        assert_eq!(pointers(&answer), expected, "{path} {}", answer.text());
    }
}

#[actix_web::test]
async fn faults_of_a_planned_change_are_told_where_they_stand() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    add(&admin, "/v1/rules", rule("taken")).await;
    let id = add(&admin, "/v1/rules", rule("other")).await;
    for (changes, expected) in [
        (
            json!({"code": "taken", "audience": {"filter": "zz eq 1"}, "targets": [{"kind": "course", "id": NOBODY}]}),
            &[
                "/changes/audience/filter",
                "/changes/code",
                "/changes/targets/0/id",
            ][..],
        ),
        (
            json!({"code": "taken", "audience": {"filter": "zz eq 1"}, "due": {"kind": "fnord", "offset": "P1D"}}),
            &["/changes/due/kind"],
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

#[actix_web::test]
async fn a_password_is_looked_at_when_the_rest_of_the_body_is_right() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let person = json!({"username": "ana", "given_name": "A", "family_name": "B"});
    let path = format!("/v1/users/{}/password", add(&admin, "/v1/users", person).await);
    for (body, expected) in [
        (
            json!({"password": "password123", "must_change": "x"}),
            "/must_change",
        ),
        (json!({"password": "password123"}), "/password"),
    ] {
        let answer = admin
            .with("If-Match", "*")
            .send(
                Method::PUT,
                &path,
                Some(body.to_string().into()),
                "application/json",
            )
            .await;
        assert_eq!(
            pointers(&answer.assert_problem(422, "validation_failed")),
            [expected]
        );
    }
}
