//! Acting on behalf of people by token exchange (RFC 8693).

use provost::authz::Permission::{self, *};
use serde_json::json;
use uuid::Uuid;

use super::{
    assert_oauth_error, client_with_secret, form, grant_body, id, person, person_with, person_with_password,
    role, scopes::org_unit, sign_in,
};
use crate::support::{Answer, Client, TestApp};

const LEARNER: &[Permission] = &[
    UsersRead,
    OrgUnitsRead,
    LocationsRead,
    CoursesRead,
    RequirementsRead,
    AbsencesRead,
    OverridesRead,
    ExtensionsRead,
    WaiversRead,
    EnrollmentsRead,
    EnrollmentsWrite,
    CompletionsRead,
    CertificatesRead,
    SessionsRead,
    SessionsWrite,
];
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

async fn exchange(app: &TestApp, actor: &Client, subject: &str) -> Answer {
    let parameters = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", subject),
        ("subject_token_type", "urn:provost:token-type:user-id"),
        ("actor_token", actor.token()),
        ("actor_token_type", ACCESS_TOKEN),
    ];
    form(&app.anonymous(), "/oauth/token", &parameters).await
}

pub async fn acting(app: &TestApp, actor: &Client, subject: Uuid) -> Client {
    let answer = exchange(app, actor, &subject.to_string())
        .await
        .assert_status(200);
    assert_eq!(answer.at("/issued_token_type"), json!(ACCESS_TOKEN));
    assert_eq!(answer.at("/refresh_token"), json!(null));
    let token = answer.at("/access_token").as_str().unwrap().to_owned();
    Client::new(&app.address, Some(token))
}

/// Somebody who may act for learners of a unit.
fn helper(app: &TestApp, scope: (&str, Option<Uuid>)) -> Client {
    app.holding(&[LEARNER, &[TokensExchange]].concat(), scope.0, scope.1)
}

#[actix_web::test]
async fn who_acts_for_a_person_does_what_they_may_and_the_ledger_shows_both() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana").await;
    let actor = admin.get("/v1/me").await.id();
    let client = acting(&app, &admin, ana).await;

    let me = client.get("/v1/me").await.assert_status(200);
    assert_eq!((me.at("/kind"), me.at("/id")), (json!("user"), json!(ana)));
    assert_eq!(me.at("/acted_for_by"), json!(actor));
    client
        .post(
            "/v1/users",
            json!({"username": "x", "given_name": "X", "family_name": "Y"}),
        )
        .await
        .assert_problem(403, "forbidden");
    client
        .with("If-Match", "*")
        .delete(&format!("/v1/users/{ana}/sessions"))
        .await
        .assert_status(204);

    let lms_admin = role(&admin, "lms_admin").await;
    let boss = person(&admin, "boss").await;
    let grant = grant_body(("user", boss), lms_admin, ("everything", None));
    admin.post("/v1/grants", grant).await.assert_status(201);
    let client = acting(&app, &admin, boss).await;
    let made = person(&client, "made").await;
    app.run_jobs();
    let events = admin
        .get("/v1/events?limit=200")
        .await
        .assert_status(200)
        .at("/data");
    let event = events
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["object_id"] == json!(made))
        .unwrap()
        .clone();
    let text = event.to_string();
    assert!(
        text.contains(&actor) && text.contains(&boss.to_string()),
        "{text}"
    );
    let acted = events
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["action"] == "user.acted_for")
        .count();
    assert_eq!(acted, 2);
}

