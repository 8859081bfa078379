//! ID tokens that do not count.

use jsonwebtoken::Algorithm;

use super::*;

/// Makes an ID token of claims that are good.
type Forge<'a> = Box<dyn Fn(&Value) -> String + 'a>;

#[actix_web::test]
async fn id_tokens_that_do_not_count_let_nobody_in() {
    let academy = Academy::with(json!({})).await;
    academy.provider.tell(ana());
    let now = academy.app.app.clock.now().timestamp();
    let changes: Vec<(&str, Value)> = vec![
        ("iss", json!("https://other.example.com")),
        ("iss", json!(null)),
        ("aud", json!("others")),
        ("aud", json!(["others"])),
        ("aud", json!(null)),
        ("aud", json!([CLIENT.0, "others"])),
        ("azp", json!("others")),
        ("nonce", json!("another")),
        ("nonce", json!(null)),
        ("exp", json!(now - 61)),
        ("exp", json!(null)),
        ("exp", json!("tomorrow")),
        ("iat", json!(now + 120)),
        ("iat", json!(null)),
        ("nbf", json!(now + 120)),
        ("sub", json!(null)),
        ("sub", json!("")),
        ("sub", json!("x".repeat(256))),
        (
            "events",
            json!({"http://schemas.openid.net/event/backchannel-logout": {}}),
        ),
    ];
    for (name, value) in changes {
        let mut browser = academy.begin().await;
        let mut claims = academy.claims("a-1");
        claims["nonce"] = json!(browser.asked.get("nonce"));
        claims[name] = value.clone();
        let back = browser
            .come_back_with(&academy, academy.provider.sign(&claims))
            .await;
        assert_eq!(back.get("error"), "access_denied", "{name} {value}");
        assert_eq!(back.get("code"), "", "{name} {value}");
    }

    let good = |browser: &Browser| {
        let mut claims = academy.claims("a-1");
        claims["nonce"] = json!(browser.asked.get("nonce"));
        claims
    };
    let other = Provider::start();
    let forgeries: Vec<Forge> = vec![
        Box::new(|claims| other.sign(claims)),
        Box::new(|claims| {
            academy
                .provider
                .sign_with(claims, |header| header.kid = Some("unknown".into()))
        }),
        Box::new(|claims| {
            academy
                .provider
                .sign_with(claims, |header| header.typ = Some("at+jwt".into()))
        }),
        Box::new(|claims| {
            let header = jsonwebtoken::Header::new(Algorithm::HS256);
            let key = jsonwebtoken::EncodingKey::from_secret(CLIENT.1.as_bytes());
            jsonwebtoken::encode(&header, claims, &key).unwrap()
        }),
        Box::new(|claims| {
            let signed = academy.provider.sign(claims);
            let payload = signed.split('.').nth(1).unwrap().to_owned();
            format!("eyJhbGciOiJub25lIn0.{payload}.")
        }),
        Box::new(|claims| {
            let signed = academy.provider.sign(claims);
            signed.rsplit_once('.').unwrap().0.to_owned() + ".AAAA"
        }),
        Box::new(|_| "no token".into()),
    ];
    for (index, forge) in forgeries.iter().enumerate() {
        let mut browser = academy.begin().await;
        let claims = good(&browser);
        let back = browser.come_back_with(&academy, forge(&claims)).await;
        assert_eq!(back.get("error"), "access_denied", "forgery {index}");
    }

    // The same but right.
    let mut browser = academy.begin().await;
    let claims = good(&browser);
    let back = browser
        .come_back_with(&academy, academy.provider.sign(&claims))
        .await;
    browser.redeem(&academy, &back).await.assert_status(200);
}
