//! What passwords must be, and how people come to them.

use chrono::TimeDelta;
use provost::authz::Permission::{self, *};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    PASSWORD, assert_oauth_error, form, grant_body, person_with, person_with_password, role, sign_in,
};
use crate::support::{
    Answer, Client, TestApp, count,
    mail::{MailSink, token_of},
};

const HR: &[Permission] = &[UsersRead, UsersWrite, OrgUnitsRead];
const NEW: &str = "a newer password";

async fn set_password(client: &Client, user: Uuid, body: Value) -> Answer {
    let client = client.with("If-Match", "*");
    client.put(&format!("/v1/users/{user}/password"), body).await
}

async fn try_password(app: &TestApp, name: &str, password: &str) -> Answer {
    let parameters = [
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
    ];
    form(&app.anonymous(), "/oauth/token", &parameters).await
}

async fn change(app: &TestApp, name: &str, current: &str, new: &str) -> Answer {
    let body = json!({"username": name, "current_password": current, "password": new});
    app.anonymous().post("/account/password-changes", body).await
}

async fn choose(app: &TestApp, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "password": password});
    app.anonymous().post("/account/passwords", body).await
}

async fn ask_for_reset(app: &TestApp, login: &str) -> Answer {
    let body = json!({"login": login});
    app.anonymous().post("/account/password-resets", body).await
}

async fn invite(client: &Client, user: Uuid, delivery: &str) -> Answer {
    let path = format!("/v1/users/{user}/invitations");
    client.post(&path, json!({"delivery": delivery})).await
}

async fn with_mail() -> (TestApp, MailSink) {
    let sink = MailSink::start();
    let app = TestApp::start_with(|config| sink.set(config)).await;
    (app, sink)
}

/// A person with a password and an e-mail address.
async fn reachable(app: &TestApp, name: &str) -> Uuid {
    let user = person_with_password(app, name).await;
    let email = json!({"email": format!("{name}@example.com")});
    let path = format!("/v1/users/{user}");
    app.admin().await.patch(&path, email).await.assert_status(200);
    user
}

#[actix_web::test]
async fn common_passwords_and_names_are_refused_and_long_ones_taken() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let user = person_with(
        &admin,
        json!({"username": "ana.silva", "email": "ana@hospital.example"}),
    )
    .await;
    for password in [
        "password1",
        "ana.silva",
        "Given Family",
        "ana@hospital.example",
        "Provost Academy",
        "short",
    ] {
        let answer = set_password(&admin, user, json!({"password": password})).await;
        answer
            .assert_problem(422, "validation_failed")
            .assert_fault("/password");
    }
    for password in [
        " a l o n g  o n e ",
        "zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich",
    ] {
        set_password(&admin, user, json!({"password": password}))
            .await
            .assert_status(204);
        try_password(&app, "ana.silva", password).await.assert_status(200);
    }
    // Another keyboard composes the same letters otherwise.
    let decomposed = "zwo\u{308}lf Boxka\u{308}mpfer jagen Viktor quer u\u{308}ber den großen Sylter Deich";
    try_password(&app, "ana.silva", decomposed)
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn a_password_that_must_be_changed_signs_nobody_in_until_it_is() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let user = person_with_password(&app, "ana").await;
    let before = sign_in(&app, "ana").await.client(&app);
    set_password(&admin, user, json!({"password": PASSWORD, "must_change": true}))
        .await
        .assert_status(204);
    before.get("/v1/me").await.assert_problem(401, "unauthenticated");
    let answer = try_password(&app, "ana", PASSWORD).await;
    assert_oauth_error(&answer, 400, "password_change_required");
    assert_oauth_error(&try_password(&app, "ana", "wrong").await, 400, "invalid_grant");

    change(&app, "ana", PASSWORD, PASSWORD)
        .await
        .assert_problem(422, "validation_failed");
    change(&app, "ana", PASSWORD, "password1")
        .await
        .assert_fault("/password");
    change(&app, "ana", PASSWORD, NEW).await.assert_status(204);
    try_password(&app, "ana", NEW).await.assert_status(200);
    assert_oauth_error(&try_password(&app, "ana", PASSWORD).await, 400, "invalid_grant");
}

#[actix_web::test]
async fn a_changed_password_ends_all_sessions_and_wrong_and_unknown_are_answered_and_limited_alike() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    let session = sign_in(&app, "ana").await.client(&app);
    let wrong = change(&app, "ana", "wrong", NEW)
        .await
        .assert_problem(403, "credentials_refused");
    let unknown = change(&app, "nobody", "wrong", NEW)
        .await
        .assert_problem(403, "credentials_refused");
    assert_eq!(wrong.at("/detail"), unknown.at("/detail"));
    change(&app, "ana", PASSWORD, NEW).await.assert_status(204);
    session.get("/v1/me").await.assert_problem(401, "unauthenticated");

    for name in ["ana", "nobody"] {
        for _ in 0..10 {
            try_password(&app, name, "wrong").await;
        }
        let refused = change(&app, name, NEW, PASSWORD).await;
        let refused = refused.assert_problem(429, "too_many_requests");
        assert!(refused.header("retry-after").is_some());
    }
}

