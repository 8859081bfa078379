//! A provider's tokens, as they are and in exchange.

use chrono::TimeDelta;

use super::{super::assert_oauth_error, *};

const API: &str = "https://api.example.com";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

pub async fn exchange(academy: &Academy, token: String) -> Answer {
    let parameters = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", token.as_str()),
        ("subject_token_type", ID_TOKEN),
    ];
    form(&academy.app.anonymous(), "/oauth/token", &parameters).await
}

async fn academy() -> Academy {
    Academy::with(json!({"audiences": [API], "updates_people": true})).await
}

/// What an access token of Ana says.
fn access_claims(academy: &Academy) -> Value {
    let mut claims = academy.claims("a-1");
    for (name, value) in ana().as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims["aud"] = json!(API);
    claims["azp"] = json!("an app");
    claims["scope"] = json!("openid profile");
    claims
}

fn bearer(academy: &Academy, claims: &Value) -> Client {
    Client::new(&academy.app.address, Some(academy.provider.sign(claims)))
}

#[actix_web::test]
async fn an_access_token_of_the_provider_is_good_as_it_is_for_its_person() {
    let academy = academy().await;
    let claims = access_claims(&academy);
    let client = bearer(&academy, &claims);
    let me = client.get("/v1/me").await.assert_status(200);
    let id = me.id();
    let person = client.get(&format!("/v1/users/{id}")).await.assert_status(200);
    assert_eq!(
        (me.at("/kind"), person.at("/username")),
        (json!("user"), json!("ana"))
    );
    assert_eq!(bearer(&academy, &claims).get("/v1/me").await.id(), id);
    let typed = academy
        .provider
        .sign_with(&claims, |header| header.typ = Some("at+jwt".into()));
    let typed = Client::new(&academy.app.address, Some(typed));
    assert_eq!(typed.get("/v1/me").await.assert_status(200).id(), id);

    // Suspension counts at once, and so does the token's end.
    let path = format!("/v1/users/{id}");
    academy
        .admin
        .patch(&path, json!({"status": "suspended"}))
        .await
        .assert_status(200);
    client.get("/v1/me").await.assert_problem(401, "unauthenticated");
    academy
        .admin
        .patch(&path, json!({"status": "active"}))
        .await
        .assert_status(200);
    client.get("/v1/me").await.assert_status(200);
    academy.app.app.clock.advance(TimeDelta::seconds(361));
    client.get("/v1/me").await.assert_problem(401, "unauthenticated");
}

#[actix_web::test]
async fn tokens_for_others_are_refused() {
    let academy = academy().await;
    let now = academy.app.app.clock.now().timestamp();
    for (name, value) in [
        ("aud", json!(CLIENT.0)),
        ("aud", json!("https://other.example.com")),
        ("iss", json!("https://other.example.com")),
        ("exp", json!(now - 100)),
        ("sub", json!(null)),
        ("sub", json!("a\u{0}1")),
        ("events", json!({})),
        ("nonce", json!("as ID tokens have")),
        ("exp", json!(8_210_266_876_799i64)),
    ] {
        let mut claims = access_claims(&academy);
        claims[name] = value.clone();
        let answer = bearer(&academy, &claims).get("/v1/me").await;
        answer.assert_problem(401, "unauthenticated");
    }
    academy.change(json!({"audiences": []})).await;
    let claims = access_claims(&academy);
    bearer(&academy, &claims).get("/v1/me").await.assert_status(401);
    let answer = exchange(&academy, academy.provider.sign(&claims)).await;
    assert_oauth_error(&answer, 400, "invalid_request");
}

