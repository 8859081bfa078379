use provost::authz::Permission;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{grant_body, id, person, person_with, scopes::org_unit};
use crate::support::{Answer, Client, TestApp};

async fn explain(client: &Client, user: Uuid, question: &str) -> Answer {
    client
        .get(&format!("/v1/users/{user}/access/explanation?{question}"))
        .await
}

fn verdict_of<'a>(answer: &'a Value, role: &str) -> &'a Value {
    let verdicts = answer["grants"].as_array().unwrap();
    let found = verdicts.iter().find(|one| one["grant"]["role"] == role);
    found.unwrap_or_else(|| panic!("no verdict of {role} in {answer}"))
}

/// A new role.
async fn role(admin: &Client, code: &str, permissions: &[&str]) -> Uuid {
    let body = json!({"code": code, "name": code, "permissions": permissions});
    id(&admin.post("/v1/roles", body).await.assert_status(201))
}

async fn grant(admin: &Client, body: Value) -> String {
    admin.post("/v1/grants", body).await.assert_status(201).id()
}

#[actix_web::test]
async fn access_shows_what_reaches_a_person_and_by_what() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana").await;
    let unit = org_unit(&app, "emea", None);
    let group = admin
        .post("/v1/groups", json!({"code": "leads", "name": "Leads"}))
        .await
        .id();
    let manager = role(&admin, "lead", &["users.read", "reports.run"]).await;
    admin
        .put(&format!("/v1/groups/{group}/members/{ana}"), json!({}))
        .await
        .assert_status(204);
    let by_group = grant(
        &admin,
        json!({"principal_kind": "group", "principal_id": group, "role_id": manager,
            "scope_kind": "org_unit", "scope_id": unit}),
    )
    .await;

    let answer = admin
        .get(&format!("/v1/users/{ana}/access"))
        .await
        .assert_status(200);

    let grants = answer.at("/grants");
    let grants = grants.as_array().unwrap();
    assert_eq!(grants.len(), 2, "{}", answer.text());
    let everybody = grants.iter().find(|one| one["via"] == "everybody").unwrap();
    assert_eq!(everybody["role"], "learner");
    assert_eq!(everybody["grant_id"], Value::Null);
    let lead = grants.iter().find(|one| one["role"] == "lead").unwrap();
    assert_eq!(
        (
            &lead["via"],
            &lead["group_id"],
            &lead["grant_id"],
            &lead["counts"]
        ),
        (&json!("group"), &json!(group), &json!(by_group), &json!(true))
    );
    let permissions = answer.at("/permissions");
    let run = permissions
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["permission"] == "reports.run")
        .unwrap();
    assert_eq!(run["scopes"], json!([{"kind": "org_unit", "id": unit}]));
    assert_eq!(
        app.client_of(ana).get("/v1/me").await.at("/permissions"),
        permissions,
        "access and /v1/me say the same"
    );
}

#[actix_web::test]
async fn an_explanation_tells_permission_time_and_scope_apart() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (emea, apac) = (org_unit(&app, "emea", None), org_unit(&app, "apac", None));
    let ana = person(&admin, "ana").await;
    let here = person_with(&admin, json!({"username": "here", "org_unit_id": emea})).await;
    let there = person_with(&admin, json!({"username": "there", "org_unit_id": apac})).await;
    let keeper = role(&admin, "keeper", &["users.read", "users.write"]).await;
    grant(
        &admin,
        grant_body(("user", ana), keeper, ("org_unit", Some(emea))),
    )
    .await;

    let allowed = explain(
        &admin,
        ana,
        &format!("permission=users.write&kind=user&id={here}"),
    )
    .await;
    assert_eq!(allowed.at("/allowed"), true, "{}", allowed.text());
    assert_eq!(allowed.at("/because"), "Allowed by keeper.");
    assert_eq!(allowed.at("/object"), json!({"kind": "user", "id": here}));

    let outside = explain(
        &admin,
        ana,
        &format!("permission=users.write&kind=user&id={there}"),
    )
    .await;
    assert_eq!(outside.at("/allowed"), false);
    let verdict = verdict_of(&outside.json(), "keeper").clone();
    assert_eq!(
        (&verdict["holds_permission"], &verdict["covers_object"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        outside.at("/because"),
        "keeper holds users.write, in a scope that does not cover this."
    );

    let own = explain(&admin, ana, &format!("permission=users.write&kind=user&id={ana}")).await;
    let learner = verdict_of(&own.json(), "learner").clone();
    assert_eq!(
        (&learner["holds_permission"], &learner["covers_object"]),
        (&json!(false), &json!(true))
    );

    let elsewhere = explain(&admin, ana, "permission=rules.write").await;
    assert_eq!(elsewhere.at("/allowed"), false);
    assert_eq!(elsewhere.at("/object"), Value::Null);

    admin
        .with("If-Match", "*")
        .patch(&format!("/v1/users/{ana}"), json!({"status": "suspended"}))
        .await
        .assert_status(200);
    let suspended = explain(
        &admin,
        ana,
        &format!("permission=users.write&kind=user&id={here}"),
    )
    .await;
    assert_eq!(suspended.at("/allowed"), false);
    assert_eq!(
        suspended.at("/because"),
        "They are suspended, and only active people may do anything."
    );
    assert_eq!(
        verdict_of(&suspended.json(), "keeper")["grant"]["counts"],
        json!(false)
    );
    let access = admin.get(&format!("/v1/users/{ana}/access")).await;
    assert_eq!(access.at("/permissions"), json!([]));
    assert_eq!(access.at("/grants").as_array().map(Vec::len), Some(2));
}

#[actix_web::test]
async fn a_grant_that_does_not_count_yet_is_told() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana").await;
    let keeper = role(&admin, "keeper", &["rules.read"]).await;
    let mut body = grant_body(("user", ana), keeper, ("everything", None));
    body["starts_at"] = json!(app.app.clock.now() + chrono::TimeDelta::days(1));
    grant(&admin, body).await;

    let before = explain(&admin, ana, "permission=rules.read").await;
    app.app.clock.advance(chrono::TimeDelta::days(2));
    let after = explain(&app.admin().await, ana, "permission=rules.read").await;

    assert_eq!(
        (before.at("/allowed"), after.at("/allowed")),
        (json!(false), json!(true))
    );
    assert_eq!(
        before.at("/because"),
        "keeper would allow it, and does not count now: look at starts_at and ends_at."
    );
}

