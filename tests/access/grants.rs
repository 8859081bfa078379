use chrono::TimeDelta;
use provost::{authz::Permission, sql};
use serde_json::json;
use uuid::Uuid;

use super::{grant_body, id, person, person_with, role, scopes::org_unit};
use crate::support::TestApp;

const KEEPER: &[Permission] = &[
    Permission::RolesRead,
    Permission::RolesWrite,
    Permission::UsersRead,
];

#[actix_web::test]
async fn nobody_grants_what_they_do_not_hold() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (above, below, beside) = (
        org_unit(&app, "above", None),
        Uuid::now_v7(),
        org_unit(&app, "beside", None),
    );
    let below = super::scopes::org_unit_with_id(&app, below, "below", Some(above));
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": above})).await;
    let far = person(&admin, "far").await;
    let reader = json!({"code": "reader", "name": "Reader", "permissions": ["users.read"]});
    let reader = admin.post("/v1/roles", reader).await.id().parse().unwrap();
    let lms_admin = role(&admin, "lms_admin").await;
    let keeper = app.holding(KEEPER, "org_unit", Some(above));
    let grant = async |role, scope| {
        keeper
            .post("/v1/grants", grant_body(("user", ana), role, scope))
            .await
    };

    grant(reader, ("org_unit", Some(above))).await.assert_status(201);
    grant(reader, ("org_unit", Some(below))).await.assert_status(201);
    for (role, scope) in [
        (reader, ("org_unit", Some(beside))),
        (reader, ("everything", None)),
        (reader, ("own_reports", None)),
        (lms_admin, ("org_unit", Some(below))),
        (lms_admin, ("everything", None)),
    ] {
        grant(role, scope)
            .await
            .assert_problem(403, "grant_exceeds_caller");
    }

    for out_of_reach in [far, Uuid::now_v7()] {
        let body = grant_body(("user", out_of_reach), reader, ("org_unit", Some(below)));
        keeper
            .post("/v1/grants", body)
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault("/principal_id");
    }

    let without_leave = app.holding(&[Permission::UsersRead], "everything", None);
    without_leave
        .post(
            "/v1/grants",
            grant_body(("user", ana), reader, ("org_unit", Some(below))),
        )
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn leave_to_grant_and_what_is_granted_must_reach_the_same_place() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (here, there) = (org_unit(&app, "here", None), org_unit(&app, "there", None));
    let ana = person(&admin, "ana").await;
    let reader = json!({"code": "reader", "name": "Reader", "permissions": ["users.read"]});
    let reader = admin.post("/v1/roles", reader).await.id().parse().unwrap();
    let split = person(&admin, "split").await;
    for (code, permissions, unit) in [("a", "roles.write", here), ("b", "users.read", there)] {
        let body = json!({"code": code, "name": code, "permissions": [permissions]});
        let role = admin.post("/v1/roles", body).await.id().parse().unwrap();
        let body = grant_body(("user", split), role, ("org_unit", Some(unit)));
        admin.post("/v1/grants", body).await.assert_status(201);
    }
    for unit in [here, there] {
        app.client_of(split)
            .post(
                "/v1/grants",
                grant_body(("user", ana), reader, ("org_unit", Some(unit))),
            )
            .await
            .assert_problem(403, "grant_exceeds_caller");
    }
}

