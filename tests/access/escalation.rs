//! Ways around "nobody grants what they do not hold", each of them shut.

use provost::authz::Permission::{self, *};
use serde_json::json;
use uuid::Uuid;

use super::{grant_body, id, person, person_with, role, scopes::org_unit};
use crate::support::{Client, TestApp};

const HR: &[Permission] = &[UsersRead, UsersWrite, OrgUnitsRead];

async fn set_password(client: &Client, user: Uuid) -> crate::support::Answer {
    client
        .with("If-Match", "*")
        .put(
            &format!("/v1/users/{user}/password"),
            json!({"password": "another long one"}),
        )
        .await
}

#[actix_web::test]
async fn nobody_sets_the_password_of_somebody_who_may_do_more() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "emea", None);
    let member = |name: &str| json!({"username": name, "org_unit_id": unit});
    let (ana, boss, lead) = (
        person_with(&admin, member("ana")).await,
        person_with(&admin, member("boss")).await,
        person_with(&admin, member("lead")).await,
    );
    let lms_admin = role(&admin, "lms_admin").await;
    let leads = id(&admin
        .post("/v1/groups", json!({"code": "leads", "name": "Leads"}))
        .await);
    admin
        .put(&format!("/v1/groups/{leads}/members/{lead}"), json!({}))
        .await
        .assert_status(204);
    for holder in [("user", boss), ("group", leads)] {
        admin
            .post("/v1/grants", grant_body(holder, lms_admin, ("everything", None)))
            .await
            .assert_status(201);
    }
    let hr = app.holding(HR, "org_unit", Some(unit));

    set_password(&hr, ana).await.assert_status(204);
    for holder in [boss, lead] {
        set_password(&hr, holder)
            .await
            .assert_problem(403, "grant_exceeds_caller");
        set_password(&admin, holder).await.assert_status(204);
    }
}

#[actix_web::test]
async fn a_group_scope_does_not_widen_itself() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    person(&admin, "ana").await;
    let group = json!({"code": "few", "name": "Few", "kind": "dynamic", "filter": "username eq \"nobody\""});
    let group = id(&admin.post("/v1/groups", group).await.assert_status(201));
    let keeper = app.holding(&[GroupsRead, GroupsWrite, UsersRead], "group", Some(group));

    keeper
        .patch(&format!("/v1/groups/{group}"), json!({"filter": "username pr"}))
        .await
        .assert_problem(403, "forbidden");
    let rows = json!({"rows": [{"row_key": "1", "id": group, "update": {"filter": "username pr"}}]});
    let answer = keeper.post("/v1/groups/bulk", rows).await.assert_status(200);
    assert_eq!(answer.at("/results/0/status"), 403, "{}", answer.text());
    keeper
        .patch(&format!("/v1/groups/{group}"), json!({"name": "Fewer"}))
        .await
        .assert_status(200);
    assert_eq!(keeper.get("/v1/users").await.at("/data"), json!([]));
}

/// A manager or a unit out of reach is answered like one that does not exist.
#[actix_web::test]
async fn what_a_person_is_given_does_not_tell_what_is_out_of_reach() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (emea, apac) = (org_unit(&app, "emea", None), org_unit(&app, "apac", None));
    let hidden = person_with(&admin, json!({"username": "hidden", "org_unit_id": apac})).await;
    let near = person_with(&admin, json!({"username": "near", "org_unit_id": emea})).await;
    let hr = app.holding(HR, "org_unit", Some(emea));
    let create = async |name: &str, unit: Uuid, manager: Uuid| {
        let body = json!({"username": name, "given_name": "G", "family_name": "F", "org_unit_id": unit, "manager_id": manager});
        hr.post("/v1/users", body).await
    };

    create("one", emea, near).await.assert_status(201);
    let mut answers = Vec::new();
    for manager in [hidden, Uuid::now_v7()] {
        let answer = create("two", emea, manager).await;
        answers.push(answer.assert_problem(422, "validation_failed").at("/errors"));
    }
    for unit in [apac, Uuid::now_v7()] {
        let answer = create("three", unit, near).await;
        answers.push(answer.assert_problem(422, "validation_failed").at("/errors"));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[2], answers[3]);
}

#[actix_web::test]
async fn callers_who_may_not_grant_a_groups_roles_do_not_archive_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let group = json!({"code": "leads", "name": "Leads"});
    let group = id(&admin.post("/v1/groups", group).await.assert_status(201));
    let archival = format!("/v1/groups/{group}/archival");
    let lms_admin = role(&admin, "lms_admin").await;
    let grant = grant_body(("group", group), lms_admin, ("everything", None));
    admin.post("/v1/grants", grant).await.assert_status(201);
    let hr = app.holding_role("hr_admin", &[("everything", None)]);
    hr.post(&archival, json!({}))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    admin.post(&archival, json!({})).await.assert_status(200);
}