/// What an explanation says is what the API does, for every kind of thing that people read.
#[actix_web::test]
async fn an_explanation_agrees_with_what_happens() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (emea, apac) = (org_unit(&app, "emea", None), org_unit(&app, "apac", None));
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": emea})).await;
    let there = person_with(&admin, json!({"username": "there", "org_unit_id": apac})).await;
    let course = |code: &str| {
        admin.post(
            "/v1/courses",
            json!({"code": code, "title": code, "language": "en"}),
        )
    };
    let draft = course("draft").await.assert_status(201).id();
    let caller = app.client_of(ana);
    for (permission, kind, id, path) in [
        ("users.read", "user", ana.to_string(), "users"),
        ("users.read", "user", there.to_string(), "users"),
        ("org_units.read", "org_unit", emea.to_string(), "org-units"),
        ("org_units.read", "org_unit", apac.to_string(), "org-units"),
        ("courses.read", "course", draft.clone(), "courses"),
    ] {
        let said = explain(
            &admin,
            ana,
            &format!("permission={permission}&kind={kind}&id={id}"),
        )
        .await;
        let status = caller.get(&format!("/v1/{path}/{id}")).await.status;
        assert_eq!(
            said.at("/allowed"),
            json!(status == 200),
            "{kind} {status}: {}",
            said.text()
        );
    }
}

#[actix_web::test]
async fn people_ask_about_themselves_and_administrators_about_those_in_their_scope() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (emea, apac) = (org_unit(&app, "emea", None), org_unit(&app, "apac", None));
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": emea})).await;
    let cho = person_with(&admin, json!({"username": "cho", "org_unit_id": apac})).await;
    let keeper = role(&admin, "keeper", &["users.read"]).await;
    grant(
        &admin,
        grant_body(("user", ana), keeper, ("org_unit", Some(emea))),
    )
    .await;
    grant(
        &admin,
        grant_body(("user", ana), keeper, ("org_unit", Some(apac))),
    )
    .await;
    let local = app.holding(
        &[Permission::UsersRead, Permission::RolesRead],
        "org_unit",
        Some(emea),
    );
    let reader = app.holding(&[Permission::UsersRead], "everything", None);

    let own = app
        .client_of(ana)
        .get(&format!("/v1/users/{ana}/access"))
        .await
        .assert_status(200);
    assert_eq!(own.at("/hidden_grants"), 0);
    let seen = local
        .get(&format!("/v1/users/{ana}/access"))
        .await
        .assert_status(200);
    assert_eq!(seen.at("/hidden_grants"), 1, "{}", seen.text());
    assert_eq!(seen.at("/grants").as_array().unwrap().len(), 2);
    local
        .get(&format!("/v1/users/{cho}/access"))
        .await
        .assert_problem(404, "not_found");
    reader
        .get(&format!("/v1/users/{ana}/access"))
        .await
        .assert_problem(403, "forbidden");
    explain(&local, ana, &format!("permission=users.read&kind=user&id={cho}"))
        .await
        .assert_problem(404, "not_found");
}

#[actix_web::test]
async fn questions_that_cannot_be_answered_are_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana").await;
    for (question, pointer) in [
        ("", "?permission"),
        ("permission=fly", "?permission"),
        ("permission=users.read&kind=user", "?id"),
        ("permission=users.read&id=x", "?kind"),
        ("permission=users.read&kind=user&id=x", "?id"),
        ("permission=users.read&kind=planet&id=x", "?kind"),
    ] {
        let answer = explain(&admin, ana, question)
            .await
            .assert_problem(400, "invalid_parameter");
        assert_eq!(
            answer.at("/errors/0/pointer"),
            pointer,
            "{question}: {}",
            answer.text()
        );
    }
    for kind in provost::access::subject::SubjectKind::WORDS {
        explain(
            &admin,
            ana,
            &format!("permission=users.read&kind={kind}&id={}", Uuid::now_v7()),
        )
        .await
        .assert_problem(404, "not_found");
    }
}

#[actix_web::test]
async fn grants_out_of_sight_are_not_named_in_explanations_and_refusals() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "partners", None);
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": unit})).await;
    let secret = json!({"code": "secret_role", "name": "Secret", "permissions": ["jobs.read"]});
    let secret = id(&admin.post("/v1/roles", secret).await.assert_status(201));
    let grant = grant_body(("user", ana), secret, ("everything", None));
    admin.post("/v1/grants", grant).await.assert_status(201);
    let client = app.holding_role("lms_admin", &[("org_unit", Some(unit))]);

    let path = format!("/v1/users/{ana}/access/explanation?permission=jobs.read");
    let answer = client.get(&path).await.assert_status(200);
    assert_eq!(
        answer.at("/because"),
        json!("Allowed by a grant that you may not see.")
    );
    let path = format!("/v1/users/{ana}/password");
    let answer = client
        .with("If-Match", "*")
        .put(&path, json!({"password": "another long one"}))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    assert!(!answer.text().contains("jobs.read"), "{}", answer.text());
}
