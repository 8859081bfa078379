//! Signing out here and at the provider.

use super::{super::assert_oauth_error, *};

const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

async fn tell(academy: &Academy, claims: &Value) -> Answer {
    let token = academy
        .provider
        .sign_with(claims, |header| header.typ = Some("logout+jwt".into()));
    form(
        &academy.app.anonymous(),
        "/oauth/backchannel-logout",
        &[("logout_token", &token)],
    )
    .await
}

fn logout_claims(academy: &Academy) -> Value {
    let mut claims = academy.claims("a-1");
    claims["events"] = json!({LOGOUT: {}});
    claims["jti"] = json!("1");
    claims
}

async fn has_ended(academy: &Academy, signed_in: &SignedIn) -> bool {
    signed_in.client(&academy.app).get("/v1/me").await.status == 401
}

#[actix_web::test]
async fn who_signs_out_at_the_provider_is_signed_out_here() {
    let academy = Academy::with(json!({})).await;
    let ana_first = academy.sign_in(ana()).await;
    let mut bea = ana();
    bea["sub"] = json!("b-1");
    bea["preferred_username"] = json!("bea");
    let bea = academy.sign_in(bea).await;

    let mut claims = logout_claims(&academy);
    claims["sid"] = json!("another session");
    tell(&academy, &claims).await.assert_status(200);
    assert!(!has_ended(&academy, &ana_first).await);
    claims["sid"] = json!("session of a-1");
    tell(&academy, &claims).await.assert_status(200);
    assert!(has_ended(&academy, &ana_first).await);
    assert!(!has_ended(&academy, &bea).await);
    let answer = refresh(&academy.app, &ana_first.refresh_token).await;
    assert_oauth_error(&answer, 400, "invalid_grant");

    // Without a session all of the person's end.
    let both = [academy.sign_in(ana()).await, academy.sign_in(ana()).await];
    tell(&academy, &logout_claims(&academy)).await.assert_status(200);
    for one in &both {
        assert!(has_ended(&academy, one).await);
    }
    assert!(!has_ended(&academy, &bea).await);
    // What it said does not concern what begins later.
    let before = logout_claims(&academy);
    academy.app.app.clock.advance(chrono::TimeDelta::seconds(100));
    let later = academy.sign_in(ana()).await;
    tell(&academy, &before).await.assert_status(200);
    assert!(!has_ended(&academy, &later).await);
    let mut browser = academy.begin().await;
    let back = browser.come_back(&academy, ana()).await;
    tell(&academy, &logout_claims(&academy)).await.assert_status(200);
    assert_oauth_error(&browser.redeem(&academy, &back).await, 400, "invalid_grant");

    let id: Uuid = academy.me(&bea).await["id"].as_str().unwrap().parse().unwrap();
    let mut nameless = logout_claims(&academy);
    nameless["sub"] = json!(null);
    nameless["sid"] = json!("session of b-1");
    tell(&academy, &nameless).await.assert_status(200);
    assert_eq!(
        sessions(&academy.admin, id).await[0]["end_reason"],
        json!("provider_signed_out")
    );
}

#[actix_web::test]
async fn logout_tokens_that_do_not_count_end_nothing() {
    let academy = Academy::with(json!({})).await;
    let signed_in = academy.sign_in(ana()).await;
    let now = academy.app.app.clock.now().timestamp();
    for (name, value) in [
        ("events", json!(null)),
        ("events", json!({"other": {}})),
        ("nonce", json!("x")),
        ("aud", json!("others")),
        ("iss", json!("https://other.example.com")),
        ("exp", json!(now - 100)),
        ("iat", json!(null)),
        ("sub", json!(null)),
        ("jti", json!(null)),
        ("sid", json!("a\u{0}b")),
    ] {
        let mut claims = logout_claims(&academy);
        claims[name] = value.clone();
        if name == "nonce" {
            assert!(claims["nonce"].is_string());
        }
        assert_oauth_error(&tell(&academy, &claims).await, 400, "invalid_request");
    }
    let forged = Provider::start().sign(&logout_claims(&academy));
    let nobody = academy.app.anonymous();
    for form_body in [
        vec![("logout_token", forged.as_str())],
        vec![],
        vec![("logout_token", "x")],
    ] {
        let answer = form(&nobody, "/oauth/backchannel-logout", &form_body).await;
        assert_oauth_error(&answer, 400, "invalid_request");
    }
    assert!(!has_ended(&academy, &signed_in).await);
}

