//! Sessions: listed and ended by their owner and by administrators, on every node.

use diesel::connection::SimpleConnection;
use provost::authz::Permission;
use serde_json::json;
use uuid::Uuid;

use super::{
    SignedIn, assert_oauth_error, grant_body, person, person_with_password, refresh, role, sessions, sign_in,
};
use crate::support::{Client, TestApp, WAITING_FOR_LOCKS, app::Node, count};

/// Asks a second node until it answers so, since it hears of the change a moment later.
async fn until_refused(node: &Node, tokens: &SignedIn) {
    let client = Client::new(&node.address, Some(tokens.access_token.clone()));
    for _ in 0..10_000 {
        if client.get("/v1/me").await.status == 401 {
            return;
        }
    }
    panic!("the other node goes on taking the token");
}

#[actix_web::test]
async fn a_session_tells_when_and_from_where() {
    let app = TestApp::start().await;
    let ana = person_with_password(&app, "ana").await;
    let browser = app.anonymous().with("User-Agent", "Browser/1.0");
    let parameters = [
        ("grant_type", "password"),
        ("username", "ana"),
        ("password", super::PASSWORD),
    ];
    let answer = super::form(&browser, "/oauth/token", &parameters).await;
    let first = SignedIn::of(&answer.assert_status(200));
    let second = sign_in(&app, "ana").await;

    let listed = sessions(&first.client(&app), ana).await;
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (
            &listed[1]["user_agent"],
            &listed[1]["address"],
            &listed[1]["user_id"]
        ),
        (&json!("Browser/1.0"), &json!("127.0.0.1"), &json!(ana))
    );
    let path = format!("/v1/users/{ana}/sessions");
    let page = second
        .client(&app)
        .get(&format!("{path}?limit=1"))
        .await
        .assert_status(200);
    let next = page.at("/next_cursor");
    let next = second
        .client(&app)
        .get(&format!("{path}?limit=1&cursor={}", next.as_str().unwrap()))
        .await
        .assert_status(200);
    assert_eq!(
        (
            page.at("/data/0/id"),
            next.at("/data/0/id"),
            next.at("/next_cursor")
        ),
        (listed[0]["id"].clone(), listed[1]["id"].clone(), json!(null))
    );
    let one = format!("{path}/{}", listed[0]["id"].as_str().unwrap());
    assert_eq!(
        second.client(&app).get(&one).await.assert_status(200).json(),
        listed[0]
    );
}

#[actix_web::test]
async fn an_ended_session_is_refused_on_every_node() {
    let app = TestApp::start().await;
    let other = app.second_node();
    let ana = person_with_password(&app, "ana").await;
    let lost = sign_in(&app, "ana").await;
    let kept = sign_in(&app, "ana").await;
    for tokens in [&lost, &kept] {
        for address in [&app.address, &other.address] {
            let client = Client::new(address, Some(tokens.access_token.clone()));
            client.get("/v1/me").await.assert_status(200);
        }
    }

    let client = kept.client(&app);
    let lost_id = sessions(&client, ana).await[1]["id"].clone();
    let path = format!("/v1/users/{ana}/sessions/{}", lost_id.as_str().unwrap());
    client.delete(&path).await.assert_status(204);

    lost.client(&app)
        .get("/v1/me")
        .await
        .assert_problem(401, "unauthenticated");
    until_refused(&other, &lost).await;
    assert_oauth_error(&refresh(&app, &lost.refresh_token).await, 400, "invalid_grant");
    let ended = client.get(&path).await.assert_status(200);
    assert_eq!(ended.at("/end_reason"), "signed_out");
    for address in [&app.address, &other.address] {
        let client = Client::new(address, Some(kept.access_token.clone()));
        client.get("/v1/me").await.assert_status(200);
    }
    client.delete(&path).await.assert_status(204);
    assert_eq!(client.get(&path).await.json(), ended.json());
    client
        .with("If-Match", "\"1\"")
        .delete(&path)
        .await
        .assert_problem(412, "precondition_failed");
}