#[actix_web::test]
async fn an_id_token_opens_nothing_by_itself() {
    let academy = Academy::with(json!({"audiences": ["an app"]})).await;
    let mut claims = access_claims(&academy);
    claims["aud"] = json!("an app");
    claims.as_object_mut().unwrap().remove("scope");
    bearer(&academy, &claims).get("/v1/me").await.assert_status(401);
    let typed = academy
        .provider
        .sign_with(&claims, |header| header.typ = Some("at+jwt".into()));
    assert_oauth_error(&exchange(&academy, typed).await, 400, "invalid_request");
    exchange(&academy, academy.provider.sign(&claims))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn what_an_access_token_does_not_say_stays_as_it_is() {
    let academy = academy().await;
    let safety = group(&academy.admin, "safety").await;
    academy
        .change(json!({"groups_claim": "roles", "groups": [{"value": "SAFE", "group_id": safety}]}))
        .await;
    let mut full = access_claims(&academy);
    full["roles"] = json!(["SAFE"]);
    let id = bearer(&academy, &full)
        .get("/v1/me")
        .await
        .assert_status(200)
        .id();
    let mut bare = academy.claims("a-1");
    bare["aud"] = json!(API);
    bare["scope"] = json!("openid");
    let before = academy.admin.get(&format!("/v1/users/{id}")).await.json();
    bearer(&academy, &bare).get("/v1/me").await.assert_status(200);
    assert_eq!(academy.admin.get(&format!("/v1/users/{id}")).await.json(), before);
    assert_eq!(members(&academy.admin, &safety).await.len(), 1);
    bare["sub"] = json!("nobody");
    bearer(&academy, &bare).get("/v1/me").await.assert_status(401);
}

#[actix_web::test]
async fn what_was_taken_counts_no_more_once_the_provider_or_the_identity_is_gone() {
    let academy = academy().await;
    let client = bearer(&academy, &access_claims(&academy));
    let id = client.get("/v1/me").await.assert_status(200).id();
    academy.change(json!({"enabled": false})).await;
    client.get("/v1/me").await.assert_status(401);
    academy
        .change(json!({"enabled": true, "creates_people": false}))
        .await;
    client.get("/v1/me").await.assert_status(200);
    let path = format!("/v1/users/{id}/identities");
    let identity = academy.admin.get(&path).await.at("/data/0/id");
    academy
        .admin
        .delete(&format!("{path}/{}", identity.as_str().unwrap()))
        .await
        .assert_status(204);
    client.get("/v1/me").await.assert_status(401);
}

#[actix_web::test]
async fn an_id_token_is_exchanged_for_a_session() {
    let academy = Academy::with(json!({"audiences": ["an app"]})).await;
    let mut claims = access_claims(&academy);
    claims["aud"] = json!("an app");
    let answer = exchange(&academy, academy.provider.sign(&claims))
        .await
        .assert_status(200);
    assert_eq!(
        answer.at("/issued_token_type"),
        json!("urn:ietf:params:oauth:token-type:access_token")
    );
    let signed_in = SignedIn::of(&answer);
    assert_eq!(academy.me(&signed_in).await["username"], json!("ana"));
    refresh(&academy.app, &signed_in.refresh_token)
        .await
        .assert_status(200);

    for token in [
        String::new(),
        "x".into(),
        "a.b.c".into(),
        Provider::start().sign(&claims),
    ] {
        let answer = exchange(&academy, token).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
}

#[actix_web::test]
async fn what_was_issued_to_provost_itself_is_not_exchanged() {
    let academy = Academy::with(json!({"audiences": ["an app"]})).await;
    for audience in [json!(CLIENT.0), json!([CLIENT.0, "an app"])] {
        let mut claims = access_claims(&academy);
        claims["aud"] = audience;
        let answer = exchange(&academy, academy.provider.sign(&claims)).await;
        assert_oauth_error(&answer, 400, "invalid_request");
    }
}

#[actix_web::test]
async fn an_older_token_sets_nothing_back() {
    let academy =
        Academy::with(json!({"audiences": [API], "updates_people": true, "groups_claim": "groups"})).await;
    let group = super::group(&academy.admin, "officers").await;
    let links = json!({"groups": [{"value": "officers", "group_id": group}]});
    academy.change(links).await;
    let members = async || {
        let members = academy.admin.get(&format!("/v1/groups/{group}/members")).await;
        members.at("/data").as_array().unwrap().len()
    };
    let mut old = access_claims(&academy);
    old["iat"] = json!(old["iat"].as_i64().unwrap() - 10);
    old["groups"] = json!(["officers"]);
    let mut new = access_claims(&academy);
    new["given_name"] = json!("Anna");
    new["groups"] = json!([]);

    for (claims, given_name, in_group) in [(&old, "Ana", 1), (&new, "Anna", 0), (&old, "Anna", 0)] {
        let answer = exchange(&academy, academy.provider.sign(claims)).await;
        let signed_in = SignedIn::of(&answer.assert_status(200));
        assert_eq!(academy.me(&signed_in).await["given_name"], json!(given_name));
        assert_eq!(members().await, in_group);
    }
}

#[actix_web::test]
async fn a_token_from_before_a_sign_out_does_not_undo_it() {
    let academy = academy().await;
    let claims = access_claims(&academy);
    let first = exchange(&academy, academy.provider.sign(&claims)).await;
    let signed_in = SignedIn::of(&first.assert_status(200));
    let id = academy.me(&signed_in).await["id"].as_str().unwrap().to_owned();
    academy
        .admin
        .delete(&format!("/v1/users/{id}/sessions"))
        .await
        .assert_status(204);
    let mut stale = claims.clone();
    stale["family_name"] = json!("Stale");
    let answer = exchange(&academy, academy.provider.sign(&stale)).await;
    assert_oauth_error(&answer, 400, "invalid_request");
    // Nothing of it is taken.
    let person = academy.admin.get(&format!("/v1/users/{id}")).await;
    assert_eq!(person.at("/family_name"), json!("Silva"));
    academy.app.app.clock.advance(TimeDelta::seconds(2));
    let later = academy.app.app.clock.now().timestamp();
    let mut claims = claims;
    claims["iat"] = json!(later);
    exchange(&academy, academy.provider.sign(&claims))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn people_who_may_not_sign_in_block_no_address_and_forgeries_do() {
    let provider = Provider::start();
    let app = TestApp::start_with(|config| config.address_failures = 3).await;
    let admin = app.admin().await;
    let setup = provider.setup(json!({"audiences": [API], "creates_people": false}));
    let added = admin
        .post("/v1/identity-providers", setup)
        .await
        .assert_status(201);
    let academy = Academy {
        id: added.id(),
        app,
        admin,
        provider,
    };
    let claims = access_claims(&academy);
    for _ in 0..5 {
        let answer = exchange(&academy, academy.provider.sign(&claims)).await;
        assert_oauth_error(&answer, 400, "invalid_request");
    }
    let mut expired = claims.clone();
    expired["exp"] = json!(1_000_000);
    for _ in 0..5 {
        let answer = exchange(&academy, academy.provider.sign(&expired)).await;
        assert_oauth_error(&answer, 400, "invalid_request");
    }
    let forger = Provider::start();
    for _ in 0..3 {
        let answer = exchange(&academy, forger.sign(&claims)).await;
        assert_oauth_error(&answer, 400, "invalid_request");
    }
    let answer = exchange(&academy, academy.provider.sign(&claims)).await;
    assert_oauth_error(&answer, 429, "slow_down");
    // Refreshing has a count of its own.
    assert_oauth_error(&refresh(&academy.app, "pvr_x").await, 400, "invalid_grant");
}

#[actix_web::test]
async fn keys_may_change_at_any_time() {
    let academy = academy().await;
    let mut claims = access_claims(&academy);
    bearer(&academy, &claims).get("/v1/me").await.assert_status(200);
    academy.provider.rotate_keys();
    claims["jti"] = json!("after");
    bearer(&academy, &claims).get("/v1/me").await.assert_status(200);

    // Made-up keys do not have the provider asked each time.
    let asked = academy.provider.key_requests();
    for number in 0..20 {
        let token = academy
            .provider
            .sign_with(&claims, |header| header.kid = Some(format!("made-up-{number}")));
        let client = Client::new(&academy.app.address, Some(token));
        client.get("/v1/me").await.assert_status(401);
    }
    assert!(academy.provider.key_requests() <= asked + 5);
}

#[actix_web::test]
async fn an_outage_is_survived_for_a_day_also_by_those_who_start_in_it() {
    let academy = academy().await;
    let mut claims = access_claims(&academy);
    bearer(&academy, &claims).get("/v1/me").await.assert_status(200);
    academy.provider.set_down(true);
    for (number, hours) in [(1, 2), (2, 20)] {
        academy.app.app.clock.advance(TimeDelta::hours(hours));
        let now = academy.app.app.clock.now().timestamp();
        claims["iat"] = json!(now);
        claims["exp"] = json!(now + 300);
        claims["jti"] = json!(number);
        bearer(&academy, &claims).get("/v1/me").await.assert_status(200);
        let node = academy.app.second_node();
        let client = Client::new(&node.address, Some(academy.provider.sign(&claims)));
        client.get("/v1/me").await.assert_status(200);
    }
    academy.app.app.clock.advance(TimeDelta::hours(3));
    let now = academy.app.app.clock.now().timestamp();
    claims["iat"] = json!(now);
    claims["exp"] = json!(now + 300);
    bearer(&academy, &claims)
        .get("/v1/me")
        .await
        .assert_problem(503, "unavailable");
    academy.provider.set_down(false);
    academy.app.app.clock.advance(TimeDelta::seconds(11));
    bearer(&academy, &claims).get("/v1/me").await.assert_status(200);
}

#[actix_web::test]
async fn a_new_key_in_an_outage_is_no_forgery() {
    let academy = academy().await;
    let claims = access_claims(&academy);
    let first = exchange(&academy, academy.provider.sign(&claims)).await;
    first.assert_status(200);
    academy.provider.rotate_keys();
    academy.provider.set_down(true);
    // More often than forgeries may come, and than the provider is asked.
    for _ in 0..30 {
        let answer = exchange(&academy, academy.provider.sign(&claims)).await;
        assert_oauth_error(&answer, 503, "temporarily_unavailable");
    }
    bearer(&academy, &claims)
        .get("/v1/me")
        .await
        .assert_problem(503, "unavailable");
    academy.provider.set_down(false);
    academy.app.app.clock.advance(TimeDelta::seconds(11));
    exchange(&academy, academy.provider.sign(&claims))
        .await
        .assert_status(200);
}
