//! No input gives a 5xx: what cannot be taken is refused with a 4xx and the right code.

use awc::http::Method;
use serde_json::{Value, json};

use super::{
    operations::{self, Operation, resolve},
    samples,
    story::Story,
};
use crate::support::{Answer, Client, TestApp};

/// The operations with JSON bodies, and a valid body for each.
pub(super) fn with_bodies(story: &mut Story) -> Vec<(Operation, Value)> {
    operations::private()
        .into_iter()
        .filter(|operation| operation.json_body().is_some())
        .map(|operation| {
            let body = samples::of(&operation).and_then(|sample| sample.json(story));
            (operation, body.unwrap_or_else(|| json!({})))
        })
        .collect()
}

fn named(id: &str) -> Operation {
    operations::private()
        .into_iter()
        .find(|operation| operation.id == id)
        .unwrap()
}

pub(super) async fn send(
    client: &Client,
    operation: &Operation,
    story: &Story,
    body: Vec<u8>,
    content_type: &str,
) -> Answer {
    let path = operation.path_with(&story.ids);
    let client = client.with("If-Match", "*");
    client
        .send(operation.method.clone(), &path, Some(body), content_type)
        .await
}

#[track_caller]
pub(super) fn assert_refused(operation: &Operation, answer: &Answer, what: &str) {
    assert!(
        (400..500).contains(&answer.status),
        "{} with {what}: {} {}",
        operation.id,
        answer.status,
        answer.text()
    );
}

#[actix_web::test]
async fn nul_in_a_body_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    let document = operations::document();
    for (operation, body) in with_bodies(&mut story) {
        let schema = resolve(document, operation.json_body().unwrap());
        let Some(members) = schema["properties"].as_object() else {
            continue;
        };
        for name in members.keys() {
            for bad in [json!("a\0b"), json!(["a\0b"]), json!({"a\0b": "a\0b"})] {
                let mut body = body.clone();
                body[name] = bad;
                let answer = send(
                    &admin,
                    &operation,
                    &story,
                    body.to_string().into(),
                    "application/json",
                )
                .await;
                assert_refused(&operation, &answer, &format!("U+0000 in {name}"));
            }
        }
    }
}

#[actix_web::test]
async fn bodies_of_the_wrong_shape_are_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    let document = operations::document();
    let shapes = [
        ("an array", "[]"),
        ("a word", "\"a\""),
        ("a number", "1"),
        ("null", "null"),
        ("half a body", "{\"a\":"),
        ("an unknown member", "{\"nobody_knows_this\": 1}"),
    ];
    for (operation, _) in with_bodies(&mut story) {
        for (what, body) in shapes {
            let answer = send(&admin, &operation, &story, body.into(), "application/json").await;
            assert_refused(&operation, &answer, what);
        }
        let nothing = send(&admin, &operation, &story, "".into(), "application/json").await;
        if !takes_nothing(document, &operation) {
            assert_refused(&operation, &nothing, "nothing");
        }
        let deep = "[".repeat(100_000);
        let answer = send(&admin, &operation, &story, deep.into(), "application/json").await;
        assert_refused(&operation, &answer, "brackets without end");
    }
}

/// Whether the document says that a JSON object without members is a body of this operation.
fn takes_nothing(document: &Value, operation: &Operation) -> bool {
    let schema = resolve(document, operation.json_body().unwrap());
    schema["type"] == "object"
        && schema["required"]
            .as_array()
            .is_none_or(|required| required.is_empty())
}

// Fault 16.
#[actix_web::test]
async fn a_body_is_optional_wherever_all_its_members_are() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    let document = operations::document();
    for (operation, _) in with_bodies(&mut story) {
        let is_optional = takes_nothing(document, &operation);
        assert_eq!(
            operation.value["requestBody"]["required"],
            json!(!is_optional),
            "{}",
            operation.id
        );
        // None at all, and none as clients send it that name a media type anyway.
        for content_type in ["", "application/json", "application/x-www-form-urlencoded"] {
            let answer = send(&admin, &operation, &story, "".into(), content_type).await;
            if !is_optional {
                assert!((400..500).contains(&answer.status), "{}", operation.id);
                continue;
            }
            // It may not fit the present state, but it was read.
            assert!(
                !matches!(answer.status, 400 | 415),
                "{}: {}",
                operation.id,
                answer.text()
            );
        }
    }
}

