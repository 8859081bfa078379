use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use provost::access::token::Claims;
use serde_json::json;

use super::person;
use crate::support::TestApp;

#[actix_web::test]
async fn others_verify_a_token_with_the_public_keys_alone() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let keys = app
        .anonymous()
        .get("/.well-known/jwks.json")
        .await
        .assert_status(200);
    let keys: JwkSet = serde_json::from_slice(&keys.bytes).unwrap();

    let header = jsonwebtoken::decode_header(admin.token()).unwrap();
    let key = keys.find(&header.kid.unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[&app.address]);
    validation.set_issuer(&[&app.address]);
    let token =
        jsonwebtoken::decode::<Claims>(admin.token(), &DecodingKey::from_jwk(key).unwrap(), &validation);

    let claims = token.unwrap().claims;
    assert_eq!(claims.sub.to_string(), admin.get("/v1/me").await.id());
}

#[actix_web::test]
async fn a_suspended_person_is_refused_on_their_next_request() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana").await;
    let client = app.client_of(ana);
    client.get("/v1/me").await.assert_status(200);

    let path = format!("/v1/users/{ana}");
    admin
        .patch(&path, json!({"status": "suspended"}))
        .await
        .assert_status(200);
    client.get("/v1/me").await.assert_problem(401, "unauthenticated");

    admin
        .patch(&path, json!({"status": "active"}))
        .await
        .assert_status(200);
    client.get("/v1/me").await.assert_status(200);
}

#[actix_web::test]
async fn a_token_ends_when_it_says() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    admin.get("/v1/me").await.assert_status(200);

    app.app.clock.advance(TimeDelta::seconds(840));
    admin.get("/v1/me").await.assert_status(200);
    app.app.clock.advance(TimeDelta::seconds(60));
    admin.get("/v1/me").await.assert_problem(401, "unauthenticated");
}

#[actix_web::test]
async fn another_scheme_is_no_token() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for value in [
        "",
        "Bearer",
        "Basic YTpi",
        &format!("Token {}", admin.token()),
        admin.token(),
    ] {
        app.anonymous()
            .with("Authorization", value)
            .get("/v1/me")
            .await
            .assert_problem(401, "unauthenticated");
    }
}
