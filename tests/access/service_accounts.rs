use chrono::TimeDelta;
use provost::access::Permission;
use serde_json::{Value, json};

use super::{grant_body, role};
use crate::support::{Answer, TestApp};

async fn sign_in(app: &TestApp, account: &str, secret: &Value) -> Answer {
    let secret = secret.as_str().unwrap();
    let form = format!("grant_type=client_credentials&client_id={account}&client_secret={secret}");
    let body = Some(form.into_bytes());
    app.anonymous()
        .send(
            awc::http::Method::POST,
            "/oauth/token",
            body,
            "application/x-www-form-urlencoded",
        )
        .await
}

#[actix_web::test]
async fn a_secret_is_shown_once_and_counts_until_it_is_revoked_or_expires() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let account = admin
        .post("/v1/service-accounts", json!({"name": "feed"}))
        .await
        .id();
    let path = format!("/v1/service-accounts/{account}/secrets");
    let ends = app.app.clock.now() + TimeDelta::minutes(5);

    let first = admin.post(&path, json!({})).await.assert_status(201);
    let second = admin
        .post(&path, json!({"expires_at": ends}))
        .await
        .assert_status(201);
    assert_ne!(first.at("/secret"), second.at("/secret"));
    sign_in(&app, &account, &first.at("/secret"))
        .await
        .assert_status(200);
    sign_in(&app, &account, &second.at("/secret"))
        .await
        .assert_status(200);

    let listed = admin.get(&path).await.assert_status(200);
    assert!(!listed.text().contains(first.at("/secret").as_str().unwrap()));
    assert!(!listed.text().contains("hash"));
    assert_ne!(listed.at("/data/0/last_used_at"), json!(null));

    let record = format!("{path}/{}", first.at("/record/id").as_str().unwrap());
    admin.delete(&record).await.assert_status(204);
    sign_in(&app, &account, &first.at("/secret"))
        .await
        .assert_status(401);
    app.app.clock.advance(TimeDelta::minutes(6));
    sign_in(&app, &account, &second.at("/secret"))
        .await
        .assert_status(401);
    admin
        .post(&path, json!({"expires_at": ends}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/expires_at");
}

#[actix_web::test]
async fn a_repeated_request_does_not_show_the_secret_again() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let account = admin
        .post("/v1/service-accounts", json!({"name": "feed"}))
        .await
        .id();
    let path = format!("/v1/service-accounts/{account}/secrets");
    let admin = admin.with("Idempotency-Key", "once");

    let first = admin.post(&path, json!({})).await.assert_status(201);
    let again = admin.post(&path, json!({})).await.assert_status(201);
    assert!(first.at("/secret").is_string());
    assert_eq!(
        (again.at("/secret"), again.at("/record")),
        (json!(null), first.at("/record"))
    );
}

#[actix_web::test]
async fn a_suspended_account_is_refused_on_its_next_request_and_gets_no_token() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let path = format!(
        "/v1/service-accounts/{}",
        admin
            .post("/v1/service-accounts", json!({"name": "feed"}))
            .await
            .id()
    );
    let account = path.rsplit('/').next().unwrap();
    let secret = admin
        .post(&format!("{path}/secrets"), json!({}))
        .await
        .at("/secret");
    let client = app.client_of_service_account(account.parse().unwrap());
    client.get("/v1/me").await.assert_status(200);

    admin
        .patch(&path, json!({"status": "suspended"}))
        .await
        .assert_status(200);
    client.get("/v1/me").await.assert_problem(401, "unauthenticated");
    sign_in(&app, account, &secret).await.assert_status(401);
}

#[actix_web::test]
async fn a_secret_is_a_way_to_powers_and_needs_them() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let account = admin
        .post("/v1/service-accounts", json!({"name": "feed"}))
        .await
        .id();
    let path = format!("/v1/service-accounts/{account}/secrets");
    let keeper = app.holding(
        &[Permission::RolesRead, Permission::RolesWrite],
        "everything",
        None,
    );
    keeper.post(&path, json!({})).await.assert_status(201);

    let integration = role(&admin, "integration").await;
    let body = grant_body(
        ("service_account", account.parse().unwrap()),
        integration,
        ("everything", None),
    );
    admin.post("/v1/grants", body).await.assert_status(201);
    keeper
        .post(&path, json!({}))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    admin.post(&path, json!({})).await.assert_status(201);
}
