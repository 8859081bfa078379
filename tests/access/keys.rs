//! Signing keys change without a request that fails.

use chrono::TimeDelta;
use provost::{access::keys, cli::worker::SCHEDULES};
use serde_json::Value;

use super::{person_with_password, refresh, sign_in};
use crate::support::{Client, TestApp, wait_until};

async fn published(client: &Client) -> Vec<String> {
    let answer = client.get("/.well-known/jwks.json").await.assert_status(200);
    let keys = answer.at("/keys").as_array().unwrap().clone();
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// The key that signed a token.
fn signer(token: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn assert_counts(address: &str, token: &str) {
    let client = Client::new(address, Some(token.to_owned()));
    client.get("/v1/me").await.assert_status(200);
}

#[actix_web::test]
async fn keys_change_on_all_processes_and_no_request_fails() {
    let app = TestApp::start().await;
    let node = app.second_node();
    let addresses = [app.address.clone(), node.address.clone()];
    person_with_password(&app, "ana").await;
    let mut tokens = vec![sign_in(&app, "ana").await.access_token];
    let first = signer(&tokens[0]);

    let signs_from = app.write(keys::rotate);
    assert_eq!(app.write(keys::rotate), signs_from, "one next key is enough");
    for address in &addresses {
        let client = Client::new(address, None);
        // The other process hears of it.
        let mut keys = published(&client).await;
        for _ in 0..600 {
            if keys.len() == 2 {
                break;
            }
            keys = published(&client).await;
        }
        assert_eq!((keys.len(), keys.contains(&first)), (2, true));
    }
    // Requests over the change, half a minute apart, with tokens of before and after at both processes.
    for _ in 0..30 {
        app.app.clock.advance(TimeDelta::seconds(30));
        tokens.push(sign_in(&app, "ana").await.access_token);
        for token in tokens.iter().rev().take(25) {
            for address in &addresses {
                assert_counts(address, token).await;
            }
        }
    }
    let last = signer(tokens.last().unwrap());
    assert_ne!(first, last);
    let before = tokens.iter().filter(|token| signer(token) == first).count();
    assert!(
        (18..=21).contains(&before),
        "the first key signs for ten minutes more: {before}"
    );

    // Long after the last token of the old key it is retired, and its private half is gone.
    app.app.clock.advance(TimeDelta::days(2));
    app.write(|tx| tx.enqueue(&keys::RotateKeys {}));
    app.run_jobs();
    assert_eq!(published(&app.anonymous()).await, [last]);
    let kept = "SELECT count(*) FROM signing_keys WHERE length(private_key) > 0";
    assert_eq!(crate::support::count(&app, kept), 1);
    sign_in(&app, "ana").await;
}

#[actix_web::test]
async fn the_schedule_makes_the_next_key_when_one_has_signed_long_enough() {
    let app =
        TestApp::start_with(|config| config.key_lifetime = std::time::Duration::from_secs(86_400)).await;
    assert!(SCHEDULES.iter().any(|schedule| schedule.name == "signing_keys"));
    for (hours, keys) in [(23, 1), (1, 2), (1, 2), (47, 3), (2, 2)] {
        app.app.clock.advance(TimeDelta::hours(hours));
        app.write(|tx| tx.enqueue(&keys::RotateKeys {}));
        app.run_jobs();
        assert_eq!(
            published(&app.anonymous()).await.len(),
            keys,
            "after {hours} hours more"
        );
    }
}

#[actix_web::test]
async fn a_compromised_key_ends_its_access_tokens_on_all_processes_and_no_session() {
    let app = TestApp::start().await;
    let node = app.second_node();
    person_with_password(&app, "ana").await;
    let tokens = sign_in(&app, "ana").await;
    for address in [&app.address, &node.address] {
        assert_counts(address, &tokens.access_token).await;
    }
    app.write(keys::replace);
    tokens
        .client(&app)
        .get("/v1/me")
        .await
        .assert_problem(401, "unauthenticated");
    let elsewhere = Client::new(&node.address, Some(tokens.access_token.clone()));
    for _ in 0..600 {
        if elsewhere.get("/v1/me").await.status == 401 {
            break;
        }
    }
    elsewhere
        .get("/v1/me")
        .await
        .assert_problem(401, "unauthenticated");
    let next = refresh(&app, &tokens.refresh_token).await.assert_status(200);
    assert_counts(&node.address, next.at("/access_token").as_str().unwrap()).await;
    wait_until("the old key is forgotten", || {
        app.app
            .part::<provost::access::keys::KeyRing>()
            .all()
            .unwrap()
            .len()
            == 1
    });
}
