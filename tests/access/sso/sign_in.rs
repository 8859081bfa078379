//! The authorization code flow: from the front end to the provider and back.

use chrono::TimeDelta;
use diesel::RunQueryDsl;
use provost::{access::keys, sql};

use super::*;

#[actix_web::test]
async fn a_person_that_a_provider_lets_in_is_created_and_found_again_by_subject() {
    let academy = Academy::with(json!({"updates_people": true})).await;
    let first = academy.sign_in(ana()).await;
    let user = academy.me(&first).await;
    assert_eq!(
        (
            &user["username"],
            &user["given_name"],
            &user["family_name"],
            &user["email"],
            &user["status"]
        ),
        (
            &json!("ana"),
            &json!("Ana"),
            &json!("Silva"),
            &json!("ana@example.com"),
            &json!("active")
        )
    );

    // Everything but the subject changes.
    let mut renamed = ana();
    renamed["preferred_username"] = json!("ana.souza");
    renamed["family_name"] = json!("Souza");
    renamed["email"] = json!("souza@example.com");
    let second = academy.sign_in(renamed).await;
    let again = academy.me(&second).await;
    assert_eq!(again["id"], user["id"]);
    assert_eq!(
        (&again["username"], &again["family_name"], &again["email"]),
        (&json!("ana.souza"), &json!("Souza"), &json!("souza@example.com"))
    );

    let id: Uuid = user["id"].as_str().unwrap().parse().unwrap();
    let sessions = sessions(&academy.admin, id).await;
    assert_eq!(sessions.len(), 2);
    assert!(
        sessions
            .iter()
            .all(|session| session["identity_provider_id"] == academy.id)
    );
    let identities = academy.admin.get(&format!("/v1/users/{id}/identities")).await;
    assert_eq!(identities.at("/data/0/subject"), json!("a-1"));
    assert!(identities.at("/data/0/last_used_at").is_string());
    refresh(&academy.app, &second.refresh_token)
        .await
        .assert_status(200);
}

// Fault 18.
#[actix_web::test]
async fn a_time_zone_comes_with_the_claims_and_one_of_no_meaning_keeps_nobody_out() {
    let academy = Academy::with(json!({"updates_people": true})).await;
    let mut told = ana();
    told["zoneinfo"] = json!("GMT+2");
    let user = academy.me(&academy.sign_in(told.clone()).await).await;
    assert_eq!(user["time_zone"], json!(null));
    told["zoneinfo"] = json!("Europe/Lisbon");
    let user = academy.me(&academy.sign_in(told.clone()).await).await;
    assert_eq!(user["time_zone"], json!("Europe/Lisbon"));
    // What is not said is not changed.
    let user = academy.me(&academy.sign_in(ana()).await).await;
    assert_eq!(user["time_zone"], json!("Europe/Lisbon"));
}

#[actix_web::test]
async fn the_provider_is_asked_with_pkce_state_and_nonce_and_the_front_end_sees_its_state_again() {
    let academy = Academy::with(json!({})).await;
    let mut browser = academy.begin().await;
    let asked = &browser.asked;
    assert_eq!(asked.url.path(), "/authorize");
    let expected = [
        ("tenant", "1"),
        ("response_type", "code"),
        ("client_id", CLIENT.0),
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", &format!("{}/oauth/callback", academy.app.address)),
    ];
    for (name, value) in expected {
        assert_eq!(asked.get(name), value, "{name}");
    }
    for random in ["nonce", "code_challenge"] {
        assert_eq!(asked.get(random).len(), 43, "{random}");
    }
    // Some providers take no long addresses.
    let state = asked.get("state");
    assert!(state.len() < 500 && !state.contains("front"), "{state}");
    let back = browser.come_back(&academy, ana()).await;
    assert!(
        back.url
            .as_str()
            .starts_with("https://learn.example.com/signed-in?from=sso&")
    );
    assert_eq!(back.get("state"), "of the front end");
    assert_eq!(back.get("iss"), academy.app.address);
}