#[actix_web::test]
async fn grants_are_seen_and_revoked_within_ones_scope() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (here, there) = (org_unit(&app, "here", None), org_unit(&app, "there", None));
    let ana = person(&admin, "ana").await;
    let manager = role(&admin, "manager").await;
    let mut grants = Vec::new();
    for unit in [here, there] {
        let body = grant_body(("user", ana), manager, ("org_unit", Some(unit)));
        grants.push(format!(
            "/v1/grants/{}",
            admin.post("/v1/grants", body).await.id()
        ));
    }
    let keeper = app.holding(KEEPER, "org_unit", Some(here));
    let of_ana =
        format!("/v1/grants?filter=principal_id%20eq%20%22{ana}%22%20and%20role%20eq%20%22manager%22");

    let seen = keeper.get(&of_ana).await.assert_status(200);
    assert_eq!(
        (seen.at("/data/0/scope_id"), seen.at("/data/1")),
        (json!(here), json!(null))
    );
    keeper.get(&grants[1]).await.assert_problem(404, "not_found");
    keeper
        .with("If-Match", "*")
        .delete(&grants[1])
        .await
        .assert_problem(404, "not_found");
    keeper
        .with("If-Match", "\"7\"")
        .delete(&grants[0])
        .await
        .assert_problem(412, "precondition_failed");
    keeper.delete(&grants[0]).await.assert_status(204);

    let revoked = admin.get(&grants[0]).await.assert_status(200);
    assert_ne!(revoked.at("/revoked_at"), json!(null));
    let live = admin
        .get(&format!("{of_ana}%20and%20not%20(revoked_at%20pr)"))
        .await
        .assert_status(200);
    assert_eq!(live.at("/data").as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn revoking_counts_at_the_next_request() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana").await;
    let client = app.client_of(ana);
    client.get("/v1/roles").await.assert_problem(403, "forbidden");

    let auditor = role(&admin, "auditor").await;
    let body = grant_body(("user", ana), auditor, ("everything", None));
    let grant = admin.post("/v1/grants", body.clone()).await.assert_status(201);
    client.get("/v1/roles").await.assert_status(200);
    admin
        .post("/v1/grants", body.clone())
        .await
        .assert_problem(409, "already_exists");

    admin
        .delete(&format!("/v1/grants/{}", grant.id()))
        .await
        .assert_status(204);
    client.get("/v1/roles").await.assert_problem(403, "forbidden");
    admin.post("/v1/grants", body).await.assert_status(201);
    client.get("/v1/roles").await.assert_status(200);
}

#[actix_web::test]
async fn a_grant_counts_from_its_start_until_its_end() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana").await;
    let now = app.app.clock.now();
    let mut body = grant_body(("user", ana), role(&admin, "auditor").await, ("everything", None));
    body["starts_at"] = json!(now + TimeDelta::minutes(2));
    body["ends_at"] = json!(now + TimeDelta::minutes(4));
    admin.post("/v1/grants", body).await.assert_status(201);
    let client = app.client_of(ana);

    client.get("/v1/roles").await.assert_problem(403, "forbidden");
    app.app.clock.advance(TimeDelta::minutes(2));
    client.get("/v1/roles").await.assert_status(200);
    app.app.clock.advance(TimeDelta::minutes(2));
    client.get("/v1/roles").await.assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn the_members_of_a_group_hold_what_the_group_holds() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (ana, bea, group) = (
        person(&admin, "ana").await,
        person(&admin, "bea").await,
        Uuid::now_v7(),
    );
    app.write(|tx| {
        let now = tx.now;
        sql!(
            "WITH grp AS (INSERT INTO groups (id, code, code_folded, name, name_folded, kind,
                created_at, updated_at)
                VALUES ({group},'auditors', 'auditors', 'Auditors', 'auditors', 'static', {now}, {now})
                RETURNING id)
             INSERT INTO group_members (group_id, user_id, added_at) SELECT id, {ana}, {now} FROM grp"
        )
        .execute(tx.conn)?;
        Ok(())
    });
    let (ana, bea) = (app.client_of(ana), app.client_of(bea));
    ana.get("/v1/roles").await.assert_problem(403, "forbidden");

    let body = grant_body(
        ("group", group),
        role(&admin, "auditor").await,
        ("everything", None),
    );
    let grant = admin.post("/v1/grants", body).await.assert_status(201);
    ana.get("/v1/roles").await.assert_status(200);
    bea.get("/v1/roles").await.assert_problem(403, "forbidden");

    admin
        .delete(&format!("/v1/grants/{}", grant.id()))
        .await
        .assert_status(204);
    ana.get("/v1/roles").await.assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn a_grant_that_names_nothing_or_contradicts_itself_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana").await;
    let auditor = role(&admin, "auditor").await;
    let nobody = Uuid::now_v7();
    let account = admin
        .post("/v1/service-accounts", json!({"name": "a"}))
        .await
        .id()
        .parse()
        .unwrap();
    let cases = [
        (
            grant_body(("user", nobody), auditor, ("everything", None)),
            "/principal_id",
        ),
        (
            grant_body(("group", ana), auditor, ("everything", None)),
            "/principal_id",
        ),
        (
            grant_body(("user", ana), nobody, ("everything", None)),
            "/role_id",
        ),
        (
            grant_body(("user", ana), auditor, ("org_unit", Some(nobody))),
            "/scope_id",
        ),
        (
            grant_body(("user", ana), auditor, ("category", Some(nobody))),
            "/scope_id",
        ),
        (
            grant_body(("user", ana), auditor, ("org_unit", None)),
            "/scope_id",
        ),
        (
            grant_body(("user", ana), auditor, ("everything", Some(nobody))),
            "/scope_id",
        ),
        (
            grant_body(("service_account", account), auditor, ("self", None)),
            "/scope_kind",
        ),
    ];
    for (body, pointer) in cases {
        admin
            .post("/v1/grants", body)
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault(pointer);
    }
}

