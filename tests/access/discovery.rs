//! What the discovery document announces is what works.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use provost::authz::Permission;
use serde_json::{Value, json};

use super::{PASSWORD, client_with_secret, form, person_with_password, sign_in};
use crate::support::{Answer, TestApp};

type Parameters = &'static [(&'static str, &'static str)];

async fn metadata(app: &TestApp) -> Answer {
    app.anonymous()
        .get("/.well-known/oauth-authorization-server")
        .await
        .assert_status(200)
}

fn words(metadata: &Answer, name: &str) -> BTreeSet<String> {
    let words = metadata.at(&format!("/{name}"));
    words
        .as_array()
        .unwrap_or_else(|| panic!("{name}: {words}"))
        .iter()
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

#[actix_web::test]
async fn the_addresses_that_are_announced_answer() {
    let app = TestApp::start().await;
    let metadata = metadata(&app).await;
    assert_eq!(metadata.at("/issuer"), json!(app.address));
    let keys = metadata.at("/jwks_uri");
    let keys = app
        .anonymous()
        .get(keys.as_str().unwrap())
        .await
        .assert_status(200);
    assert_eq!(keys.at("/keys/0/use"), "sig");
    let docs = metadata.at("/service_documentation");
    let docs = app.anonymous().get(docs.as_str().unwrap()).await;
    assert!(docs.status < 400, "{}", docs.status);
    for name in ["token_endpoint", "revocation_endpoint", "introspection_endpoint"] {
        let address = metadata.at(&format!("/{name}"));
        let answer = form(&app.anonymous(), address.as_str().unwrap(), &[]).await;
        assert!(answer.at("/error").is_string(), "{name}: {}", answer.text());
    }
    let address = metadata.at("/authorization_endpoint");
    app.anonymous()
        .get(address.as_str().unwrap())
        .await
        .assert_problem(400, "invalid_parameter");
    let known = [
        "issuer",
        "authorization_endpoint",
        "authorization_response_iss_parameter_supported",
        "code_challenge_methods_supported",
        "token_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
        "jwks_uri",
        "service_documentation",
        "grant_types_supported",
        "response_types_supported",
        "token_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_methods_supported",
    ];
    let all = metadata.json();
    let all: BTreeSet<_> = all.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(all, BTreeSet::from(known), "each has its check in this file");
    // Tried in `sso::sign_in`.
    assert_eq!(metadata.at("/response_types_supported"), json!(["code"]));
    assert_eq!(metadata.at("/code_challenge_methods_supported"), json!(["S256"]));
    assert_eq!(
        metadata.at("/authorization_response_iss_parameter_supported"),
        json!(true)
    );
}

#[actix_web::test]
async fn the_grant_types_that_are_announced_are_those_that_are_taken() {
    let app = TestApp::start().await;
    let announced = words(&metadata(&app).await, "grant_types_supported");
    for grant_type in [
        "password",
        "client_credentials",
        "refresh_token",
        "authorization_code",
        "implicit",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ] {
        let answer = form(&app.anonymous(), "/oauth/token", &[("grant_type", grant_type)]).await;
        let is_taken = answer.at("/error") != "unsupported_grant_type";
        assert_eq!(
            is_taken,
            announced.contains(grant_type),
            "{grant_type}: {}",
            answer.text()
        );
    }
}

#[actix_web::test]
async fn the_ways_to_authenticate_that_are_announced_are_those_that_work() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    let metadata = metadata(&app).await;
    let permissions = [Permission::TokensIntrospect];
    let (id, secret) = client_with_secret(&app, &permissions, ("everything", None)).await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let basic = app.anonymous().with("Authorization", &basic);
    let in_form = [("client_id", id.as_str()), ("client_secret", secret.as_str())];
    let endpoints: [(&str, &str, Parameters); 2] = [
        ("token", "/oauth/token", &[("grant_type", "client_credentials")]),
        ("introspection", "/oauth/introspect", &[("token", "x")]),
    ];
    for (name, path, parameters) in endpoints {
        let mut works = BTreeSet::new();
        let mut note = |method: &str, answer: Answer| {
            if answer.status == 200 {
                works.insert(method.to_owned());
            }
        };
        let with_secret = [parameters, &in_form[..]].concat();
        note("client_secret_basic", form(&basic, path, parameters).await);
        note(
            "client_secret_post",
            form(&app.anonymous(), path, &with_secret).await,
        );
        let without = if name == "token" {
            &[
                ("grant_type", "password"),
                ("username", "ana"),
                ("password", PASSWORD),
            ][..]
        } else {
            parameters
        };
        note("none", form(&app.anonymous(), path, without).await);
        let announced = words(&metadata, &format!("{name}_endpoint_auth_methods_supported"));
        assert_eq!(works, announced, "{name}");
    }
    let announced = words(&metadata, "revocation_endpoint_auth_methods_supported");
    assert_eq!(json!(announced), Value::from(vec!["none"]));
    let tokens = sign_in(&app, "ana").await;
    form(
        &app.anonymous(),
        "/oauth/revoke",
        &[("token", &tokens.refresh_token)],
    )
    .await
    .assert_status(200);
    tokens.client(&app).get("/v1/me").await.assert_status(401);
}
