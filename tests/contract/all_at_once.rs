//! Faults that only the database knows come in the same answer as those of the body, and a body with faults changes nothing.

use provost::access::Permission;
use serde_json::{Value, json};

use super::{faults::faults, inputs, samples, story::Story};
use crate::support::{Answer, TestApp};

/// Where the answer says that something is wrong, in order.
pub(super) fn pointers(answer: &Answer) -> Vec<String> {
    let mut pointers: Vec<_> = faults(answer).into_iter().map(|(pointer, _)| pointer).collect();
    pointers.sort();
    pointers
}

#[actix_web::test]
async fn what_only_the_database_knows_is_told_in_the_same_answer() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let nobody = "0199d1c2-7e5b-7cc0-8f3a-5d1f0a6b7c8d";
    for (path, body) in [
        (
            "/v1/users",
            json!({"username": "taken", "given_name": "A", "family_name": "B"}),
        ),
        (
            "/v1/courses",
            json!({"code": "TAKEN", "title": "T", "language": "en"}),
        ),
        ("/v1/org-units", json!({"code": "taken", "name": "T"})),
        (
            "/v1/groups",
            json!({"code": "taken", "name": "T", "kind": "static"}),
        ),
        (
            "/v1/rules",
            json!({"code": "taken", "name": "T", "audience": "title pr", "due": {"kind": "after_hire", "offset": "P1D"}}),
        ),
    ] {
        admin.post(path, body).await.assert_status(201);
    }
    let person = json!({
        "username": "TAKEN", "given_name": "A", "email": 5, "time_zone": "Mars/Base", "manager_id": nobody,
        "org_unit_id": nobody, "attributes": {"shoe_size": 43}, "hired_on": "2020-01-02", "left_on": "2020-01-01",
    });
    let of_person = [
        "/attributes/shoe_size",
        "/email",
        "/family_name",
        "/left_on",
        "/manager_id",
        "/org_unit_id",
        "/time_zone",
        "/username",
    ];
    let rows = json!({"rows": [{"row_key": "a", "create": person}]});
    let answer = admin.post("/v1/users/bulk", rows).await.assert_status(200);
    let problem = answer.at("/results/0/problem");
    let mut told: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["pointer"].clone())
        .collect();
    told.sort_by_key(Value::to_string);
    assert_eq!(
        json!(told),
        json!(of_person.map(|pointer| format!("/create{pointer}")))
    );
    let course = "/course_ids/0";
    for (path, body, expected) in [
        ("/v1/users", person, &of_person[..]),
        (
            "/v1/courses",
            json!({"code": "TAKEN", "language": "English", "category_id": nobody}),
            &["/category_id", "/code", "/language", "/title"],
        ),
        (
            "/v1/org-units",
            json!({"code": "TAKEN", "parent_id": nobody, "name": 5}),
            &["/code", "/name", "/parent_id"],
        ),
        (
            "/v1/groups",
            json!({"code": "TAKEN", "kind": "dynamic", "filter": "shoe_size eq 43"}),
            &["/code", "/filter", "/name"],
        ),
        (
            "/v1/rules",
            json!({"code": "taken", "audience": "shoe_size eq 43", "course_ids": [nobody], "due": {"kind": "on"}}),
            &["/audience", "/code", course, "/due/date", "/name"],
        ),
        (
            "/v1/rules",
            json!({"code": "taken", "name": "T", "audience": "shoe_size eq 43", "due": {"kind": "fnord"}}),
            &["/audience", "/code", "/due/kind"],
        ),
        (
            "/v1/rules",
            json!({"code": "taken", "name": "T", "audience": "a eq 1", "due": {"kind": "after_hire", "offset": "nope"}}),
            &["/audience", "/code", "/due/offset"],
        ),
        (
            "/v1/completions",
            json!({"user_id": nobody, "course_id": nobody, "score": 101, "occurred_at": "2999-01-01T00:00:00Z"}),
            &["/course_id", "/occurred_at", "/score", "/user_id"],
        ),
        (
            "/v1/enrollments",
            json!({"user_id": nobody, "course_id": "x"}),
            &["/course_id", "/user_id"],
        ),
    ] {
        let answer = admin
            .post(path, body)
            .await
            .assert_problem(422, "validation_failed");
        assert_eq!(pointers(&answer), expected, "{path}");
    }
    let path = format!("/v1/reports/compliance?org_unit_id={nobody}&format=xml&filter=((");
    let answer = admin.get(&path).await.assert_problem(400, "invalid_parameter");
    assert_eq!(pointers(&answer), ["?filter", "?format", "?org_unit_id"]);
}

