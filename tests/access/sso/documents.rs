//! What providers say of themselves, and how they are reached.

use chrono::TimeDelta;

use super::*;

/// Whether the front end is told to try the sign-in later.
async fn is_unavailable(academy: &Academy) -> bool {
    let address = authorize(&[
        ("redirect_uri", FRONT_END),
        ("code_challenge", &flows::challenge("x")),
    ]);
    let answer = academy.app.anonymous().get(&address).await.assert_status(302);
    let back = Parameters::of(answer.header("location").unwrap());
    back.get("error") == "temporarily_unavailable"
}

#[actix_web::test]
async fn documents_that_cannot_be_right_are_not_taken() {
    for (what, said) in [
        ("of another", json!({"issuer": "https://other.example.com"})),
        ("not to be kept", json!({"more": "\0"})),
    ] {
        let academy = Academy::with(json!({})).await;
        academy.provider.say(said);
        assert!(is_unavailable(&academy).await, "{what}");
    }
}

#[actix_web::test]
async fn endpoints_that_lead_nowhere_or_to_scripts_are_not_taken() {
    for endpoint in [
        "/authorize",
        "javascript:alert(1)//",
        "http://login.example.com/authorize",
    ] {
        let academy = Academy::with(json!({})).await;
        academy.provider.say(json!({"authorization_endpoint": endpoint}));
        assert!(is_unavailable(&academy).await, "{endpoint}");

        let academy = Academy::with(json!({})).await;
        academy.provider.say(json!({"end_session_endpoint": endpoint}));
        let signed_in = academy.sign_in(ana()).await;
        let answer = academy
            .app
            .anonymous()
            .post(
                "/account/sign-outs",
                json!({"refresh_token": signed_in.refresh_token}),
            )
            .await
            .assert_status(200);
        assert_eq!(answer.at("/provider_sign_out_url"), json!(null), "{endpoint}");
    }
}

#[actix_web::test]
async fn a_provider_that_cannot_be_reached_is_told_to_the_front_end() {
    let academy = Academy::with(json!({})).await;
    academy.provider.set_down(true);
    assert!(is_unavailable(&academy).await);

    // It is back, and asked again after a moment.
    academy.provider.set_down(false);
    academy.app.app.clock.advance(TimeDelta::seconds(11));
    let browser = academy.begin().await;
    academy.provider.set_down(true);
    let code = academy.provider.give_code("x", String::new());
    let answer = browser.call_back(&academy, &[("code", &code)]).await;
    let back = Parameters::of(answer.assert_status(302).header("location").unwrap());
    assert_eq!(back.get("error"), "temporarily_unavailable");
}

#[actix_web::test]
async fn secrets_go_into_the_form_where_the_provider_wants_them_there() {
    let academy = Academy::with(json!({})).await;
    academy
        .provider
        .say(json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]}));
    academy.sign_in(ana()).await;
}

#[actix_web::test]
async fn a_backslash_before_what_looks_like_a_character_is_harmless() {
    let academy = Academy::with(json!({})).await;
    academy.provider.say(json!({"more": "\\u0000"}));
    academy.sign_in(ana()).await;
}

#[actix_web::test]
async fn who_signs_in_by_a_key_that_cannot_be_asked_for_is_to_try_later() {
    let academy = Academy::with(json!({})).await;
    academy.sign_in(ana()).await;
    academy.provider.rotate_keys();
    let nowhere = format!("{}/nowhere", academy.provider.issuer);
    academy.provider.say(json!({"jwks_uri": nowhere}));
    assert_eq!(academy.refusal(ana()).await.0, "temporarily_unavailable");
    academy.provider.say(json!({}));
    academy.sign_in(ana()).await;
}