#[actix_web::test]
async fn who_is_invited_chooses_a_password_once_and_is_active() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let user = person_with(&admin, json!({"username": "ana", "status": "invited"})).await;
    invite(&admin, user, "email")
        .await
        .assert_problem(409, "mail_not_set_up");
    let first = invite(&admin, user, "answer")
        .await
        .assert_status(201)
        .at("/token");
    let token = invite(&admin, user, "answer")
        .await
        .assert_status(201)
        .at("/token");
    let (first, token) = (first.as_str().unwrap(), token.as_str().unwrap());

    choose(&app, first, NEW)
        .await
        .assert_problem(403, "credentials_refused");
    choose(&app, "pvp_made-up", NEW)
        .await
        .assert_problem(403, "credentials_refused");
    choose(&app, token, "password1").await.assert_fault("/password");
    let answers = futures_util::future::join_all((0..5).map(|_| choose(&app, token, NEW))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 204).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 403).count(),
        4,
        "{statuses:?}"
    );

    try_password(&app, "ana", NEW).await.assert_status(200);
    let now = admin.get(&format!("/v1/users/{user}")).await;
    assert_eq!(now.at("/status"), json!("active"));
    invite(&admin, user, "answer")
        .await
        .assert_problem(409, "user_not_invited");
}

#[actix_web::test]
async fn an_invitation_by_mail_ends_by_time_and_is_refused_to_who_may_do_less() {
    let (app, sink) = with_mail().await;
    let admin = app.admin().await;
    let user = person_with(&admin, json!({"username": "ana", "status": "invited"})).await;
    invite(&admin, user, "email").await.assert_fault("/delivery");
    let path = format!("/v1/users/{user}");
    admin
        .patch(&path, json!({"email": "ana@example.com"}))
        .await
        .assert_status(200);
    let sent = invite(&admin, user, "email").await.assert_status(201);
    assert_eq!(
        (sent.at("/sent_to"), sent.at("/token")),
        (json!("ana@example.com"), json!(null))
    );
    app.run_jobs();
    let [letter] = sink.take().try_into().unwrap();
    assert!(
        letter.contains("To: ana@example.com") && letter.contains("https://learn.example.com/password#pvp_")
    );
    let told = "SELECT count(*) FROM events WHERE action = 'user.password_token_sent'";
    assert_eq!(count(&app, told), 1);

    app.app.clock.advance(TimeDelta::days(7));
    choose(&app, &token_of(&letter), NEW)
        .await
        .assert_problem(403, "credentials_refused");
    let admin = app.admin().await;
    let boss = grant_body(
        ("user", user),
        role(&admin, "lms_admin").await,
        ("everything", None),
    );
    admin.post("/v1/grants", boss).await.assert_status(201);
    let hr = app.holding(HR, "everything", None);
    invite(&hr, user, "answer")
        .await
        .assert_problem(403, "grant_exceeds_caller");
}

#[actix_web::test]
async fn a_reset_is_answered_alike_for_everybody_and_works_once_by_mail() {
    let (app, sink) = with_mail().await;
    let user = reachable(&app, "ana").await;
    app.run_jobs();
    sink.take();
    let session = sign_in(&app, "ana").await.client(&app);
    let jobs = || count(&app, "SELECT count(*) FROM jobs");
    for login in ["nobody", "ANA@example.com"] {
        let before = jobs();
        let answer = ask_for_reset(&app, login).await.assert_status(202);
        assert_eq!((answer.bytes.as_slice(), jobs()), (b"".as_slice(), before + 1));
    }
    app.run_jobs();
    let [letter] = sink.take().try_into().unwrap();
    let secrets = "SELECT count(*) FROM jobs WHERE jobs::text LIKE '%pvp\\_%'";
    assert_eq!(count(&app, secrets), 0);
    sign_in(&app, "ana").await;

    let token = token_of(&letter);
    choose(&app, &token, NEW).await.assert_status(204);
    choose(&app, &token, PASSWORD)
        .await
        .assert_problem(403, "credentials_refused");
    session.get("/v1/me").await.assert_problem(401, "unauthenticated");
    try_password(&app, "ana", NEW).await.assert_status(200);
    app.run_jobs();
    let [news] = sink.take().try_into().unwrap();
    assert!(news.contains("was changed") && !news.contains("pvp_"), "{news}");
    let events = app
        .admin()
        .await
        .get("/v1/events?limit=200")
        .await
        .assert_status(200)
        .text();
    assert!(events.contains(&user.to_string()) && !events.contains("pvp_"));
}