#[actix_web::test]
async fn a_body_with_a_fault_changes_nothing_however_right_the_rest_is() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut person = json!({"username": "ada", "given_name": "Ada", "family_name": "L", "email": 5});
    let once = admin.with("Idempotency-Key", "k");
    let answer = once
        .post("/v1/users", person.clone())
        .await
        .assert_problem(422, "validation_failed");
    assert_eq!(pointers(&answer), ["/email"]);
    person["email"] = json!("ada@example.com");
    let id = once.post("/v1/users", person).await.assert_status(201).id();
    let change = json!({"given_name": "Augusta", "email": "none"});
    let answer = admin.patch(&format!("/v1/users/{id}"), change.clone()).await;
    assert_eq!(
        pointers(&answer.assert_problem(422, "validation_failed")),
        ["/email"]
    );
    let rows = json!({"rows": [
        {"row_key": "faulty", "id": id, "update": change},
        {"row_key": "right", "create": {"username": "bob", "given_name": "Bob", "family_name": "B"}},
    ]});
    let answer = admin.post("/v1/users/bulk", rows).await.assert_status(200);
    assert_eq!(answer.at("/results/0/status"), json!(422));
    assert_eq!(answer.at("/results/1/status"), json!(201));
    let now = admin.get(&format!("/v1/users/{id}")).await;
    assert_eq!(
        (now.at("/given_name"), now.at("/version")),
        (json!("Ada"), json!(1))
    );
}

/// A value of another kind than `value`.
fn another_kind(value: &Value) -> Value {
    match value {
        Value::String(_) => json!({"a": 1}),
        _ => json!("no such thing"),
    }
}

#[actix_web::test]
async fn one_fault_is_told_and_no_other_that_only_follows_from_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    let mut tried = 0;
    for (operation, _) in inputs::with_bodies(&mut story) {
        let Some(Value::Object(members)) = samples::of(&operation).and_then(|sample| sample.json(&mut story))
        else {
            continue;
        };
        // What is wrong by now with the things that the sample names, such as a role that was put away since.
        let mut right = Value::Object(members.clone());
        right["nobody_knows_this"] = json!(1);
        let answer = inputs::send(
            &admin,
            &operation,
            &story,
            right.to_string().into(),
            "application/json",
        )
        .await;
        let standing = faults(&answer);
        for name in members.keys().filter(|name| *name != "rows") {
            // A fresh body, whose codes nobody has yet.
            let mut body = samples::of(&operation)
                .and_then(|sample| sample.json(&mut story))
                .unwrap();
            body[name] = another_kind(&body[name]);
            let body = body.to_string().into();
            let answer = inputs::send(&admin, &operation, &story, body, "application/json").await;
            let answer = answer.assert_problem(422, "validation_failed");
            let at = format!("/{name}");
            let others: Vec<_> = faults(&answer)
                .into_iter()
                .filter(|fault| !fault.0.starts_with(&at) && !standing.contains(fault))
                .collect();
            assert!(
                others.is_empty(),
                "{}: only {name} is wrong, and it says {others:?}",
                operation.id
            );
            tried += 1;
        }
    }
    assert!(tried > 50, "{tried}");
}