#[actix_web::test]
async fn a_code_is_good_for_one_use_with_its_verifier_and_address_within_a_minute() {
    let academy = Academy::with(json!({})).await;
    let app = &academy.app;
    let refused = async |answer: Answer| super::super::assert_oauth_error(&answer, 400, "invalid_grant");

    for (verifier, address) in [
        ("another-verifier", FRONT_END),
        ("", "https://learn.example.com/"),
    ] {
        let mut browser = academy.begin().await;
        let code = browser.come_back(&academy, ana()).await.get("code");
        let verifier = if verifier.is_empty() {
            &browser.verifier
        } else {
            verifier
        };
        refused(redeem(app, &code, verifier, address).await).await;
        // One attempt, right or wrong.
        refused(redeem(app, &code, &browser.verifier, FRONT_END).await).await;
    }

    let mut browser = academy.begin().await;
    let back = browser.come_back(&academy, ana()).await;
    app.app.clock.advance(TimeDelta::seconds(61));
    refused(browser.redeem(&academy, &back).await).await;

    let mut browser = academy.begin().await;
    let back = browser.come_back(&academy, ana()).await;
    let tokens = SignedIn::of(&browser.redeem(&academy, &back).await.assert_status(200));
    refused(browser.redeem(&academy, &back).await).await;
    // Two have the code: what came of it ends.
    tokens.client(app).get("/v1/me").await.assert_status(401);
    refused(refresh(app, &tokens.refresh_token).await).await;
    refused(redeem(app, "pva_made-up", &browser.verifier, FRONT_END).await).await;
}

#[actix_web::test]
async fn a_code_of_a_provider_that_was_turned_off_is_good_for_nothing() {
    let academy = Academy::with(json!({})).await;
    let mut browser = academy.begin().await;
    let back = browser.come_back(&academy, ana()).await;
    academy.change(json!({"enabled": false})).await;
    let answer = browser.redeem(&academy, &back).await;
    super::super::assert_oauth_error(&answer, 400, "invalid_grant");
}

#[actix_web::test]
async fn a_browser_comes_back_once_and_only_where_it_began() {
    let academy = Academy::with(json!({})).await;
    let browser = academy.begin().await;
    let stranger = Browser {
        cookie: "provost_sign_in=another".into(),
        verifier: String::new(),
        asked: Parameters::of(browser.asked.url.as_str()),
    };
    stranger
        .call_back(&academy, &[("code", "c")])
        .await
        .assert_problem(400, "invalid_parameter");
    academy
        .app
        .anonymous()
        .get("/oauth/callback?code=c&state=made-up")
        .await
        .assert_problem(400, "invalid_parameter");

    let denied = browser
        .call_back(
            &academy,
            &[("error", "access_denied"), ("error_description", "No.")],
        )
        .await;
    let back = Parameters::of(denied.assert_status(302).header("location").unwrap());
    assert_eq!(
        (back.get("error"), back.get("state")),
        ("access_denied".into(), "of the front end".into())
    );

    let mut returning = academy.begin().await;
    returning.come_back(&academy, ana()).await;
    returning
        .call_back(&academy, &[("code", "c")])
        .await
        .assert_problem(400, "invalid_parameter");

    let late = academy.begin().await;
    academy.app.app.clock.advance(TimeDelta::minutes(11));
    late.call_back(&academy, &[("code", "c")])
        .await
        .assert_problem(400, "invalid_parameter");
}

#[actix_web::test]
async fn two_tabs_of_a_browser_sign_in_side_by_side() {
    let academy = Academy::with(json!({})).await;
    let mut first = academy.begin().await;
    let verifier = flows::random().unwrap();
    let address = authorize(&[
        ("redirect_uri", FRONT_END),
        ("code_challenge", &flows::challenge(&verifier)),
    ]);
    let answer = academy
        .app
        .anonymous()
        .with("Cookie", &first.cookie)
        .get(&address)
        .await
        .assert_status(302);
    let mut second = Browser {
        verifier,
        asked: Parameters::of(answer.header("location").unwrap()),
        cookie: cookie(&answer),
    };
    assert_eq!(first.cookie, second.cookie);
    for browser in [&mut second, &mut first] {
        let back = browser.come_back(&academy, ana()).await;
        browser.redeem(&academy, &back).await.assert_status(200);
    }
}

