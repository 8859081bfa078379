//! `/oauth/introspect`.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use provost::authz::Permission;
use serde_json::json;
use uuid::Uuid;

use super::{
    SignedIn, assert_oauth_error, client_with_secret, form, id, person_with_password, refresh, sessions,
    sign_in,
};
use crate::support::{Answer, Client, TestApp};

/// A program that may ask, by HTTP Basic.
async fn asker(app: &TestApp, scope: (&str, Option<Uuid>)) -> Client {
    let (id, secret) = client_with_secret(app, &[Permission::TokensIntrospect], scope).await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    app.anonymous().with("Authorization", &basic)
}

async fn introspect(client: &Client, token: &str) -> Answer {
    let answer = form(client, "/oauth/introspect", &[("token", token)]).await;
    let answer = answer.assert_status(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer
}

#[track_caller]
fn assert_inactive(answer: &Answer) {
    assert_eq!(answer.json(), json!({"active": false}));
}

#[actix_web::test]
async fn tokens_in_force_say_whose_they_are() {
    let app = TestApp::start().await;
    let ana = person_with_password(&app, "ana").await;
    let tokens = sign_in(&app, "ana").await;
    let asker = asker(&app, ("everything", None)).await;
    let session = sessions(&tokens.client(&app), ana).await[0]["id"].clone();

    let access = introspect(&asker, &tokens.access_token).await;
    assert_eq!(
        (
            access.at("/active"),
            access.at("/token_type"),
            access.at("/sub"),
            access.at("/kind"),
            access.at("/username"),
            access.at("/iss"),
            access.at("/sid"),
        ),
        (
            json!(true),
            json!("Bearer"),
            json!(ana),
            json!("user"),
            json!("ana"),
            json!(app.address),
            session.clone()
        )
    );
    assert_eq!(
        access.at("/exp").as_i64().unwrap() - access.at("/iat").as_i64().unwrap(),
        900
    );
    let refresh = introspect(&asker, &tokens.refresh_token).await;
    assert_eq!(
        (
            refresh.at("/active"),
            refresh.at("/token_type"),
            refresh.at("/sub"),
            refresh.at("/sid")
        ),
        (json!(true), json!(null), json!(ana), session)
    );

    let (id, secret) = client_with_secret(&app, &[], ("everything", None)).await;
    let parameters = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    let program = form(&app.anonymous(), "/oauth/token", &parameters)
        .await
        .assert_status(200);
    let program = introspect(&asker, program.at("/access_token").as_str().unwrap()).await;
    assert_eq!(
        (
            program.at("/active"),
            program.at("/kind"),
            program.at("/client_id"),
            program.at("/username")
        ),
        (json!(true), json!("service_account"), json!(id), json!(null))
    );
}

#[actix_web::test]
async fn whatever_does_not_count_is_inactive_and_no_more_is_said() {
    let app = TestApp::start().await;
    let ana = person_with_password(&app, "ana").await;
    let admin = app.admin().await;
    let asker = asker(&app, ("everything", None)).await;
    for token in ["x", "a.b.c", "pvr_x"] {
        assert_inactive(&introspect(&asker, token).await);
    }

    let first = sign_in(&app, "ana").await;
    let second = SignedIn::of(&refresh(&app, &first.refresh_token).await.assert_status(200));
    assert_inactive(&introspect(&asker, &first.refresh_token).await);
    assert_eq!(introspect(&asker, &first.access_token).await.at("/active"), true);

    let path = format!("/v1/users/{ana}");
    admin
        .patch(&path, json!({"status": "suspended"}))
        .await
        .assert_status(200);
    assert_inactive(&introspect(&asker, &second.access_token).await);
    assert_inactive(&introspect(&asker, &second.refresh_token).await);
    admin
        .patch(&path, json!({"status": "active"}))
        .await
        .assert_status(200);
    assert_eq!(introspect(&asker, &second.access_token).await.at("/active"), true);

    form(
        &app.anonymous(),
        "/oauth/revoke",
        &[("token", &second.refresh_token)],
    )
    .await
    .assert_status(200);
    assert_inactive(&introspect(&asker, &second.access_token).await);
    assert_inactive(&introspect(&asker, &second.refresh_token).await);

    let third = sign_in(&app, "ana").await;
    app.app.clock.advance(TimeDelta::seconds(900));
    assert_inactive(&introspect(&asker, &third.access_token).await);
    assert_eq!(introspect(&asker, &third.refresh_token).await.at("/active"), true);
    app.app.clock.advance(TimeDelta::days(30));
    assert_inactive(&introspect(&asker, &third.refresh_token).await);
}

#[actix_web::test]
async fn only_programs_that_hold_the_permission_may_ask_and_only_in_their_scope() {
    let app = TestApp::start().await;
    let ana = person_with_password(&app, "ana").await;
    let tokens = sign_in(&app, "ana").await;
    let ask = [("token", tokens.access_token.as_str())];
    let admin = app.admin().await;

    let nobody = form(&app.anonymous(), "/oauth/introspect", &ask).await;
    assert_oauth_error(&nobody, 401, "invalid_client");
    assert_eq!(nobody.header("www-authenticate"), Some("Basic realm=\"provost\""));
    assert_oauth_error(
        &form(&admin, "/oauth/introspect", &ask).await,
        401,
        "invalid_client",
    );
    let wrong = [
        ("token", "x"),
        ("client_id", "nobody"),
        ("client_secret", "wrong"),
    ];
    let wrong = form(&app.anonymous(), "/oauth/introspect", &wrong).await;
    assert_oauth_error(&wrong, 401, "invalid_client");

    let others: Vec<_> = Permission::ALL
        .iter()
        .copied()
        .filter(|permission| *permission != Permission::TokensIntrospect)
        .collect();
    let (id_without, secret) = client_with_secret(&app, &others, ("everything", None)).await;
    let without = [ask[0], ("client_id", &id_without), ("client_secret", &secret)];
    let without = form(&app.anonymous(), "/oauth/introspect", &without).await;
    assert_oauth_error(&without, 403, "insufficient_scope");

    let unit = json!({"code": "emea", "name": "EMEA"});
    let unit = id(&admin.post("/v1/org-units", unit).await.assert_status(201));
    let of_unit = asker(&app, ("org_unit", Some(unit))).await;
    assert_inactive(&introspect(&of_unit, &tokens.access_token).await);
    assert_inactive(&introspect(&of_unit, &tokens.refresh_token).await);
    let program = client_with_secret(&app, &[], ("everything", None)).await.0;
    let program = app.client_of_service_account(program.parse().unwrap());
    assert_inactive(&introspect(&of_unit, program.token()).await);
    let joins = json!({"org_unit_id": unit});
    admin
        .patch(&format!("/v1/users/{ana}"), joins)
        .await
        .assert_status(200);
    assert_eq!(
        introspect(&of_unit, &tokens.access_token).await.at("/sub"),
        json!(ana)
    );

    let empty = form(&of_unit, "/oauth/introspect", &[]).await;
    assert_oauth_error(&empty, 400, "invalid_request");
    let nul = form(&of_unit, "/oauth/introspect", &[("token", "a\0b")]).await;
    assert_oauth_error(&nul, 400, "invalid_request");
    let twice = [ask[0], ("client_secret", "x")];
    let twice = form(&of_unit, "/oauth/introspect", &twice).await;
    assert_oauth_error(&twice, 400, "invalid_request");
}
