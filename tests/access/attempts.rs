//! Limits on attempts with secrets, by account and by address.

use chrono::TimeDelta;
use provost::access::attempts::Attempt;
use provost::authz::Permission;

use super::{
    PASSWORD, SignedIn, assert_oauth_error, client_with_secret, form, person_with_password, refresh, sign_in,
};
use crate::support::{Answer, Client, TestApp, count};

/// A Provost behind a proxy, so that tests choose addresses.
async fn behind_a_proxy() -> TestApp {
    TestApp::start_with(|config| config.trusted_proxies = "127.0.0.1".parse().unwrap()).await
}

fn from(app: &TestApp, address: &str) -> Client {
    app.anonymous().with("X-Forwarded-For", address)
}

async fn attempt(client: &Client, name: &str, password: &str) -> Answer {
    let parameters = [
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
    ];
    form(client, "/oauth/token", &parameters).await
}

async fn fail(client: &Client, name: &str, times: usize) {
    for _ in 0..times {
        assert_oauth_error(&attempt(client, name, "wrong").await, 400, "invalid_grant");
    }
}

#[track_caller]
fn assert_refused(answer: &Answer, longest: i64) {
    assert_oauth_error(answer, 429, "slow_down");
    let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
    // The clock goes on while the test runs.
    assert!((longest - 20..=longest).contains(&wait), "{wait} of {longest}");
}

#[actix_web::test]
async fn after_ten_failures_right_wrong_and_unknown_are_refused_alike() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    let client = app.anonymous();
    fail(&client, "ana", 9).await;
    sign_in(&app, "ana").await;
    fail(&client, "ANA", 10).await;
    fail(&client, "nobody", 10).await;

    let right = attempt(&client, "ana", PASSWORD).await;
    let wrong = attempt(&client, "Ana", "wrong").await;
    let unknown = attempt(&client, "Nobody", "wrong").await;
    for answer in [&right, &wrong, &unknown] {
        assert_refused(answer, 30);
        assert_eq!(answer.json(), wrong.json());
    }

    app.app.clock.advance(TimeDelta::seconds(30));
    fail(&client, "nobody", 1).await;
    assert_refused(&attempt(&client, "nobody", "wrong").await, 60);
    sign_in(&app, "ana").await;
    fail(&client, "ana", 9).await;
}

#[actix_web::test]
async fn waits_grow_to_an_hour_and_from_the_hundredth_failure_on_to_a_day() {
    let app = TestApp::start_with(|config| config.address_failures = 0).await;
    let guess = Attempt::with_password("ana", None, false);
    let mut waits = Vec::new();
    for _ in 0..101 {
        assert_eq!(app.write(|tx| Ok(guess.failed(tx.app, tx.conn)?)), None);
        let wait = count(
            &app,
            "SELECT extract(epoch FROM greatest(blocked_until, last_at) - last_at)::bigint AS count FROM failed_attempts",
        );
        waits.push(wait);
        app.app.clock.advance(TimeDelta::seconds(wait));
    }
    assert_eq!(waits[..9], [0; 9]);
    assert_eq!(waits[9..19], [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
    assert_eq!(waits[98..], [3600, 86_400, 86_400]);
    let taken: i64 = waits.iter().sum();
    assert!(taken > 3 * 86_400, "a hundred guesses take days: {taken} s");
}

#[actix_web::test]
async fn guesses_at_the_same_time_are_no_more_than_guesses_one_by_one() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    let client = app.anonymous();
    let guesses = (0..40).map(|_| attempt(&client, "ana", "wrong"));
    let answers = futures_util::future::join_all(guesses).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 400).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((looked_at, refused), (10, 30));
}

#[actix_web::test]
async fn a_clock_that_is_behind_refuses_nobody_before_the_limit_and_counts_every_failure() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    let client = app.anonymous();
    app.app.clock.advance(TimeDelta::minutes(1));
    fail(&client, "ana", 1).await;
    app.app.clock.advance(TimeDelta::seconds(-5));
    sign_in(&app, "ana").await;

    fail(&client, "ana", 1).await;
    app.app.clock.advance(TimeDelta::seconds(-5));
    fail(&client, "ana", 9).await;
    assert_refused(&attempt(&client, "ana", PASSWORD).await, 30);
}