#[actix_web::test]
async fn what_is_asked_wrongly_is_told_to_the_front_end_or_where_there_is_none_here() {
    let academy = Academy::with(json!({})).await;
    let nobody = academy.app.anonymous();
    let challenge = flows::challenge("x");
    for (address, parameter) in [
        (authorize(&[("code_challenge", &challenge)]), "redirect_uri"),
        (
            authorize(&[("redirect_uri", "https://evil.example.com/")]),
            "redirect_uri",
        ),
        (
            authorize(&[("redirect_uri", FRONT_END), ("provider", "nope")]),
            "provider",
        ),
        (
            authorize(&[("redirect_uri", FRONT_END), ("redirect_uri", FRONT_END)]),
            "redirect_uri",
        ),
        (
            authorize(&[("redirect_uri", FRONT_END), ("state", "\0")]),
            "state",
        ),
        (
            authorize(&[("redirect_uri", FRONT_END), ("state", &"s".repeat(1_001))]),
            "state",
        ),
    ] {
        let answer = nobody
            .get(&address)
            .await
            .assert_problem(400, "invalid_parameter");
        answer.assert_fault(&format!("?{parameter}"));
    }
    for address in [
        authorize(&[("redirect_uri", FRONT_END)]),
        authorize(&[("redirect_uri", FRONT_END), ("code_challenge", "short")]),
        format!(
            "/oauth/authorize?redirect_uri={FRONT_END}&code_challenge={challenge}&code_challenge_method=S256"
        ),
        format!(
            "/oauth/authorize?redirect_uri={FRONT_END}&code_challenge={challenge}&response_type=code&code_challenge_method=plain"
        ),
        format!(
            "/oauth/authorize?redirect_uri={FRONT_END}&code_challenge={challenge}&response_type=token&code_challenge_method=S256"
        ),
    ] {
        let answer = nobody.get(&address).await.assert_status(302);
        let back = Parameters::of(answer.header("location").unwrap());
        assert_eq!(back.get("error"), "invalid_request", "{address}");
    }
    academy.change(json!({"enabled": false})).await;
    nobody
        .get(&authorize(&[("redirect_uri", FRONT_END)]))
        .await
        .assert_problem(400, "invalid_parameter");
    assert_eq!(
        nobody
            .get("/oauth/providers")
            .await
            .assert_status(200)
            .at("/data"),
        json!([])
    );
}

#[actix_web::test]
async fn userinfo_of_somebody_else_lets_nobody_in() {
    let academy = Academy::with(json!({})).await;
    let mut browser = academy.begin().await;
    let mut claims = academy.claims("a-1");
    claims["nonce"] = json!(browser.asked.get("nonce"));
    academy
        .provider
        .tell(json!({"sub": "b-2", "preferred_username": "boss"}));
    let back = browser
        .come_back_with(&academy, academy.provider.sign(&claims))
        .await;
    assert_eq!(back.get("error"), "access_denied");
}

#[actix_web::test]
async fn the_answer_of_another_provider_is_not_taken() {
    let academy = Academy::with(json!({})).await;
    for iss in ["https://other.example.com", ""] {
        let browser = academy.begin().await;
        let answer = browser.call_back(&academy, &[("code", "c"), ("iss", iss)]).await;
        let back = Parameters::of(answer.assert_status(302).header("location").unwrap());
        assert_eq!(back.get("error"), "access_denied", "{iss}");
    }
}