#[actix_web::test]
async fn who_signs_out_here_learns_the_way_to_sign_out_there() {
    let academy = Academy::with(json!({})).await;
    let signed_in = academy.sign_in(ana()).await;
    let nobody = academy.app.anonymous();
    let body = json!({"refresh_token": signed_in.refresh_token,
        "post_logout_redirect_uri": "https://learn.example.com/bye", "state": "s"});
    let answer = nobody
        .post("/account/sign-outs", body.clone())
        .await
        .assert_status(200);
    let there = Parameters::of(answer.at("/provider_sign_out_url").as_str().unwrap());
    assert_eq!(there.url.path(), "/end");
    assert_eq!(
        (
            there.get("client_id"),
            there.get("post_logout_redirect_uri"),
            there.get("state")
        ),
        (
            CLIENT.0.into(),
            "https://learn.example.com/bye".into(),
            "s".into()
        )
    );
    assert_eq!(there.get("id_token_hint").split('.').count(), 3);
    assert!(has_ended(&academy, &signed_in).await);

    // A refresh token that was used reads out nothing.
    let again = academy.sign_in(ana()).await;
    refresh(&academy.app, &again.refresh_token)
        .await
        .assert_status(200);
    let answer = nobody
        .post(
            "/account/sign-outs",
            json!({"refresh_token": again.refresh_token}),
        )
        .await
        .assert_status(200);
    let there = Parameters::of(answer.at("/provider_sign_out_url").as_str().unwrap());
    assert_eq!(there.get("id_token_hint"), "");

    super::super::person_with_password(&academy.app, "local").await;
    let local = super::super::sign_in(&academy.app, "local").await;
    for token in [local.refresh_token.as_str(), "pvr_made-up"] {
        let answer = nobody
            .post("/account/sign-outs", json!({"refresh_token": token}))
            .await
            .assert_status(200);
        assert_eq!(answer.at("/provider_sign_out_url"), json!(null));
    }
    assert!(has_ended(&academy, &local).await);
}

#[actix_web::test]
async fn a_logout_token_that_comes_again_ends_nothing_that_began_since() {
    let academy = Academy::with(json!({})).await;
    let before = academy.sign_in(ana()).await;
    let claims = logout_claims(&academy);
    tell(&academy, &claims).await.assert_status(200);
    assert!(has_ended(&academy, &before).await);

    academy.app.app.clock.advance(chrono::TimeDelta::seconds(2));
    let since = academy.sign_in(ana()).await;
    let mut browser = academy.begin().await;
    let back = browser.come_back(&academy, ana()).await;
    tell(&academy, &claims).await.assert_status(200);
    assert!(!has_ended(&academy, &since).await);
    browser.redeem(&academy, &back).await.assert_status(200);
}

#[actix_web::test]
async fn a_provider_that_is_turned_off_still_ends_sessions() {
    let academy = Academy::with(json!({})).await;
    let signed_in = academy.sign_in(ana()).await;
    academy.change(json!({"enabled": false})).await;
    assert!(!has_ended(&academy, &signed_in).await);
    let mut unheard = logout_claims(&academy);
    unheard["iss"] = json!("https://other.example.com\u{0}");
    assert_oauth_error(&tell(&academy, &unheard).await, 400, "invalid_request");
    tell(&academy, &logout_claims(&academy)).await.assert_status(200);
    assert!(has_ended(&academy, &signed_in).await);
}

#[actix_web::test]
async fn an_id_token_for_a_list_of_one_is_a_hint_too() {
    let academy = Academy::with(json!({})).await;
    let mut browser = academy.begin().await;
    academy.provider.tell(ana());
    let mut claims = academy.claims("a-1");
    claims["nonce"] = json!(browser.asked.get("nonce"));
    claims["aud"] = json!([CLIENT.0]);
    let id_token = academy.provider.sign(&claims);
    let back = browser.come_back_with(&academy, id_token.clone()).await;
    let signed_in = SignedIn::of(&browser.redeem(&academy, &back).await.assert_status(200));
    let answer = academy
        .app
        .anonymous()
        .post(
            "/account/sign-outs",
            json!({"refresh_token": signed_in.refresh_token}),
        )
        .await
        .assert_status(200);
    let there = Parameters::of(answer.at("/provider_sign_out_url").as_str().unwrap());
    assert_eq!(there.get("id_token_hint"), id_token);
}