#[actix_web::test]
async fn failures_elsewhere_do_not_lock_out_a_person_at_their_own_address() {
    let app = behind_a_proxy().await;
    person_with_password(&app, "ana").await;
    let (home, elsewhere) = (from(&app, "203.0.113.7"), from(&app, "198.51.100.9"));
    attempt(&home, "ana", PASSWORD).await.assert_status(200);

    fail(&elsewhere, "ana", 10).await;
    assert_refused(&attempt(&from(&app, "192.0.2.1"), "ana", PASSWORD).await, 30);
    attempt(&home, "ana", PASSWORD).await.assert_status(200);

    fail(&home, "ana", 10).await;
    assert_refused(&attempt(&home, "ana", PASSWORD).await, 30);
}

#[actix_web::test]
async fn an_address_that_tries_many_names_waits_on_every_process() {
    let app = TestApp::start_with(|config| {
        config.trusted_proxies = "127.0.0.1".parse().unwrap();
        config.address_failures = 5;
    })
    .await;
    person_with_password(&app, "ana").await;
    let node = app.second_node();
    let guesser = from(&app, "2001:db8::1");
    for name in ["a", "b", "c", "d"] {
        fail(&guesser, name, 1).await;
    }
    // A right password between does not help, nor another address of the same network.
    attempt(&guesser, "ana", PASSWORD).await.assert_status(200);
    app.app.clock.advance(TimeDelta::minutes(5));
    fail(&guesser, "e", 1).await;
    let neighbour = Client::new(&node.address, None).with("X-Forwarded-For", "2001:db8::2");
    assert_refused(&attempt(&neighbour, "ana", PASSWORD).await, 600);
    attempt(&from(&app, "2001:db8:1::1"), "ana", PASSWORD)
        .await
        .assert_status(200);

    app.app.clock.advance(TimeDelta::minutes(10));
    attempt(&guesser, "ana", PASSWORD).await.assert_status(200);
    fail(&guesser, "f", 4).await;
}

#[actix_web::test]
async fn a_programs_failures_count_together_at_both_endpoints_and_by_address() {
    let app = behind_a_proxy().await;
    let everything = ("everything", None);
    let (id, secret) = client_with_secret(&app, &[Permission::TokensIntrospect], everything).await;
    let ask = async |address: &str, path: &str, secret: &str| {
        let parameters = [
            ("grant_type", "client_credentials"),
            ("token", "x"),
            ("client_id", &id),
            ("client_secret", secret),
        ];
        form(&from(&app, address), path, &parameters).await
    };
    for _ in 0..5 {
        for path in ["/oauth/token", "/oauth/introspect"] {
            assert_oauth_error(&ask("203.0.113.7", path, "wrong").await, 401, "invalid_client");
        }
    }
    for path in ["/oauth/token", "/oauth/introspect"] {
        assert_refused(&ask("203.0.113.7", path, &secret).await, 30);
        ask("203.0.113.8", path, &secret).await.assert_status(200);
    }
}

#[actix_web::test]
async fn refresh_tokens_that_never_were_count_and_used_ones_do_not() {
    let app = TestApp::start_with(|config| config.address_failures = 3).await;
    person_with_password(&app, "ana").await;
    let first = sign_in(&app, "ana").await;
    let second = SignedIn::of(&refresh(&app, &first.refresh_token).await.assert_status(200));
    for _ in 0..5 {
        assert_oauth_error(&refresh(&app, &first.refresh_token).await, 400, "invalid_grant");
    }
    for _ in 0..3 {
        assert_oauth_error(&refresh(&app, "pvr_made-up").await, 400, "invalid_grant");
    }
    assert_refused(&refresh(&app, &second.refresh_token).await, 900);
    sign_in(&app, "ana").await;
}

#[actix_web::test]
async fn limits_can_be_set_off() {
    let app = TestApp::start_with(|config| {
        config.account_failures = 0;
        config.address_failures = 0;
    })
    .await;
    fail(&app.anonymous(), "nobody", 15).await;
}

#[actix_web::test]
async fn who_lifts_a_limit_lifts_what_was_counted_before() {
    let app = TestApp::start_with(|config| config.address_failures = 3).await;
    fail(&app.anonymous(), "nobody", 3).await;
    let limited = attempt(&app.anonymous(), "nobody", "wrong").await;
    assert_eq!(limited.status, 429);

    let node = app.second_node_with(|config| {
        config.account_failures = 0;
        config.address_failures = 0;
    });
    fail(&Client::new(&node.address, None), "nobody", 1).await;
}
