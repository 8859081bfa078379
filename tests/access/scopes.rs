use std::collections::BTreeSet;

use provost::{
    authz::{Permission, ScopeKind},
    sql,
    text::fold,
};
use serde_json::json;
use uuid::Uuid;

use super::{grant_body, person, person_with, role};
use crate::support::{Client, TestApp};

/// An org unit, written past the API so that these tests need only people.
pub fn org_unit(app: &TestApp, code: &str, parent: Option<Uuid>) -> Uuid {
    org_unit_with_id(app, Uuid::now_v7(), code, parent)
}

pub fn org_unit_with_id(app: &TestApp, id: Uuid, code: &str, parent: Option<Uuid>) -> Uuid {
    app.write(|tx| {
        sql!(
            "WITH unit AS (INSERT INTO org_units (id, code, code_folded, name, name_folded, parent_id,
                created_at, updated_at)
                VALUES ({id}, {code}, {folded}, {code}, {folded}, {parent}, {tx.now}, {tx.now})
                RETURNING id)
             INSERT INTO org_unit_closure (ancestor_id, descendant_id, depth)
             SELECT id, id, 0 FROM unit
             UNION ALL SELECT ancestor_id, unit.id, depth + 1 FROM org_unit_closure, unit
             WHERE descendant_id = {parent}",
            folded = fold(code),
        )
        .execute(tx.conn)?;
        Ok(())
    });
    id
}

/// The reporting line of everybody, from their managers.
fn derive_reporting_lines(app: &TestApp) {
    app.write(|tx| {
        sql!(
            "WITH RECURSIVE line AS (
                SELECT id AS ancestor_id, id AS descendant_id, 0 AS depth FROM users
                UNION ALL SELECT line.ancestor_id, users.id, depth + 1
                FROM line JOIN users ON users.manager_id = line.descendant_id)
             INSERT INTO reporting_lines (ancestor_id, descendant_id, depth) SELECT * FROM line
             ON CONFLICT DO NOTHING"
        )
        .execute(tx.conn)?;
        Ok(())
    });
}

async fn names(client: &Client) -> BTreeSet<String> {
    let page = client.get("/v1/users?limit=200").await.assert_status(200);
    let people = page.at("/data");
    let names = people
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["username"].as_str().unwrap().to_owned());
    names.collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[actix_web::test]
async fn an_org_unit_opens_its_people_and_those_below_and_no_others() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let emea = org_unit(&app, "emea", None);
    let iberia = org_unit(&app, "iberia", Some(emea));
    let apac = org_unit(&app, "apac", None);
    let mut people = Vec::new();
    for (name, unit) in [("ana", emea), ("bea", iberia), ("cho", apac)] {
        people.push(person_with(&admin, json!({"username": name, "org_unit_id": unit})).await);
    }
    let path = |n: usize| format!("/v1/users/{}", people[n]);
    let hr = app.holding(
        &[Permission::UsersRead, Permission::UsersWrite],
        "org_unit",
        Some(emea),
    );

    assert_eq!(names(&hr).await, set(&["ana", "bea"]));
    hr.patch(&path(1), json!({"title": "Nurse"}))
        .await
        .assert_status(200);
    hr.get(&path(2)).await.assert_problem(404, "not_found");
    hr.with("If-Match", "*")
        .patch(&path(2), json!({"title": "Nurse"}))
        .await
        .assert_problem(404, "not_found");
    // Nobody is moved out of sight, nor made outside.
    hr.patch(&path(1), json!({"org_unit_id": apac}))
        .await
        .assert_problem(422, "validation_failed");
    let outside = json!({"username": "dee", "given_name": "D", "family_name": "D", "org_unit_id": apac});
    hr.post("/v1/users", outside)
        .await
        .assert_problem(422, "validation_failed");
    assert_eq!(names(&admin).await, set(&["admin", "ana", "bea", "cho"]));

    let reader = app.holding(&[Permission::UsersRead], "org_unit", Some(emea));
    reader
        .patch(&path(0), json!({"title": "Nurse"}))
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn a_manager_sees_their_whole_line_and_themselves() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let boss = person(&admin, "boss").await;
    let lead = person_with(&admin, json!({"username": "lead", "manager_id": boss})).await;
    person_with(&admin, json!({"username": "clerk", "manager_id": lead})).await;
    person(&admin, "stranger").await;
    derive_reporting_lines(&app);
    let manager = role(&admin, "manager").await;
    for person in [boss, lead] {
        let body = grant_body(("user", person), manager, ("own_reports", None));
        admin.post("/v1/grants", body).await.assert_status(201);
    }

    assert_eq!(names(&app.client_of(boss)).await, set(&["boss", "lead", "clerk"]));
    assert_eq!(names(&app.client_of(lead)).await, set(&["lead", "clerk"]));
}

#[actix_web::test]
async fn a_learner_sees_themselves() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (ana, bea) = (person(&admin, "ana").await, person(&admin, "bea").await);
    let client = app.client_of(ana);

    assert_eq!(names(&client).await, set(&["ana"]));
    client
        .get(&format!("/v1/users/{bea}"))
        .await
        .assert_problem(404, "not_found");
    let own = client
        .patch(&format!("/v1/users/{ana}"), json!({"title": "CEO"}))
        .await;
    own.assert_problem(403, "forbidden");
    let me = client.get("/v1/me").await.assert_status(200);
    assert_eq!(
        me.at("/permissions/0"),
        json!({"permission": "users.read", "scopes": [{"kind": "self", "id": null}]})
    );
}

#[actix_web::test]
async fn a_manager_who_takes_over_another_team_sees_it_on_the_next_request() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let lead = person(&admin, "lead").await;
    let other = person(&admin, "other").await;
    let under = |name: &str, manager: Uuid| json!({"username": name, "manager_id": manager});
    let ana = person_with(&admin, under("ana", lead)).await;
    let bea = person_with(&admin, under("bea", other)).await;
    person_with(&admin, under("cho", bea)).await;
    let manager = role(&admin, "manager").await;
    let body = grant_body(("user", lead), manager, ("own_reports", None));
    admin.post("/v1/grants", body).await.assert_status(201);
    let lead_client = app.client_of(lead);
    assert_eq!(names(&lead_client).await, set(&["ana", "lead"]));

    let report_to = async |person: Uuid, manager: Uuid| {
        let change = json!({"manager_id": manager});
        let admin = admin.with("If-Match", "*");
        admin
            .patch(&format!("/v1/users/{person}"), change)
            .await
            .assert_status(200);
    };
    report_to(ana, other).await;
    assert_eq!(names(&lead_client).await, set(&["lead"]));
    report_to(bea, lead).await;
    assert_eq!(names(&lead_client).await, set(&["bea", "cho", "lead"]));
}

/// They are declared in `authz/scope.rs` and nowhere else but in the constraint.
#[test]
fn the_database_knows_the_kinds_of_scope() {
    let migration = include_str!("../../migrations/2026-11-22-000300_create_access/up.sql");
    let (_, rest) = migration.split_once("CHECK (scope_kind IN").unwrap();
    let (known, _) = rest.split_once("))").unwrap();
    let known: Vec<&str> = known.split('\'').skip(1).step_by(2).collect();
    assert_eq!(known, ScopeKind::WORDS);
}