#[actix_web::test]
async fn a_reset_ends_by_time_by_another_address_and_by_a_new_password() {
    let (app, sink) = with_mail().await;
    let user = reachable(&app, "ana").await;
    app.run_jobs();
    sink.take();
    let mailed = async || {
        ask_for_reset(&app, "ana").await.assert_status(202);
        app.run_jobs();
        let [letter] = sink.take().try_into().unwrap();
        token_of(&letter)
    };
    let (first, second) = (mailed().await, mailed().await);
    choose(&app, &first, NEW)
        .await
        .assert_problem(403, "credentials_refused");
    app.app.clock.advance(TimeDelta::hours(1));
    choose(&app, &second, NEW)
        .await
        .assert_problem(403, "credentials_refused");

    let admin = app.admin().await;
    let token = mailed().await;
    let path = format!("/v1/users/{user}");
    admin
        .patch(&path, json!({"email": "other@example.com"}))
        .await
        .assert_status(200);
    choose(&app, &token, NEW)
        .await
        .assert_problem(403, "credentials_refused");

    let token = mailed().await;
    set_password(&admin, user, json!({"password": PASSWORD}))
        .await
        .assert_status(204);
    choose(&app, &token, NEW)
        .await
        .assert_problem(403, "credentials_refused");
}

// Fault 4.
#[actix_web::test]
async fn letters_go_to_addresses_in_any_script() {
    let (app, sink) = with_mail().await;
    let user = person_with_password(&app, "jörg").await;
    let email = json!({"email": "jörg@münchen.de"});
    let path = format!("/v1/users/{user}");
    app.admin().await.patch(&path, email).await.assert_status(200);
    ask_for_reset(&app, "jörg@münchen.de").await.assert_status(202);
    app.run_jobs();
    let letters = sink.take();
    for letter in &letters {
        assert!(letter.contains("To: jörg@xn--mnchen-3ya.de"), "{letter}");
    }
    // The last one, after the news that the password was set.
    token_of(letters.last().unwrap());
}

#[actix_web::test]
async fn resets_are_limited_and_refused_where_no_mail_is_sent() {
    let app = TestApp::start().await;
    // Faults 1 and 25: all spellings of a name count as one.
    for login in ["weißgroß", "WEISSGROß"].into_iter().cycle().take(10) {
        ask_for_reset(&app, login)
            .await
            .assert_problem(409, "mail_not_set_up");
    }
    ask_for_reset(&app, "weissgross")
        .await
        .assert_problem(429, "too_many_requests");
    ask_for_reset(&app, "")
        .await
        .assert_problem(422, "validation_failed");
}

#[actix_web::test]
async fn nobody_gives_an_e_mail_address_to_somebody_who_may_do_more() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let boss = person_with(&admin, json!({"username": "boss"})).await;
    let ana = person_with(&admin, json!({"username": "ana"})).await;
    let grant = grant_body(
        ("user", boss),
        role(&admin, "lms_admin").await,
        ("everything", None),
    );
    admin.post("/v1/grants", grant).await.assert_status(201);
    let importing = [HR, &[OrgUnitsWrite, ImportsRead, ImportsWrite]].concat();
    let hr = app.holding(&importing, "everything", None);
    let mine = json!({"email": "mine@example.com"});

    let path = format!("/v1/users/{boss}");
    hr.patch(&path, mine.clone())
        .await
        .assert_problem(403, "grant_exceeds_caller");
    hr.patch(&path, json!({"title": "Boss"})).await.assert_status(200);
    let rows = json!({"rows": [{"row_key": "1", "id": boss, "update": mine}, {"row_key": "2", "id": ana, "update": mine}]});
    let bulk = hr.post("/v1/users/bulk", rows).await.assert_status(200);
    assert_eq!(
        (bulk.at("/results/0/status"), bulk.at("/results/1/status")),
        (json!(403), json!(200))
    );

    let profile = json!({ "code": "mail", "name": "Mail", "resource": "users", "mapping": {
        "key": { "source": "hr", "value": { "column": "name" }, "match_by": "username" },
        "fields": { "username": { "column": "name" }, "given_name": { "column": "name" }, "email": { "column": "email" } },
    }});
    admin
        .post("/v1/import-profiles", profile)
        .await
        .assert_status(201);
    // Another address, and none: fault 24.
    for file in ["name,email\nboss,mine@example.com\n", "name,email\nboss,\n"] {
        let sent = hr
            .send(
                awc::http::Method::POST,
                "/v1/imports?profile=mail",
                Some(file.into()),
                "text/csv",
            )
            .await;
        let import = format!("/v1/imports/{}", sent.assert_status(202).id());
        app.run_jobs();
        let hash = hr.get(&import).await.at("/plan_hash");
        let application = format!("{import}/application");
        let apply = json!({"plan_hash": hash});
        let refused = hr.post(&application, apply.clone()).await;
        let refused = refused.assert_problem(403, "grant_exceeds_caller");
        // Fault 29: whose roles those are, the caller may not see.
        let named = Permission::ALL
            .iter()
            .find(|name| refused.text().contains(name.as_str()));
        assert_eq!(named, None, "{}", refused.text());
        admin.post(&application, apply).await.assert_status(202);
        app.run_jobs();
    }
}
