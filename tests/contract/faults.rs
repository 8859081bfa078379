//! What is wrong with a request is told all at once, each thing once, in sentences.

use awc::http::Method;
use serde_json::{Value, json};

use super::operations::NOBODY;
use crate::support::{Answer, Client, TestApp};

/// The faults that the answer names, as pointer and sentence.
pub(super) fn faults(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = answer.at("/errors");
    let errors = errors.as_array().into_iter().flatten();
    errors
        .map(|fault| (text(&fault["pointer"]), text(&fault["detail"])))
        .collect()
}

/// Where the answer says that something is wrong, in order.
pub(super) fn pointers(answer: &Answer) -> Vec<String> {
    let mut pointers: Vec<_> = faults(answer).into_iter().map(|(pointer, _)| pointer).collect();
    pointers.sort();
    pointers
}

fn pairs(faults: &[(&str, &str)]) -> Vec<(String, String)> {
    faults
        .iter()
        .map(|(pointer, detail)| ((*pointer).to_owned(), (*detail).to_owned()))
        .collect()
}

async fn due_faults(admin: &Client, due: Value) -> Vec<(String, String)> {
    let body = json!({"code": "r", "name": "R", "audience": {"filter": "title pr"}, "due": due});
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
async fn what_one_text_must_be_is_told_beside_faults_that_keep_a_body_from_being_read() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (path, body, expected) in [
        (
            "/v1/users",
            json!({"username": 5, "given_name": "A", "family_name": "B", "time_zone": "Mars/Base", "email": "a@"}),
            &["/email", "/time_zone", "/username"][..],
        ),
        (
            "/v1/org-units",
            json!({"code": "a", "time_zone": "Mars/Base"}),
            &["/name", "/time_zone"],
        ),
        (
            "/v1/courses",
            json!({"code": "a", "title": 5, "language": "en", "validity_period": "P0D"}),
            &["/title", "/validity_period"],
        ),
        (
            "/v1/identity-providers",
            json!({"code": "a", "name": 5, "issuer": "http://example.com", "client_id": "c", "scopes": ["openid", "a b"],
                "audiences": [""], "redirect_uris": ["javascript:alert(1)"]}),
            &[
                "/audiences/0",
                "/issuer",
                "/name",
                "/redirect_uris/0",
                "/scopes/1",
            ],
        ),
    ] {
        let answer = admin.post(path, body).await;
        let answer = answer.assert_problem(422, "validation_failed");
        assert_eq!(pointers(&answer), expected, "{path} {}", answer.text());
    }
}

#[actix_web::test]
async fn rules_between_fields_are_told_beside_faults_of_the_schema() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let link = |title: &str| json!({"title": title, "kind": "link"});
    for (path, body, expected) in [
        (
            "/v1/users",
            json!({"username": "a b", "given_name": "A", "family_name": "B", "hired_on": "2020-01-02", "left_on": "2020-01-01"}),
            &["/left_on", "/username"][..],
        ),
        (
            "/v1/groups",
            json!({"code": "", "name": "G", "kind": "static", "filter": "zz eq 1"}),
            &["/code", "/filter"],
        ),
        (
            "/v1/grants",
            json!({"principal_kind": "service_account", "principal_id": NOBODY, "role_id": NOBODY, "scope_kind": "own_reports",
                "scope_id": NOBODY, "starts_at": "2030-01-02T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z"}),
            &["/ends_at", "/scope_id", "/scope_kind"],
        ),
        (
            "/v1/courses",
            json!({"code": "C", "title": "C", "language": "English",
                "modules": [{"title": "M", "activities": [link("A"), link("")]}]}),
            &[
                "/language",
                "/modules/0/activities/0/url",
                "/modules/0/activities/1/title",
                "/modules/0/activities/1/url",
            ],
        ),
        (
            "/v1/certificate-templates",
            json!({"code": "a b", "name": "N", "layout": {"footer": "{nope}", "heading": "{"}}),
            &["/code", "/layout/footer", "/layout/heading"],
        ),
        (
            "/v1/import-profiles",
            json!({"code": "P", "name": "P", "resource": "planets", "mapping": {
                "format": {"encoding": "klingon"}, "date_formats": ["%Q"], "key": {"source": "hr", "value": {}},
                "fields": {"username": {"column": "u", "constant": "u"}}, "missing": {"max_removals_percent": 200},
            }}),
            &[
                "/code",
                "/mapping/date_formats/0",
                "/mapping/fields/username",
                "/mapping/format/encoding",
                "/mapping/key/value",
                "/mapping/missing/max_removals_percent",
            ],
        ),
    ] {
        let answer = admin.post(path, body).await;
        let answer = answer.assert_problem(422, "validation_failed");
        assert_eq!(pointers(&answer), expected, "{path} {}", answer.text());
    }
}

#[actix_web::test]
async fn of_forms_that_a_constant_tells_apart_the_one_that_is_meant_is_spoken_of() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let kinds = "must be one of after_activation, after_attribute, after_completion, after_first_sign_in, after_hire, after_joining, on";
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

#[actix_web::test]
async fn very_many_faults_are_answered_with_the_first_hundred_and_the_answer_says_so() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let role = |count: usize| json!({"code": "r", "name": "R", "permissions": vec![1; count]});
    let mut person = json!({"username": "a", "given_name": "A", "family_name": "B"});
    for n in 0..20_000 {
        person[format!("k{n}")] = json!(1);
    }
    for (path, body, is_cut) in [
        ("/v1/roles", role(100), false),
        ("/v1/roles", role(101), true),
        ("/v1/roles", role(150_000), true),
        ("/v1/users", person, true),
    ] {
        let answer = admin
            .post(path, body)
            .await
            .assert_problem(422, "validation_failed");
        assert_eq!(faults(&answer).len(), 100, "{path}");
        let detail = answer.at("/detail");
        let says_so = detail.as_str().unwrap().ends_with("these are the first.");
        assert_eq!(says_so, is_cut, "{path} {detail}");
    }
    admin
        .post("/v1/roles", role(250_000))
        .await
        .assert_problem(413, "payload_too_large");
    let query: Vec<_> = (0..2_000).map(|n| format!("{n:x}=")).collect();
    let answer = admin.get(&format!("/v1/users?{}", query.join("&"))).await;
    answer.assert_problem(400, "invalid_parameter");
}
