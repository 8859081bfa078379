//! What is wrong with a request is told all at once, each thing once, in sentences.

use awc::http::Method;
use provost::access::Permission;
use serde_json::{Value, json};

use super::{inputs, samples, story::Story};
use crate::support::{Answer, Client, TestApp};

/// The faults that the answer names, as pointer and sentence.
fn faults(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = answer.at("/errors");
    let errors = errors.as_array().into_iter().flatten();
    errors
        .map(|fault| (text(&fault["pointer"]), text(&fault["detail"])))
        .collect()
}

fn pairs(faults: &[(&str, &str)]) -> Vec<(String, String)> {
    faults
        .iter()
        .map(|(pointer, detail)| ((*pointer).to_owned(), (*detail).to_owned()))
        .collect()
}

async fn due_faults(admin: &Client, due: Value) -> Vec<(String, String)> {
    let body = json!({"code": "r", "name": "R", "audience": "title pr", "due": due});
    let answer = admin.post("/v1/rules", body).await;
    faults(&answer.assert_problem(422, "validation_failed"))
}

#[actix_web::test]
async fn faults_of_the_schema_and_of_the_rules_come_in_one_answer() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let body = json!({
        "username": "a b", "given_name": "A", "family_name": "", "time_zone": "Mars/Base", "shoe_size": 43,
        "hired_on": "yesterday", "email": 5,
    });
    let answer = admin.post("/v1/users", body).await;
    let mut faults = faults(&answer.assert_problem(422, "validation_failed"));
    faults.sort();
    let pointers: Vec<_> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(
        pointers,
        ["/email", "/hired_on", "/shoe_size", "/time_zone", "/username"],
        "{faults:?}"
    );
    assert_eq!(faults[0].1, "must be a string or null");
}

#[actix_web::test]
async fn of_forms_that_a_constant_tells_apart_the_one_that_is_meant_is_spoken_of() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let kinds = "must be one of after_activation, after_hire, after_joining, on";
    for (due, expected) in [
        (json!({"kind": "x"}), &[("/due/kind", kinds)][..]),
        (json!({"kind": "x", "offset": "P1D"}), &[("/due/kind", kinds)]),
        (json!({"kind": 5}), &[("/due/kind", kinds)]),
        (json!({"kind": "on"}), &[("/due/date", "is required")]),
        (
            json!({"kind": "after_hire", "minimum_lead": "P1D"}),
            &[("/due/offset", "is required")],
        ),
        (json!({}), &[("/due/kind", "is required")]),
        (json!("soon"), &[("/due", "must be an object")]),
    ] {
        assert_eq!(due_faults(&admin, due.clone()).await, pairs(expected), "{due}");
    }
}

#[actix_web::test]
async fn bounds_are_told_in_correct_english() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (path, body, pointer, detail) in [
        (
            "/v1/courses",
            json!({"code": "", "title": "T", "language": "en"}),
            "/code",
            "must not be empty",
        ),
        (
            "/v1/users/bulk",
            json!({"rows": []}),
            "/rows",
            "must not be empty",
        ),
        (
            "/v1/users",
            json!({"username": "a".repeat(201), "given_name": "A", "family_name": "B"}),
            "/username",
            "must have at most 200 characters",
        ),
        (
            "/v1/users",
            json!({"username": "a", "given_name": "A", "family_name": "B", "status": "gone"}),
            "/status",
            "must be one of ",
        ),
    ] {
        let answer = admin
            .post(path, body)
            .await
            .assert_problem(422, "validation_failed");
        let faults = faults(&answer);
        let told = faults.iter().find(|(at, _)| at == pointer);
        assert!(
            told.is_some_and(|(_, told)| told.starts_with(detail)),
            "{pointer}: {faults:?}"
        );
    }
}

#[actix_web::test]
async fn all_parameters_that_are_wrong_are_named_at_once_and_in_sentences() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let known = "is not a parameter here; there are limit, cursor, sort, filter";
    for (path, expected) in [
        (
            "/v1/users?sort=nope&filter=((&cursor=zz",
            &[
                ("?sort", "must be one of"),
                ("?cursor", "is not a cursor"),
                ("?filter", "at character"),
            ][..],
        ),
        (
            "/v1/users?limit=0&filter=((&bogus=3",
            &[
                ("?limit", "must be 1 or more"),
                ("?bogus", known),
                ("?filter", "at character"),
            ],
        ),
        (
            "/v1/users?cursor=a%00b&limit=x&sort=nope",
            &[
                ("?cursor", "must not hold U+0000; leave it out"),
                ("?limit", "must be an integer"),
                ("?sort", "must be one of"),
            ],
        ),
        (
            "/v1/users?bogus=%00&limit=99999999999999999999",
            &[("?bogus", known), ("?limit", "must be 200 or less")],
        ),
        (
            "/v1/users?limit=1&limit=2&sort=-nope",
            &[
                ("?limit", "is given twice; give it once"),
                ("?sort", "must be one of"),
            ],
        ),
        (
            "/v1/events?after=99999999999999999999&sort=nope",
            &[
                ("?after", "must be 9223372036854775807 or less"),
                ("?sort", "must be one of"),
            ],
        ),
        (
            "/v1/courses?language=English&sort=nope&filter=((",
            &[
                ("?language", "must be a language's code"),
                ("?sort", "must be one of"),
                ("?filter", "at character"),
            ],
        ),
        (
            "/v1/reports/compliance?org_unit_id=x&format=xml&filter=((",
            &[
                ("?org_unit_id", "must be a UUID"),
                ("?format", "must be one of json, csv"),
                ("?filter", "at character"),
            ],
        ),
        (
            "/v1/reports/overdue?course_id=x&sort=nope&filter=((",
            &[
                ("?course_id", "must be a UUID"),
                ("?sort", "must be one of"),
                ("?filter", "at character"),
            ],
        ),
    ] {
        let answer = admin.get(path).await.assert_problem(400, "invalid_parameter");
        assert_faults(path, &faults(&answer), expected);
    }
    let path = "/v1/imports?file_name=a%00b";
    let answer = admin
        .send(Method::POST, path, Some(b"a".to_vec()), "text/csv")
        .await;
    let answer = answer.assert_problem(400, "invalid_parameter");
    let expected = [
        ("?file_name", "must not hold U+0000"),
        ("?profile", "is required"),
    ];
    assert_faults(path, &faults(&answer), &expected);
}

#[track_caller]
fn assert_faults(path: &str, told: &[(String, String)], expected: &[(&str, &str)]) {
    let fits = |((pointer, detail), (at, begin)): (&(String, String), &(&str, &str))| {
        pointer == at && detail.starts_with(begin)
    };
    assert!(
        told.len() == expected.len() && told.iter().zip(expected).all(fits),
        "{path}: {told:?}"
    );
}

#[actix_web::test]
async fn a_filter_or_a_cursor_that_alone_is_wrong_has_a_code_of_its_own() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (query, code) in [
        ("filter=((", "invalid_filter"),
        ("cursor=zz", "invalid_cursor"),
        ("cursor=zz&filter=((", "invalid_parameter"),
    ] {
        admin
            .get(&format!("/v1/users?{query}"))
            .await
            .assert_problem(400, code);
    }
}

/// Where the answer says that something is wrong, in order.
fn pointers(answer: &Answer) -> Vec<String> {
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