#[actix_web::test]
async fn a_sign_in_does_not_end_at_an_address_that_was_taken_away() {
    let academy = Academy::with(json!({})).await;
    let browser = academy.begin().await;
    academy
        .change(json!({"redirect_uris": ["https://elsewhere.example.com/"]}))
        .await;
    let answer = browser.call_back(&academy, &[("code", "x")]).await;
    answer.assert_problem(400, "invalid_parameter");
}

/// Fault 25.
#[actix_web::test]
async fn sign_ins_that_nobody_finishes_leave_nothing_in_the_database() {
    let academy = Academy::with(json!({})).await;
    let state = "s".repeat(1_000);
    let challenge = flows::challenge("x");
    let begin = authorize(&[
        ("redirect_uri", FRONT_END),
        ("code_challenge", &challenge),
        ("state", &state),
    ]);
    let stranger = academy.app.anonymous();
    stranger.get(&begin).await.assert_status(302);
    let before = rows(&academy.app);
    for _ in 0..20 {
        let answer = stranger.get(&begin).await.assert_status(302);
        let asked = Parameters::of(answer.header("location").unwrap());
        assert!(asked.get("state").len() < 2_000);
        let browser = Browser {
            verifier: String::new(),
            cookie: cookie(&answer),
            asked,
        };
        browser
            .call_back(&academy, &[("error", "access_denied")])
            .await
            .assert_status(302);
        // One that the provider did not give.
        let answer = browser.call_back(&academy, &[("code", "made-up")]).await;
        let back = Parameters::of(answer.assert_status(302).header("location").unwrap());
        assert_eq!(back.get("error"), "access_denied");
        assert_eq!(back.get("state"), state);
    }
    assert_eq!(rows(&academy.app), before);

    let mut browser = academy.begin().await;
    let back = browser.come_back(&academy, ana()).await;
    browser.redeem(&academy, &back).await.assert_status(200);
}

/// How many rows the tables hold.
fn rows(app: &TestApp) -> Vec<(String, i64)> {
    #[derive(diesel::QueryableByName)]
    struct Table {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        rows: i64,
    }
    let tables: Vec<Table> = app.write(|tx| {
        Ok(sql!(
            "SELECT tablename::text AS name, (xpath('//rows/text()', query_to_xml(format(
                'SELECT count(*) AS rows FROM %I', tablename), false, true,
                '')))[1]::text::bigint AS rows
             FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        )
        .load(tx.conn)?)
    });
    tables.into_iter().map(|table| (table.name, table.rows)).collect()
}

/// Fault 25: what travels is opened by all processes and as long as its key counts, and by nobody who changed it.
#[actix_web::test]
async fn a_sign_in_that_travels_outlives_a_change_of_keys_and_no_change_of_itself() {
    let academy = Academy::with(json!({})).await;
    let app = &academy.app;
    let mut browser = academy.begin().await;
    app.write(keys::rotate);
    app.app.clock.advance(TimeDelta::minutes(9));
    let back = browser.come_back(&academy, ana()).await;
    browser.redeem(&academy, &back).await.assert_status(200);

    let other = academy.begin().await;
    let state = other.asked.get("state");
    let changed = |state: String| Browser {
        verifier: String::new(),
        cookie: other.cookie.clone(),
        asked: Parameters::of(&format!("https://provider.example.com/?state={state}")),
    };
    for position in (0..state.len()).step_by(7) {
        let mut letters = state.clone().into_bytes();
        letters[position] = if letters[position] == b'A' { b'B' } else { b'A' };
        for wrong in [
            String::from_utf8(letters).unwrap(),
            state[..position].to_owned(),
            format!("{state}A"),
        ] {
            changed(wrong)
                .call_back(&academy, &[("code", "c")])
                .await
                .assert_problem(400, "invalid_parameter");
        }
    }
    // Whoever has the keys could make states: with the keys they end.
    app.write(keys::replace);
    other
        .call_back(&academy, &[("code", "c")])
        .await
        .assert_problem(400, "invalid_parameter");
}
