//! Refresh tokens: rotation, replay and races.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use super::{SignedIn, assert_oauth_error, form, person_with_password, refresh, sessions, sign_in};
use crate::support::{TestApp, count};

#[actix_web::test]
async fn a_refresh_token_gives_the_next_one_once() {
    let app = TestApp::start().await;
    let ana = person_with_password(&app, "ana").await;
    let first = sign_in(&app, "ana").await;
    assert!(first.refresh_token.starts_with("pvr_"));

    let answer = refresh(&app, &first.refresh_token).await.assert_status(200);
    assert_eq!(
        (
            answer.at("/token_type"),
            answer.at("/expires_in"),
            answer.header("cache-control")
        ),
        (json!("Bearer"), json!(900), Some("no-store"))
    );
    let second = SignedIn::of(&answer);
    assert_ne!(first.refresh_token, second.refresh_token);
    second.client(&app).get("/v1/me").await.assert_status(200);
    first.client(&app).get("/v1/me").await.assert_status(200);

    let again = refresh(&app, &first.refresh_token).await;
    assert_oauth_error(&again, 400, "invalid_grant");
    let third = refresh(&app, &second.refresh_token).await.assert_status(200);
    assert_eq!(sessions(&SignedIn::of(&third).client(&app), ana).await.len(), 1);
}

#[actix_web::test]
async fn no_refresh_token_is_kept_in_the_clear() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    sign_in(&app, "ana").await;
    let hashes = "SELECT count(*) FROM refresh_tokens WHERE length(token_hash) = 32";
    assert_eq!(count(&app, hashes), 1);
    let told = "SELECT count(*) FROM events WHERE coalesce(before::text, '') || coalesce(after::text, '') LIKE '%pvr_%'";
    assert_eq!(count(&app, told), 0);
}

#[actix_web::test]
async fn a_token_that_comes_again_after_the_grace_ends_the_session() {
    let app = TestApp::start().await;
    let ana = person_with_password(&app, "ana").await;
    let first = sign_in(&app, "ana").await;
    let second = SignedIn::of(&refresh(&app, &first.refresh_token).await.assert_status(200));

    app.app.clock.advance(TimeDelta::seconds(60));
    let thief = refresh(&app, &first.refresh_token).await;
    assert_oauth_error(&thief, 400, "invalid_grant");

    let owner = refresh(&app, &second.refresh_token).await;
    assert_oauth_error(&owner, 400, "invalid_grant");
    for stale in [&first, &second] {
        let answer = stale.client(&app).get("/v1/me").await;
        answer.assert_problem(401, "unauthenticated");
    }
    let admin = app.admin().await;
    assert_eq!(sessions(&admin, ana).await[0]["end_reason"], "replayed");
    app.run_jobs();
    let events = admin
        .get("/v1/events?limit=200")
        .await
        .assert_status(200)
        .at("/data");
    let events = events.as_array().unwrap();
    let ended: Vec<_> = events
        .iter()
        .filter(|event| event["action"] == "session.ended")
        .collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (&ended[0]["user_id"], &ended[0]["after"]["end_reason"]),
        (&json!(ana), &json!("replayed"))
    );
}

#[actix_web::test]
async fn a_thousand_refreshes_at_once_leave_one_live_chain() {
    let app = TestApp::start_with(|config| {
        config.database_connections = 4;
        config.request_timeout = Duration::from_secs(600);
        config.refresh_grace = Duration::from_secs(600);
    })
    .await;
    person_with_password(&app, "ana").await;
    let first = sign_in(&app, "ana").await;

    let client = awc::Client::builder()
        .timeout(Duration::from_secs(600))
        .connector(awc::Connector::new().limit(64))
        .finish();
    let url = format!("{}/oauth/token", app.address);
    let body = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &first.refresh_token),
    ];
    let answers = join_all((0..1_000).map(|_| async {
        let mut answer = client.post(&url).send_form(&body).await.unwrap();
        let json: serde_json::Value = answer.json().await.unwrap();
        (answer.status().as_u16(), json)
    }))
    .await;

    let (given, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 200);
    assert_eq!(given.len(), 1);
    for (status, answer) in &refused {
        assert_eq!((*status, &answer["error"]), (400, &json!("invalid_grant")));
    }
    let live = "SELECT count(*) FROM refresh_tokens JOIN sessions ON sessions.id = session_id
        WHERE used_at IS NULL AND ended_at IS NULL";
    assert_eq!(count(&app, live), 1);
    let next = given[0].1["refresh_token"].as_str().unwrap();
    refresh(&app, next).await.assert_status(200);
}

#[actix_web::test]
async fn a_session_that_is_not_used_is_over() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    let first = sign_in(&app, "ana").await;
    app.app.clock.advance(TimeDelta::days(29));
    let second = SignedIn::of(&refresh(&app, &first.refresh_token).await.assert_status(200));
    app.app.clock.advance(TimeDelta::days(30));
    let late = refresh(&app, &second.refresh_token).await;
    assert_oauth_error(&late, 400, "invalid_grant");
}

