use chrono::TimeDelta;
use provost::authz::Permission;
use serde_json::{Value, json};

use super::{grant_body, role};
use crate::support::{Answer, Client, TestApp};

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

#[actix_web::test]
async fn two_secrets_count_at_a_time_also_when_three_are_made_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let account = admin
        .post("/v1/service-accounts", json!({"name": "feed"}))
        .await
        .id();
    let path = format!("/v1/service-accounts/{account}/secrets");
    let made = futures_util::future::join_all((0..5).map(|_| admin.post(&path, json!({})))).await;
    let mut statuses: Vec<u16> = made.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 409, 409, 409]);

    let listed = admin.get(&path).await;
    let old = listed.at("/data/0/id");
    admin
        .delete(&format!("{path}/{}", old.as_str().unwrap()))
        .await
        .assert_status(204);
    let ends = app.app.clock.now() + TimeDelta::minutes(5);
    admin
        .post(&path, json!({"expires_at": ends}))
        .await
        .assert_status(201);
    admin
        .post(&path, json!({}))
        .await
        .assert_problem(409, "secret_limit_reached");
    app.app.clock.advance(TimeDelta::minutes(5));
    admin.post(&path, json!({})).await.assert_status(201);
}

#[actix_web::test]
async fn a_secret_may_be_confined_to_less_than_the_account_may_do() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let holder = app.holding(
        &[Permission::UsersRead, Permission::CoursesRead],
        "everything",
        None,
    );
    let account = holder.get("/v1/me").await.id();
    let path = format!("/v1/service-accounts/{account}/secrets");
    let confined = json!({"permissions": ["users.read", "users.write"]});
    let secret = admin.post(&path, confined).await.assert_status(201);
    assert_eq!(
        secret.at("/record/permissions"),
        json!(["users.read", "users.write"])
    );

    let answer = sign_in(&app, &account, &secret.at("/secret"))
        .await
        .assert_status(200);
    assert_eq!(answer.at("/scope"), json!("users.read users.write"));
    let token = answer.at("/access_token").as_str().unwrap().to_owned();
    let client = crate::support::Client::new(&app.address, Some(token));
    client.get("/v1/users").await.assert_status(200);
    client.get("/v1/courses").await.assert_problem(403, "forbidden");
    // What the account is not granted, no secret of it opens.
    let person = json!({"username": "x", "given_name": "X", "family_name": "Y"});
    client
        .post("/v1/users", person)
        .await
        .assert_problem(403, "forbidden");
    assert_eq!(
        client.get("/v1/me").await.at("/permissions/0/permission"),
        json!("users.read")
    );
    assert_eq!(client.get("/v1/me").await.at("/permissions/1"), json!(null));
    holder.get("/v1/courses").await.assert_status(200);

    let secret = secret.at("/secret");
    let asking = async |scope: &str| {
        let parameters = [
            ("grant_type", "client_credentials"),
            ("client_id", account.as_str()),
            ("client_secret", secret.as_str().unwrap()),
            ("scope", scope),
        ];
        super::form(&app.anonymous(), "/oauth/token", &parameters).await
    };
    let answer = asking("users.write").await.assert_status(200);
    assert_eq!(answer.at("/scope"), json!("users.write"));
    for scope in ["courses.read", "openid"] {
        super::assert_oauth_error(&asking(scope).await, 400, "invalid_scope");
    }

    admin
        .post(&path, json!({"permissions": ["users.fly"]}))
        .await
        .assert_status(422);
    admin
        .post(&path, json!({"permissions": []}))
        .await
        .assert_status(422);
}

#[actix_web::test]
async fn callers_who_hold_less_make_confined_secrets_only() {
    let app = TestApp::start().await;
    let account = app.holding(
        &[Permission::UsersRead, Permission::EventsRead],
        "everything",
        None,
    );
    let account = account.get("/v1/me").await.id();
    let path = format!("/v1/service-accounts/{account}/secrets");
    let keeper = [
        Permission::RolesRead,
        Permission::RolesWrite,
        Permission::UsersRead,
    ];
    let keeper = app.holding(&keeper, "everything", None);
    for body in [json!({}), json!({"permissions": ["events.read"]})] {
        keeper
            .post(&path, body)
            .await
            .assert_problem(403, "grant_exceeds_caller");
    }
    keeper
        .post(&path, json!({"permissions": ["users.read"]}))
        .await
        .assert_status(201);
}

#[actix_web::test]
async fn what_one_token_did_another_that_may_less_is_not_shown() {
    let app = TestApp::start().await;
    let client = app.holding(
        &[Permission::UsersWrite, Permission::UsersRead],
        "everything",
        None,
    );
    let account = client.get("/v1/me").await.id().parse().unwrap();
    let confined = provost::access::token::issue_confined(
        &app.app,
        account,
        Some("users.read".into()),
        app.app.clock.now(),
    );
    let confined = Client::new(&app.address, Some(confined.unwrap()));
    let body = json!({"username": "ana", "given_name": "Ana", "family_name": "Silva"});
    let key = |client: &Client| client.with("Idempotency-Key", "k1");
    key(&client)
        .post("/v1/users", body.clone())
        .await
        .assert_status(201);
    key(&client)
        .post("/v1/users", body.clone())
        .await
        .assert_status(201);
    key(&confined)
        .post("/v1/users", body)
        .await
        .assert_problem(422, "idempotency_mismatch");
}