#[actix_web::test]
async fn grants_of_one_role_follow_each_other() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person_with(&admin, json!({"username": "ana"})).await;
    let auditor = role(&admin, "auditor").await;
    let granted = async |starts_at: Option<&str>, ends_at: Option<&str>| {
        let mut body = grant_body(("user", ana), auditor, ("everything", None));
        body["starts_at"] = json!(starts_at);
        body["ends_at"] = json!(ends_at);
        admin.post("/v1/grants", body).await
    };
    let first = granted(Some("2100-01-01T00:00:00Z"), Some("2100-03-01T00:00:00Z")).await;
    let first = id(&first.assert_status(201));
    let overlapping = granted(Some("2100-02-01T00:00:00Z"), None).await;
    let overlapping = overlapping
        .assert_problem(409, "already_exists")
        .assert_fault("/role_id");
    assert!(overlapping.text().contains(&first.to_string()));
    granted(Some("2100-03-01T00:00:00Z"), None)
        .await
        .assert_status(201);
    granted(None, Some("2099-01-01T00:00:00Z"))
        .await
        .assert_status(201);
    granted(None, None).await.assert_problem(409, "already_exists");
    granted(None, Some("2001-01-01T00:00:00Z"))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/ends_at");
}

#[actix_web::test]
async fn what_has_ended_may_be_granted_again_and_forbids_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "emea", None);
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": unit})).await;
    let auditor = role(&admin, "auditor").await;
    let hr = app.holding_role("hr_admin", &[("org_unit", Some(unit))]);
    let me = id(&hr.get("/v1/me").await);
    let mut body = grant_body(("user", ana), auditor, ("everything", None));
    let path = format!("/v1/users/{ana}");
    let change = json!({"email": "ana@example.com"});
    body["ends_at"] = json!(app.app.clock.now() + TimeDelta::hours(1));
    admin.post("/v1/grants", body.clone()).await.assert_status(201);
    hr.patch(&path, change.clone())
        .await
        .assert_problem(403, "grant_exceeds_caller");

    app.app.clock.advance(TimeDelta::hours(2));
    let (admin, hr) = (app.admin().await, app.client_of_service_account(me));
    hr.patch(&path, change).await.assert_status(200);
    body["ends_at"] = json!(null);
    admin.post("/v1/grants", body).await.assert_status(201);
}

#[actix_web::test]
async fn a_grant_that_ends_as_it_begins_is_refused_however_finely_it_is_timed() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana").await;
    let mut body = grant_body(("user", ana), role(&admin, "auditor").await, ("everything", None));
    body["starts_at"] = json!("2100-01-01T00:00:00.0000001Z");
    body["ends_at"] = json!("2100-01-01T00:00:00.0000002Z");
    admin
        .post("/v1/grants", body)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/ends_at");
}

#[actix_web::test]
async fn archived_users_and_groups_are_granted_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let learner = role(&admin, "learner").await;
    let ana = person(&admin, "ana").await;
    let group = json!({"code": "staff", "name": "Staff", "kind": "static"});
    let group = admin.post("/v1/groups", group).await.id();
    admin
        .patch(&format!("/v1/users/{ana}"), json!({"status": "archived"}))
        .await
        .assert_status(200);
    let archival = format!("/v1/groups/{group}/archival");
    admin.post(&archival, json!({})).await.assert_status(200);

    for principal in [("user", ana), ("group", group.parse().unwrap())] {
        let answer = admin
            .post("/v1/grants", grant_body(principal, learner, ("everything", None)))
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault("/principal_id");
        assert_eq!(
            answer.at("/errors/0/detail"),
            "is archived; restore it first, or choose another"
        );
    }
    let rows = [json!({"id": group, "revoke": {"x": 1}})];
    let answer = admin.bulk("/v1/grants", rows).await;
    let fault = json!([{"pointer": "/revoke", "detail": "takes no members; send `{}`"}]);
    assert_eq!(answer.at("/results/0/problem/errors"), fault);
}