#[actix_web::test]
async fn nobody_acts_for_who_holds_more_or_is_out_of_reach() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "emea", None);
    let member = |name: &str| json!({"username": name, "org_unit_id": unit});
    let (ana, boss) = (
        person_with(&admin, member("ana")).await,
        person_with(&admin, member("boss")).await,
    );
    let other = person(&admin, "other").await;
    let reporter = json!({"code": "reporter", "name": "Reporter", "permissions": ["reports.run"]});
    let reporter = id(&admin.post("/v1/roles", reporter).await.assert_status(201));
    let grant = grant_body(("user", boss), reporter, ("org_unit", Some(unit)));
    admin.post("/v1/grants", grant).await.assert_status(201);

    let local = helper(&app, ("org_unit", Some(unit)));
    acting(&app, &local, ana)
        .await
        .get("/v1/me")
        .await
        .assert_status(200);
    assert_oauth_error(
        &exchange(&app, &local, &boss.to_string()).await,
        403,
        "insufficient_scope",
    );
    for unknown in [other.to_string(), Uuid::now_v7().to_string(), "ana".to_owned()] {
        assert_oauth_error(&exchange(&app, &local, &unknown).await, 400, "invalid_request");
    }
    for less in [LEARNER, &[TokensExchange, UsersRead]] {
        let less = app.holding(less, "everything", None);
        assert_oauth_error(
            &exchange(&app, &less, &ana.to_string()).await,
            403,
            "insufficient_scope",
        );
    }
    // No chains, and no made-up actors.
    let client = acting(&app, &admin, ana).await;
    for actor in [client, Client::new(&app.address, Some("made-up".into()))] {
        assert_oauth_error(
            &exchange(&app, &actor, &boss.to_string()).await,
            400,
            "invalid_request",
        );
    }
}

#[actix_web::test]
async fn acting_ends_when_either_is_suspended_or_the_person_holds_more() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana").await;
    let local = helper(&app, ("everything", None));
    let client = acting(&app, &local, ana).await;
    client.get("/v1/me").await.assert_status(200);

    let grant = grant_body(
        ("user", ana),
        role(&admin, "lms_admin").await,
        ("everything", None),
    );
    let grant = admin.post("/v1/grants", grant).await.assert_status(201).id();
    client.get("/v1/me").await.assert_problem(401, "unauthenticated");
    admin
        .delete(&format!("/v1/grants/{grant}"))
        .await
        .assert_status(204);
    client.get("/v1/me").await.assert_status(200);

    let account = format!("/v1/service-accounts/{}", local.get("/v1/me").await.id());
    admin
        .patch(&account, json!({"status": "suspended"}))
        .await
        .assert_status(200);
    client.get("/v1/me").await.assert_problem(401, "unauthenticated");
    admin
        .patch(&account, json!({"status": "active"}))
        .await
        .assert_status(200);
    client.get("/v1/me").await.assert_status(200);
    admin
        .patch(&format!("/v1/users/{ana}"), json!({"status": "suspended"}))
        .await
        .assert_status(200);
    client.get("/v1/me").await.assert_problem(401, "unauthenticated");
}

#[actix_web::test]
async fn acting_ends_with_the_actors_session_and_introspection_shows_both() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (ana, boss) = (
        person(&admin, "ana").await,
        person_with_password(&app, "boss").await,
    );
    let grant = grant_body(
        ("user", boss),
        role(&admin, "lms_admin").await,
        ("everything", None),
    );
    admin.post("/v1/grants", grant).await.assert_status(201);
    let session = sign_in(&app, "boss").await;
    let client = acting(&app, &session.client(&app), ana).await;
    client.get("/v1/me").await.assert_status(200);
    let (client_id, secret) = client_with_secret(&app, &[TokensIntrospect], ("everything", None)).await;
    let introspect = async || {
        let parameters = [
            ("token", client.token()),
            ("client_id", &client_id),
            ("client_secret", &secret),
        ];
        form(&app.anonymous(), "/oauth/introspect", &parameters)
            .await
            .assert_status(200)
    };
    let shown = introspect().await;
    assert_eq!(
        (shown.at("/sub"), shown.at("/act/sub")),
        (json!(ana), json!(boss))
    );

    // To hold the token is no leave to end the actor's session.
    let revoked = form(&app.anonymous(), "/oauth/revoke", &[("token", client.token())]).await;
    assert_oauth_error(&revoked, 400, "unsupported_token_type");
    form(
        &app.anonymous(),
        "/oauth/revoke",
        &[("token", &session.refresh_token)],
    )
    .await
    .assert_status(200);
    client.get("/v1/me").await.assert_problem(401, "unauthenticated");
    assert_eq!(introspect().await.json(), json!({"active": false}));
}