#[actix_web::test]
async fn a_rule_between_fields_waits_only_for_the_fields_that_it_looks_at() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let nobody = "0199d1c2-7e5b-7cc0-8f3a-5d1f0a6b7c8d";
    let group = json!({"code": "static", "name": "S"});
    let group = admin.post("/v1/groups", group).await.assert_status(201).id();
    let learner = admin
        .get("/v1/roles?filter=code%20eq%20%22learner%22")
        .await
        .at("/data/0/id");
    for (path, body, expected) in [
        (
            "/v1/groups",
            json!({"name": 5, "code": "g", "kind": "dynamic"}),
            &["/filter", "/name"][..],
        ),
        (
            "/v1/groups",
            json!({"name": "G", "code": "g", "kind": "dinamic", "filter": "title pr"}),
            &["/kind"],
        ),
        (
            "/v1/grants",
            json!({
                "principal_kind": "user", "principal_id": 5, "role_id": learner, "scope_kind": "everything",
                "scope_id": nobody, "starts_at": "2030-01-02T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z",
            }),
            &["/ends_at", "/principal_id", "/scope_id"],
        ),
        (
            "/v1/grants",
            json!({"principal_kind": "grup", "principal_id": group, "role_id": learner, "scope_kind": "everything"}),
            &["/principal_kind"],
        ),
        (
            "/v1/users",
            json!({"username": "a", "given_name": "A", "family_name": "B", "hired_on": "2010-13-01", "left_on": "2011-01-01"}),
            &["/hired_on"],
        ),
        (
            "/v1/rules",
            json!({"code": "r", "name": "R", "audience": "title pr", "due": {"kind": "after_hire", "offset": "P1D"},
                "course_ids": [nobody]}),
            &["/course_ids/0"],
        ),
    ] {
        let answer = admin
            .post(path, body)
            .await
            .assert_problem(422, "validation_failed");
        assert_eq!(pointers(&answer), expected, "{path}");
    }
}

#[actix_web::test]
async fn a_row_with_a_fault_tells_nothing_of_what_its_sender_may_not_write() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let group = json!({"code": "managers", "name": "M"});
    let group = admin.post("/v1/groups", group).await.assert_status(201).id();
    let keeper = app.holding(&[Permission::GroupsWrite], "group", Some(group.parse().unwrap()));
    for code in ["managers", "surely not"] {
        let rows = json!({"rows": [{"row_key": "a", "create": {"code": code, "name": 5}}]});
        let answer = keeper.post("/v1/groups/bulk", rows).await.assert_status(200);
        assert_eq!(answer.at("/results/0/status"), json!(403), "{code}");
    }
}

#[actix_web::test]
async fn a_row_with_a_fault_leaves_its_thing_to_a_row_without() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let person = json!({"username": "ada", "given_name": "Ada", "family_name": "L"});
    let id = admin.post("/v1/users", person).await.assert_status(201).id();
    let rows = json!({"rows": [
        {"row_key": "wrong", "id": id, "update": {"title": 5}},
        {"row_key": "right", "id": id, "update": {"title": "Countess"}},
    ]});
    let answer = admin.post("/v1/users/bulk", rows).await.assert_status(200);
    let statuses = [answer.at("/results/0/status"), answer.at("/results/1/status")];
    assert_eq!(statuses, [json!(422), json!(200)], "{}", answer.text());
    assert_eq!(
        answer.at("/results/0/problem/errors/0/pointer"),
        json!("/update/title")
    );
}

#[actix_web::test]
async fn very_many_faults_are_answered_with_the_first_hundred() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let many: Vec<_> = (0..150_000).map(|_| json!(1)).collect();
    let attributes: serde_json::Map<_, _> = (0..20_000).map(|n| (format!("k{n}"), json!(1))).collect();
    let mut person =
        json!({"username": "a", "given_name": "A", "family_name": "B", "attributes": attributes});
    for n in 0..20_000 {
        person[format!("k{n}")] = json!(1);
    }
    for (path, body) in [
        (
            "/v1/roles",
            json!({"code": "r", "name": "R", "permissions": many}),
        ),
        ("/v1/users", person),
    ] {
        let answer = admin
            .post(path, body)
            .await
            .assert_problem(422, "validation_failed");
        assert_eq!(faults(&answer).len(), 100, "{path}");
    }
    let more: Vec<_> = (0..250_000).map(|_| json!(1)).collect();
    let body = json!({"code": "r", "name": "R", "permissions": more});
    admin
        .post("/v1/roles", body)
        .await
        .assert_problem(413, "payload_too_large");
    let query: Vec<_> = (0..2_000).map(|n| format!("{n:x}=")).collect();
    let answer = admin.get(&format!("/v1/users?{}", query.join("&"))).await;
    answer.assert_problem(400, "invalid_parameter");
}