#[actix_web::test]
async fn a_session_ends_in_the_end_however_often_it_is_used() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    let mut tokens = sign_in(&app, "ana").await;
    for _ in 0..3 {
        app.app.clock.advance(TimeDelta::days(29));
        tokens = SignedIn::of(&refresh(&app, &tokens.refresh_token).await.assert_status(200));
    }
    // The access token ends with the session.
    app.app
        .clock
        .advance(TimeDelta::days(3) - TimeDelta::seconds(300));
    let last = refresh(&app, &tokens.refresh_token).await.assert_status(200);
    assert!(last.at("/expires_in").as_u64().unwrap() <= 300);
    app.app.clock.advance(TimeDelta::seconds(300));
    let last = SignedIn::of(&last);
    assert_oauth_error(&refresh(&app, &last.refresh_token).await, 400, "invalid_grant");
    last.client(&app)
        .get("/v1/me")
        .await
        .assert_problem(401, "unauthenticated");
}

#[actix_web::test]
async fn a_suspended_person_refreshes_nothing_until_they_are_active_again() {
    let app = TestApp::start().await;
    let ana = person_with_password(&app, "ana").await;
    let tokens = sign_in(&app, "ana").await;
    let admin = app.admin().await;
    let path = format!("/v1/users/{ana}");
    admin
        .patch(&path, json!({"status": "suspended"}))
        .await
        .assert_status(200);
    let refused = refresh(&app, &tokens.refresh_token).await;
    assert_oauth_error(&refused, 400, "invalid_grant");
    admin
        .patch(&path, json!({"status": "active"}))
        .await
        .assert_status(200);
    refresh(&app, &tokens.refresh_token).await.assert_status(200);
}

#[actix_web::test]
async fn a_restored_user_signs_in_again() {
    let app = TestApp::start().await;
    let ana = person_with_password(&app, "ana").await;
    let tokens = sign_in(&app, "ana").await;
    let admin = app.admin().await;
    let path = format!("/v1/users/{ana}");
    for status in ["archived", "active"] {
        admin
            .patch(&path, json!({"status": status}))
            .await
            .assert_status(200);
    }
    let refused = refresh(&app, &tokens.refresh_token).await;
    assert_oauth_error(&refused, 400, "invalid_grant");
}

#[actix_web::test]
async fn what_is_no_refresh_token_is_refused() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    let tokens = sign_in(&app, "ana").await;
    let long = format!("pvr_{}", "a".repeat(100_000));
    for token in [
        "x",
        "pvr_",
        "pvr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        &tokens.access_token,
        &tokens.refresh_token.to_uppercase(),
        &format!(" {}", tokens.refresh_token),
        &long,
        "\u{1f600}",
    ] {
        assert_oauth_error(&refresh(&app, token).await, 400, "invalid_grant");
    }
    for token in ["", "a\0b"] {
        assert_oauth_error(&refresh(&app, token).await, 400, "invalid_request");
    }
    let twice = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh_token.as_str()),
        ("refresh_token", tokens.refresh_token.as_str()),
    ];
    let twice = form(&app.anonymous(), "/oauth/token", &twice).await;
    assert_oauth_error(&twice, 400, "invalid_request");
    app.anonymous()
        .with("Authorization", &format!("Bearer {}", tokens.refresh_token))
        .get("/v1/me")
        .await
        .assert_problem(401, "unauthenticated");
    refresh(&app, &tokens.refresh_token).await.assert_status(200);
}

#[actix_web::test]
async fn expired_refresh_tokens_are_purged_and_others_kept() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    let old = sign_in(&app, "ana").await;
    app.app.clock.advance(TimeDelta::days(20));
    let newer = SignedIn::of(&refresh(&app, &old.refresh_token).await.assert_status(200));
    app.app.clock.advance(TimeDelta::days(11));
    app.write(|tx| tx.enqueue(&provost::access::sessions::purge::PurgeRefreshTokens {}));
    app.run_jobs();
    assert_eq!(count(&app, "SELECT count(*) FROM refresh_tokens"), 1);
    refresh(&app, &newer.refresh_token).await.assert_status(200);
}

#[actix_web::test]
async fn sessions_are_purged_ninety_days_after_their_end() {
    let app = TestApp::start().await;
    let user = person_with_password(&app, "ana").await;
    sign_in(&app, "ana").await;
    let client = sign_in(&app, "ana").await.client(&app);
    let newest = sessions(&client, user).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    client
        .delete(&format!("/v1/users/{user}/sessions/{newest}"))
        .await
        .assert_status(204);
    for (days, left) in [(89, 2), (1, 1), (89, 1), (1, 0)] {
        app.app.clock.advance(TimeDelta::days(days));
        app.write(|tx| tx.enqueue(&provost::access::sessions::purge::PurgeRefreshTokens {}));
        app.run_jobs();
        assert_eq!(
            count(&app, "SELECT count(*) FROM sessions"),
            left,
            "after {days} days more"
        );
    }
}
