use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, jwk::JwkSet};
use provost::access::token::Claims;
use serde_json::{Value, json};

use super::person;
use crate::support::{Client, TestApp};

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
async fn forged_tokens_are_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let parts: Vec<&str> = admin.token().split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("a token has three parts")
    };
    let keys = app.app.keys.all().unwrap();
    let own = &keys[0].encoding;
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let write = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let with = |part: &str, name: &str, value: Value| {
        let mut changed = read(part);
        changed[name] = value;
        changed
    };
    let signed = |claims: &Value, change: fn(&mut Header), key: &EncodingKey| {
        let mut header = jsonwebtoken::decode_header(admin.token()).unwrap();
        change(&mut header);
        jsonwebtoken::encode(&header, claims, key).unwrap()
    };
    let claims_now = read(claims);
    let public: Value = app
        .anonymous()
        .get("/.well-known/jwks.json")
        .await
        .at("/keys/0/x");
    let public = URL_SAFE_NO_PAD.decode(public.as_str().unwrap()).unwrap();
    let mut flipped = URL_SAFE_NO_PAD.decode(signature).unwrap();
    flipped[0] ^= 1;

    let corpus = [
        ("nothing", String::new()),
        ("a word", "token".into()),
        ("two parts", format!("{header}.{claims}")),
        ("no signature", format!("{header}.{claims}.")),
        (
            "a flipped bit",
            format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(flipped)),
        ),
        (
            "another subject",
            format!(
                "{header}.{}.{signature}",
                write(&with(claims, "sub", json!(uuid::Uuid::now_v7())))
            ),
        ),
        (
            "a longer life",
            format!(
                "{header}.{}.{signature}",
                write(&with(claims, "exp", json!(9_999_999_999i64)))
            ),
        ),
        (
            "alg none",
            format!("{}.{claims}.", write(&with(header, "alg", json!("none")))),
        ),
        (
            "alg none, signed",
            format!(
                "{}.{claims}.{signature}",
                write(&with(header, "alg", json!("none")))
            ),
        ),
        (
            "the public key as a secret",
            signed(
                &claims_now,
                |h| h.alg = Algorithm::HS256,
                &EncodingKey::from_secret(&public),
            ),
        ),
        (
            "an unknown key",
            signed(&claims_now, |h| h.kid = Some("other".into()), own),
        ),
        ("no key", signed(&claims_now, |h| h.kid = None, own)),
        (
            "another type",
            signed(&claims_now, |h| h.typ = Some("JWT".into()), own),
        ),
        ("no type", signed(&claims_now, |h| h.typ = None, own)),
        (
            "another audience",
            signed(
                &with(claims, "aud", json!("https://other.example.com")),
                |_| (),
                own,
            ),
        ),
        (
            "another issuer",
            signed(
                &with(claims, "iss", json!("https://other.example.com")),
                |_| (),
                own,
            ),
        ),
        (
            "no audience",
            signed(&with(claims, "aud", Value::Null), |_| (), own),
        ),
        (
            "an end in the past",
            signed(&with(claims, "exp", json!(1)), |_| (), own),
        ),
        (
            "a beginning in the future",
            signed(&with(claims, "iat", json!(9_999_999_999i64)), |_| (), own),
        ),
        (
            "a kind that is none",
            signed(&with(claims, "kind", json!("god")), |_| (), own),
        ),
        (
            "the system",
            signed(&with(claims, "kind", json!("system")), |_| (), own),
        ),
        (
            "the wrong kind",
            signed(&with(claims, "kind", json!("service_account")), |_| (), own),
        ),
        (
            "nobody",
            signed(&with(claims, "sub", json!(uuid::Uuid::nil())), |_| (), own),
        ),
    ];
    // First those that no cache of callers helps.
    for (what, token) in &corpus {
        let forger = Client::new(&app.address, Some(token.clone()));
        let answer = forger.get("/v1/me").await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{what}");
    }
    admin.get("/v1/me").await.assert_status(200);
    for (what, token) in &corpus {
        let answer = Client::new(&app.address, Some(token.clone())).get("/v1/me").await;
        assert_eq!(
            answer.status,
            401,
            "{what}, once the caller is known: {}",
            answer.text()
        );
    }
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