#[actix_web::test]
async fn an_administrator_ends_all_sessions_of_a_person() {
    let app = TestApp::start().await;
    let ana = person_with_password(&app, "ana").await;
    let bea = person_with_password(&app, "bea").await;
    let tokens = [sign_in(&app, "ana").await, sign_in(&app, "ana").await];
    let unharmed = sign_in(&app, "bea").await;
    let admin = app.admin().await;
    let path = format!("/v1/users/{ana}/sessions");
    let bare = admin.send(awc::http::Method::DELETE, &path, None, "").await;
    bare.assert_problem(428, "precondition_required");
    admin
        .with("If-Match", "\"99\"")
        .delete(&path)
        .await
        .assert_problem(412, "precondition_failed");
    let etag = admin.get(&format!("/v1/users/{ana}")).await;
    let etag = etag.header("etag").unwrap();

    admin
        .with("If-Match", etag)
        .delete(&path)
        .await
        .assert_status(204);

    for tokens in &tokens {
        let answer = tokens.client(&app).get("/v1/me").await;
        answer.assert_problem(401, "unauthenticated");
        assert_oauth_error(&refresh(&app, &tokens.refresh_token).await, 400, "invalid_grant");
    }
    let reasons: Vec<_> = sessions(&admin, ana)
        .await
        .iter()
        .map(|session| session["end_reason"].clone())
        .collect();
    assert_eq!(json!(reasons), json!(["revoked", "revoked"]));
    assert_eq!(sessions(&unharmed.client(&app), bea).await.len(), 1);
    let open = admin.get(&format!("{path}?filter=not%20(ended_at%20pr)")).await;
    assert_eq!(open.assert_status(200).at("/data"), json!([]));
    // Signing in again works.
    sign_in(&app, "ana")
        .await
        .client(&app)
        .get("/v1/me")
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn sessions_are_their_owners_and_their_administrators_alone() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person_with_password(&app, "ana").await;
    let bea = person(&admin, "bea").await;
    sign_in(&app, "ana").await;
    let id = sessions(&admin, ana).await[0]["id"].clone();
    let all = format!("/v1/users/{ana}/sessions");
    let one = format!("{all}/{}", id.as_str().unwrap());
    // A stranger does not see the person at all; a manager sees them, and not this.
    let manager = person(&admin, "manager").await;
    let user = json!({"manager_id": manager});
    admin
        .patch(&format!("/v1/users/{ana}"), user)
        .await
        .assert_status(200);
    let role_id = role(&admin, "manager").await;
    let grant = grant_body(("user", manager), role_id, ("own_reports", None));
    admin.post("/v1/grants", grant).await.assert_status(201);
    for (client, status, code) in [
        (app.client_of(bea), 404, "not_found"),
        (app.client_of(manager), 403, "forbidden"),
        (
            app.holding(&[Permission::UsersRead], "everything", None),
            403,
            "forbidden",
        ),
        (app.holding(&[], "everything", None), 403, "forbidden"),
    ] {
        let client = client.with("If-Match", "*");
        client.get(&all).await.assert_problem(status, code);
        client.get(&one).await.assert_problem(status, code);
        client.delete(&all).await.assert_problem(status, code);
        client.delete(&one).await.assert_problem(status, code);
    }
    let reader = app.holding(&[Permission::SessionsRead], "everything", None);
    assert_eq!(sessions(&reader, ana).await.len(), 1);
    let reader = reader.with("If-Match", "*");
    reader.delete(&one).await.assert_problem(403, "forbidden");
    // Another person's path does not lead to it.
    let crossed = format!("/v1/users/{bea}/sessions/{}", id.as_str().unwrap());
    admin.get(&crossed).await.assert_problem(404, "not_found");
    admin
        .with("If-Match", "*")
        .delete(&crossed)
        .await
        .assert_problem(404, "not_found");
    let nobody = format!("{all}/{}", Uuid::nil());
    admin.get(&nobody).await.assert_problem(404, "not_found");
    assert_eq!(admin.get(&one).await.at("/ended_at"), json!(null));
}

#[actix_web::test]
async fn a_new_password_ends_all_sessions_but_the_callers_own() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person_with_password(&app, "ana").await;
    let learner = sign_in(&app, "ana").await;
    let other = sign_in(&app, "admin").await;
    let own = sign_in(&app, "admin").await;
    let me = admin.get("/v1/me").await.id();
    let own_client = own.client(&app).with("If-Match", "*");

    let new = json!({"password": "another long password"});
    own_client
        .put(&format!("/v1/users/{ana}/password"), new.clone())
        .await
        .assert_status(204);
    learner
        .client(&app)
        .get("/v1/me")
        .await
        .assert_problem(401, "unauthenticated");
    other.client(&app).get("/v1/me").await.assert_status(200);

    own_client
        .put(&format!("/v1/users/{me}/password"), new)
        .await
        .assert_status(204);
    other
        .client(&app)
        .get("/v1/me")
        .await
        .assert_problem(401, "unauthenticated");
    assert_oauth_error(&refresh(&app, &other.refresh_token).await, 400, "invalid_grant");
    own.client(&app).get("/v1/me").await.assert_status(200);
    refresh(&app, &own.refresh_token).await.assert_status(200);
    assert_eq!(sessions(&admin, ana).await[0]["end_reason"], "password_set");
}

/// Whoever changes a password ends the sessions that are there; one that begins at that moment may not slip through.
#[actix_web::test]
async fn a_password_that_is_changed_while_it_is_shown_begins_no_session() {
    let app = TestApp::start().await;
    person_with_password(&app, "ana").await;
    let mut changing = app.app.db.dedicated_connection().unwrap();
    changing
        .batch_execute("BEGIN; UPDATE passwords SET hash = 'another'")
        .unwrap();

    let client = app.anonymous();
    let signing_in = actix_web::rt::spawn(async move {
        let parameters = [
            ("grant_type", "password"),
            ("username", "ana"),
            ("password", super::PASSWORD),
        ];
        super::form(&client, "/oauth/token", &parameters).await
    });
    while count(&app, WAITING_FOR_LOCKS) == 0 {
        assert!(!signing_in.is_finished(), "it waits for the change");
        tokio::task::yield_now().await;
    }
    changing.batch_execute("COMMIT").unwrap();

    assert_oauth_error(&signing_in.await.unwrap(), 400, "invalid_grant");
    assert_eq!(count(&app, "SELECT count(*) FROM sessions"), 0);
}

#[actix_web::test]
async fn signing_in_and_out_is_in_the_ledger_without_secrets_or_addresses() {
    let app = TestApp::start().await;
    let ana = person_with_password(&app, "ana").await;
    let tokens = sign_in(&app, "ana").await;
    super::form(
        &app.anonymous(),
        "/oauth/revoke",
        &[("token", &tokens.refresh_token)],
    )
    .await
    .assert_status(200);
    app.run_jobs();
    let admin = app.admin().await;
    let events = admin
        .get("/v1/events?limit=200")
        .await
        .assert_status(200)
        .at("/data");
    let of_sessions: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["object_kind"] == "session")
        .collect();
    let actions: Vec<_> = of_sessions
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["session.started", "session.ended"]);
    for event in of_sessions {
        assert_eq!(
            (&event["actor_id"], &event["user_id"]),
            (&json!(ana), &json!(ana))
        );
        let text = event.to_string();
        assert!(!text.contains("pvr_") && !text.contains("127.0.0.1"), "{text}");
    }
}
