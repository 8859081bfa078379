use provost::authz::Permission;
use serde_json::json;

use super::{names, person, unit, uuid};
use crate::support::TestApp;

const BOTH: &[Permission] = &[Permission::OrgUnitsRead, Permission::OrgUnitsWrite];

#[actix_web::test]
async fn a_subtree_moves_with_its_people() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let emea = unit(&admin, "emea", None).await;
    let apac = unit(&admin, "apac", None).await;
    let sales = unit(&admin, "sales", Some(&emea)).await;
    let team = unit(&admin, "team", Some(&sales)).await;
    person(&admin, "ana", json!({"org_unit_id": team})).await;
    let group =
        json!({"code": "apac-people", "name": "APAC", "kind": "dynamic", "filter": "org_unit eq \"apac\""});
    let group = admin.post("/v1/groups", group).await.assert_status(201).id();
    let in_apac = "/v1/users?filter=org_unit%20eq%20%22apac%22";
    assert!(names(&admin, in_apac).await.is_empty());

    admin
        .patch(&format!("/v1/org-units/{sales}"), json!({"parent_id": apac}))
        .await
        .assert_status(200);

    assert_eq!(names(&admin, in_apac).await, ["ana"]);
    assert_eq!(
        names(&admin, &format!("/v1/groups/{group}/members")).await,
        ["ana"]
    );
    assert_eq!(
        names(&admin, "/v1/org-units?filter=within%20eq%20%22apac%22").await,
        ["apac", "sales", "team"]
    );
    assert_eq!(
        names(&admin, "/v1/org-units?filter=within%20eq%20%22emea%22").await,
        ["emea"]
    );
}

#[actix_web::test]
async fn a_unit_cannot_stand_below_itself() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let top = unit(&admin, "top", None).await;
    let low = unit(&admin, "low", Some(&top)).await;

    for parent in [&top, &low] {
        admin
            .patch(&format!("/v1/org-units/{top}"), json!({"parent_id": parent}))
            .await
            .assert_problem(409, "org_unit_cycle")
            .assert_fault("/parent_id");
    }
    admin
        .patch(&format!("/v1/org-units/{low}"), json!({"parent_id": null}))
        .await
        .assert_status(200);
    admin
        .patch(&format!("/v1/org-units/{top}"), json!({"parent_id": low}))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn a_unit_in_use_is_not_archived_and_an_archived_one_takes_nobody() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let top = unit(&admin, "top", None).await;
    let low = unit(&admin, "low", Some(&top)).await;
    let ana = person(&admin, "ana", json!({"org_unit_id": low})).await;
    let archival = |id: &str| format!("/v1/org-units/{id}/archival");

    for id in [&top, &low] {
        admin
            .post(&archival(id), json!({}))
            .await
            .assert_problem(409, "org_unit_not_empty");
    }
    admin
        .patch(&format!("/v1/users/{ana}"), json!({"status": "archived"}))
        .await
        .assert_status(200);
    for id in [&low, &top] {
        admin.post(&archival(id), json!({})).await.assert_status(200);
    }

    let bea = json!({"username": "bea", "given_name": "B", "family_name": "S", "org_unit_id": low});
    admin
        .post("/v1/users", bea)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/org_unit_id");
    admin
        .post(
            "/v1/org-units",
            json!({"code": "x", "name": "X", "parent_id": top}),
        )
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/parent_id");

    let any = admin.with("If-Match", "*");
    any.delete(&archival(&low)).await.assert_problem(409, "conflict");
    for id in [&top, &low] {
        let back = any.delete(&archival(id)).await.assert_status(200);
        assert_eq!(back.at("/archived_at"), json!(null));
    }
    any.delete(&archival(&low)).await.assert_problem(409, "conflict");
    person(&admin, "bea", json!({"org_unit_id": low})).await;
}