#[actix_web::test]
async fn other_media_types_and_large_bodies_are_refused() {
    let app = TestApp::start_with(|config| config.body_limit = 16_384).await;
    let admin = app.admin().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    for (operation, body) in with_bodies(&mut story) {
        for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let answer = send(&admin, &operation, &story, body.to_string().into(), content_type).await;
            assert_eq!(
                answer.status,
                415,
                "{} as {content_type}: {}",
                operation.id,
                answer.text()
            );
        }
        let large = json!({"nobody_knows_this": "a".repeat(20_000)}).to_string();
        let answer = send(&admin, &operation, &story, large.into(), "application/json").await;
        assert_eq!(answer.status, 413, "{}: {}", operation.id, answer.text());
    }
}

#[actix_web::test]
async fn ids_that_are_none_are_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::default();
    for operation in operations::private()
        .into_iter()
        .filter(|operation| operation.path.contains('{'))
    {
        for bad in [
            "x",
            "ext:",
            "ext:a",
            "ext::",
            "ext:a%00:b",
            "ext:a:b%00",
            "%00",
            "%F0%9F%98%80",
            "%ff",
            "..%2f",
        ] {
            story.ids = operation
                .parameters("path")
                .into_iter()
                .map(|name| (name, bad.to_owned()))
                .collect();
            let answer = story
                .send(&admin, &operation, samples::of(&operation).as_ref())
                .await;
            assert_refused(&operation, &answer, bad);
        }
    }
}

#[actix_web::test]
async fn json_in_another_encoding_than_utf_8_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let operation = named("create_group");
    let story = Story::default();
    for (charset, status) in [
        ("utf-16", 415),
        ("iso-8859-1", 415),
        ("UTF-8", 422),
        ("\"utf-8\"", 422),
    ] {
        let media_type = format!("application/json; charset={charset}");
        let answer = send(&admin, &operation, &story, "{}".into(), &media_type).await;
        assert_eq!(answer.status, status, "{charset}: {}", answer.text());
    }
}

#[actix_web::test]
async fn a_compression_that_is_not_known_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (group, import) = (named("create_group"), named("create_import"));
    let story = Story::default();
    for (encoding, status) in [
        ("bogus", 415),
        ("br", 415),
        ("gzip, gzip", 415),
        ("identity", 422),
    ] {
        let client = admin.with("Content-Encoding", encoding);
        let answer = send(&client, &group, &story, "{}".into(), "application/json").await;
        assert_eq!(answer.status, status, "{encoding}: {}", answer.text());
        if status == 415 {
            assert!(answer.text().contains("gzip"), "{}", answer.text());
        }
    }
    let client = admin.with("Content-Encoding", "gzip");
    let path = format!("{}?profile=hr", import.path_with(&story.ids));
    client
        .send(Method::POST, &path, Some(b"a,b".to_vec()), "text/csv")
        .await
        .assert_problem(415, "unsupported_media_type");
}

#[actix_web::test]
async fn a_body_that_names_a_member_twice_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let operation = named("create_group");
    let body = r#"{"code": "g", "code": "h", "name": "G"}"#;
    let answer = send(
        &admin,
        &operation,
        &Story::default(),
        body.into(),
        "application/json",
    )
    .await;
    let answer = answer.assert_problem(400, "malformed_request");
    assert!(answer.text().contains("code"), "{}", answer.text());
}

/// Random JSON, deep and odd, is answered without a 5xx.
#[actix_web::test]
async fn random_bodies_never_give_a_5xx() {
    use proptest::{
        strategy::{Strategy, ValueTree},
        test_runner::TestRunner,
    };
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..300 {
        let body = random_user().new_tree(&mut runner).unwrap().current().to_string();
        let answer = admin
            .send(
                Method::POST,
                "/v1/users",
                Some(body.clone().into()),
                "application/json",
            )
            .await;
        assert!(answer.status < 500, "{body}: {}", answer.text());
    }
}

fn random_user() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}".prop_map(Value::from),
        Just(json!("active")),
        Just(json!("UTC")),
        Just(json!(operations::NOBODY)),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(".{0,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    let names = [
        "username",
        "given_name",
        "family_name",
        "email",
        "status",
        "locale",
        "time_zone",
        "title",
        "hired_on",
        "left_on",
        "manager_id",
        "org_unit_id",
        "attributes",
        "shoe_size",
    ];
    let name = proptest::sample::select(names.to_vec()).prop_map(str::to_owned);
    proptest::collection::btree_map(name, value, 0..8).prop_map(|members| {
        let mut body = json!({"username": "u", "given_name": "U", "family_name": "U"});
        for (name, value) in members {
            body[name] = value;
        }
        body
    })
}
