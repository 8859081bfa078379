use serde_json::json;

use super::person;
use crate::support::{Answer, Client, TestApp};

const FORM: &str = "application/x-www-form-urlencoded";

async fn token(client: &Client, form: &str) -> Answer {
    let body = Some(form.as_bytes().to_vec());
    client
        .send(awc::http::Method::POST, "/oauth/token", body, FORM)
        .await
}

#[actix_web::test]
async fn a_password_gets_a_token_that_works() {
    let app = TestApp::start().await;
    app.admin().await;

    let answer = token(
        &app.anonymous(),
        "grant_type=password&username=ADMIN&password=a+long+password&unknown=ignored",
    )
    .await
    .assert_status(200);
    assert_eq!(
        (
            answer.at("/token_type"),
            answer.at("/expires_in"),
            answer.header("cache-control")
        ),
        (json!("Bearer"), json!(900), Some("no-store"))
    );

    let bearer = format!("Bearer {}", answer.at("/access_token").as_str().unwrap());
    let me = app
        .anonymous()
        .with("Authorization", &bearer)
        .get("/v1/me")
        .await
        .assert_status(200);
    assert_eq!(
        (me.at("/kind"), me.at("/name")),
        (json!("user"), json!("Academy Administrator"))
    );
}

#[actix_web::test]
async fn wrong_unknown_and_suspended_get_the_same_answer() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    person(&admin, "without-password").await;
    let anonymous = app.anonymous();
    let wrong = token(&anonymous, "grant_type=password&username=admin&password=wrong").await;
    let unknown = token(&anonymous, "grant_type=password&username=nobody&password=wrong").await;
    let without = token(
        &anonymous,
        "grant_type=password&username=without-password&password=wrong",
    )
    .await;
    let me = admin.get("/v1/me").await.id();
    admin
        .patch(&format!("/v1/users/{me}"), json!({"status": "suspended"}))
        .await
        .assert_status(200);
    let suspended = token(
        &anonymous,
        "grant_type=password&username=admin&password=a+long+password",
    )
    .await;

    for other in [&unknown, &without, &suspended] {
        assert_eq!((wrong.status, wrong.json()), (other.status, other.json()));
    }
    assert_eq!((wrong.status, wrong.at("/error")), (400, json!("invalid_grant")));
}

#[actix_web::test]
async fn a_request_that_breaks_the_rules_is_told_so_in_oauths_words() {
    let app = TestApp::start().await;
    app.admin().await;
    let cases = [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=magic", "unsupported_grant_type"),
        ("grant_type=password", "invalid_request"),
        ("grant_type=password&username=admin&password=", "invalid_request"),
        (
            "grant_type=password&username=admin&username=admin&password=a+long+password",
            "invalid_request",
        ),
        (
            "grant_type=password&grant_type=password&username=admin&password=x",
            "invalid_request",
        ),
        (
            "grant_type=password&username=admin%00&password=x",
            "invalid_request",
        ),
        ("grant_type=password&username=%ff&password=x", "invalid_grant"),
        ("grant_type=client_credentials", "invalid_request"),
    ];
    for (form, error) in cases {
        let answer = token(&app.anonymous(), form).await;
        assert_eq!(
            (answer.status, answer.at("/error")),
            (400, json!(error)),
            "{form}"
        );
    }
    let as_json = app
        .anonymous()
        .post("/oauth/token", json!({"grant_type": "password"}))
        .await;
    assert_eq!(
        (as_json.status, as_json.at("/error")),
        (400, json!("invalid_request"))
    );
    let large = format!("grant_type=password&username={}", "a".repeat(3_000_000));
    token(&app.anonymous(), &large)
        .await
        .assert_problem(413, "payload_too_large");
}

#[actix_web::test]
async fn a_service_account_signs_in_with_its_secret_in_the_form_or_as_http_basic() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let account = admin
        .post("/v1/service-accounts", json!({"name": "HR feed"}))
        .await
        .assert_status(201)
        .id();
    let path = format!("/v1/service-accounts/{account}/secrets");
    let secret = admin
        .post(&path, json!({}))
        .await
        .assert_status(201)
        .at("/secret");
    let secret = secret.as_str().unwrap();

    let form = format!("grant_type=client_credentials&client_id={account}&client_secret={secret}");
    let answer = token(&app.anonymous(), &form).await.assert_status(200);
    let bearer = format!("Bearer {}", answer.at("/access_token").as_str().unwrap());
    let me = app
        .anonymous()
        .with("Authorization", &bearer)
        .get("/v1/me")
        .await
        .assert_status(200);
    assert_eq!(
        (me.at("/kind"), me.at("/name"), me.at("/permissions")),
        (json!("service_account"), json!("HR feed"), json!([]))
    );

    let basic = format!("Basic {}", STANDARD.encode(format!("{account}:{secret}")));
    let basic = app.anonymous().with("Authorization", &basic);
    token(&basic, "grant_type=client_credentials")
        .await
        .assert_status(200);
    let twice = token(&basic, &form).await;
    assert_eq!(
        (twice.status, twice.at("/error")),
        (400, json!("invalid_request"))
    );

    let wrong = format!("grant_type=client_credentials&client_id={account}&client_secret=wrong");
    let wrong = token(&app.anonymous(), &wrong).await;
    let unknown = token(
        &app.anonymous(),
        "grant_type=client_credentials&client_id=nobody&client_secret=x",
    )
    .await;
    assert_eq!((wrong.status, wrong.json()), (unknown.status, unknown.json()));
    assert_eq!((wrong.status, wrong.at("/error")), (401, json!("invalid_client")));
    assert!(wrong.header("www-authenticate").is_some());
}

#[actix_web::test]
async fn known_and_unknown_names_take_one_hash_each_and_refused_ones_none() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for name in ["without-password", "archived"] {
        person(&admin, name).await;
    }
    let hashes = async |name: &str| {
        let before = app.app.part::<provost::access::hashing::Hashing>().computed();
        token(
            &app.anonymous(),
            &format!("grant_type=password&username={name}&password=wrong"),
        )
        .await;
        app.app.part::<provost::access::hashing::Hashing>().computed() - before
    };
    for name in ["admin", "without-password", "archived", "nobody"] {
        for _ in 0..10 {
            assert_eq!(hashes(name).await, 1, "{name}");
        }
        assert_eq!(hashes(name).await, 0, "{name}");
    }
}
