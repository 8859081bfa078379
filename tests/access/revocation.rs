//! `/oauth/revoke`.

use serde_json::json;

use super::{
    SignedIn, assert_oauth_error, client_with_secret, form, person_with_password, refresh, sessions, sign_in,
};
use crate::support::{Answer, TestApp};

async fn revoke(app: &TestApp, token: &str) -> Answer {
    let parameters = [("token", token), ("token_type_hint", "whatever")];
    form(&app.anonymous(), "/oauth/revoke", &parameters).await
}

async fn assert_over(app: &TestApp, tokens: &SignedIn) {
    let answer = tokens.client(app).get("/v1/me").await;
    answer.assert_problem(401, "unauthenticated");
    assert_oauth_error(&refresh(app, &tokens.refresh_token).await, 400, "invalid_grant");
}

#[actix_web::test]
async fn revoking_either_token_ends_the_session_and_no_other() {
    let app = TestApp::start().await;
    let ana = person_with_password(&app, "ana").await;
    let by_refresh = sign_in(&app, "ana").await;
    let by_access = sign_in(&app, "ana").await;
    let kept = sign_in(&app, "ana").await;

    let answer = revoke(&app, &by_refresh.refresh_token).await.assert_status(200);
    assert!(answer.bytes.is_empty());
    revoke(&app, &by_access.access_token).await.assert_status(200);

    assert_over(&app, &by_refresh).await;
    assert_over(&app, &by_access).await;
    kept.client(&app).get("/v1/me").await.assert_status(200);
    let reasons: Vec<_> = sessions(&kept.client(&app), ana)
        .await
        .iter()
        .map(|session| session["end_reason"].clone())
        .collect();
    assert_eq!(json!(reasons), json!([null, "signed_out", "signed_out"]));
}

#[actix_web::test]
async fn a_used_refresh_token_ends_its_session_too() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    let first = sign_in(&app, "ana").await;
    let second = SignedIn::of(&refresh(&app, &first.refresh_token).await.assert_status(200));
    revoke(&app, &first.refresh_token).await.assert_status(200);
    assert_over(&app, &second).await;
}

#[actix_web::test]
async fn tokens_that_do_not_count_are_answered_alike() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    let tokens = sign_in(&app, "ana").await;
    revoke(&app, &tokens.refresh_token).await.assert_status(200);
    for token in ["x", "pvr_x", "a.b.c", &tokens.refresh_token, &tokens.access_token] {
        revoke(&app, token).await.assert_status(200);
    }
    for parameters in [
        &[("token", "")][..],
        &[],
        &[("token", "a"), ("token", "b")],
        &[("token", "a\0b")],
    ] {
        let answer = form(&app.anonymous(), "/oauth/revoke", parameters).await;
        assert_oauth_error(&answer, 400, "invalid_request");
    }
    let as_json = app.anonymous().post("/oauth/revoke", json!({"token": "x"})).await;
    assert_oauth_error(&as_json, 400, "invalid_request");
}

#[actix_web::test]
async fn access_tokens_of_programs_end_by_time_alone() {
    let app = TestApp::start().await;
    let (id, secret) = client_with_secret(&app, &[], ("everything", None)).await;
    let parameters = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    let answer = form(&app.anonymous(), "/oauth/token", &parameters)
        .await
        .assert_status(200);
    assert_eq!(
        answer.at("/refresh_token"),
        json!(null),
        "RFC 6749, section 4.4.3"
    );
    let token = answer.at("/access_token");
    let answer = revoke(&app, token.as_str().unwrap()).await;
    assert_oauth_error(&answer, 400, "unsupported_token_type");
}