#[actix_web::test]
async fn who_keeps_one_subtree_touches_no_other() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let a = unit(&admin, "a", None).await;
    let b = unit(&admin, "b", None).await;
    let below_a = unit(&admin, "below-a", Some(&a)).await;
    let keeper = app.holding(BOTH, "org_unit", Some(uuid(&a)));

    assert_eq!(names(&keeper, "/v1/org-units").await, ["a", "below-a"]);
    keeper
        .get(&format!("/v1/org-units/{b}"))
        .await
        .assert_problem(404, "not_found");
    keeper
        .patch(&format!("/v1/org-units/{b}"), json!({"name": "mine"}))
        .await
        .assert_problem(404, "not_found");
    keeper
        .post("/v1/org-units", json!({"code": "x", "name": "X"}))
        .await
        .assert_problem(403, "forbidden");
    keeper
        .patch(&format!("/v1/org-units/{below_a}"), json!({"parent_id": b}))
        .await
        .assert_problem(422, "validation_failed");
    keeper
        .patch(&format!("/v1/org-units/{below_a}"), json!({"parent_id": null}))
        .await
        .assert_problem(403, "forbidden");
    unit(&keeper, "deeper", Some(&below_a)).await;

    let reader = app.holding(&[Permission::OrgUnitsRead], "org_unit", Some(uuid(&a)));
    reader
        .patch(&format!("/v1/org-units/{a}"), json!({"name": "mine"}))
        .await
        .assert_problem(403, "forbidden");
    reader
        .post(&format!("/v1/org-units/{a}/archival"), json!({}))
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn codes_differ_by_more_than_case_as_filters_do() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for path in ["/v1/org-units", "/v1/groups"] {
        let new = |code: &str| {
            let kind = (path == "/v1/groups").then_some("static");
            let mut new = json!({"code": code, "name": code});
            if let Some(kind) = kind {
                new["kind"] = json!(kind);
            }
            new
        };
        let first = admin.post(path, new("Émea")).await.assert_status(201);
        let other = admin.post(path, new("apac")).await.assert_status(201);

        let refused = admin.post(path, new("éMEA")).await;
        refused
            .assert_problem(409, "already_exists")
            .assert_fault("/code");
        let refused = admin
            .patch(&format!("{path}/{}", other.id()), json!({"code": "ÉMEA"}))
            .await;
        refused
            .assert_problem(409, "already_exists")
            .assert_fault("/code");
        let rows = json!({"rows": [
            {"row_key": "1", "create": new("latam")}, {"row_key": "2", "create": new("LATAM")},
        ]});
        let answer = admin.post(&format!("{path}/bulk"), rows).await;
        assert_eq!(
            (answer.at("/results/0/status"), answer.at("/results/1/status")),
            (json!(201), json!(409)),
            "{path}"
        );
        admin
            .patch(&format!("{path}/{}", first.id()), json!({"code": "ÉMEA"}))
            .await
            .assert_status(200);
    }
}

#[actix_web::test]
async fn a_taken_code_and_a_parent_that_is_not_there_are_told_by_field() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    unit(&admin, "a", None).await;

    admin
        .post("/v1/org-units", json!({"code": "a", "name": "A"}))
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/code");
    let nowhere = uuid::Uuid::now_v7();
    admin
        .post(
            "/v1/org-units",
            json!({"code": "b", "name": "B", "parent_id": nowhere}),
        )
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/parent_id");
    let blank = admin
        .post("/v1/org-units", json!({"code": " ", "name": ""}))
        .await;
    blank
        .assert_problem(422, "validation_failed")
        .assert_fault("/code");
}

/// Of more people than a request settles itself, jobs see to it that groups follow.
#[actix_web::test]
async fn the_people_of_a_large_unit_follow_its_new_code_soon() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let large = unit(&admin, "large", None).await;
    app.write(|tx| {
        use provost::sql;
        sql!(
            "INSERT INTO users (id, username, username_folded, given_name, given_name_folded,
                family_name, family_name_folded, status, org_unit_id, created_at, updated_at)
             SELECT gen_random_uuid(), 'p' || number, 'p' || number, 'P', 'p', 'P', 'p', 'active',
                {uuid}, {tx.now}, {tx.now} FROM generate_series(1, 2500) AS number",
            uuid = uuid(&large),
        )
        .execute(tx.conn)?;
        Ok(())
    });
    let group = json!({"code": "g", "name": "G", "kind": "dynamic", "filter": "org_unit eq \"vast\""});
    let group = admin.post("/v1/groups", group).await.assert_status(201).id();
    let members = || crate::support::count(&app, "SELECT count(*) AS count FROM group_members");

    admin
        .patch(&format!("/v1/org-units/{large}"), json!({"code": "vast"}))
        .await
        .assert_status(200);
    let at_once = members();
    app.run_jobs();

    assert_eq!((at_once, members()), (0, 2_500), "{group}");
}
