//! Who comes into dynamic groups that hold roles, or that roles reach, and by whose writing.

use provost::access::Permission::{self, *};
use provost::sql;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{grant_body, id, person_with, role, scopes::org_unit};
use crate::support::{Client, TestApp};

const HR: &[Permission] = &[UsersRead, UsersWrite, OrgUnitsRead];

async fn dynamic_group(admin: &Client, code: &str, filter: &str) -> Uuid {
    let group = json!({"code": code, "name": code, "kind": "dynamic", "filter": filter});
    id(&admin.post("/v1/groups", group).await.assert_status(201))
}

async fn grant(admin: &Client, group: Uuid, code: &str, scope: (&str, Option<Uuid>)) {
    let body = grant_body(("group", group), role(admin, code).await, scope);
    admin.post("/v1/grants", body).await.assert_status(201);
}

fn person_in(unit: Uuid, name: &str, more: Value) -> Value {
    let mut body = json!({"username": name, "given_name": "G", "family_name": "F", "org_unit_id": unit});
    for (member, value) in more.as_object().unwrap() {
        body[member] = value.clone();
    }
    body
}

#[actix_web::test]
async fn nobody_makes_members_of_a_dynamic_group_that_holds_roles_by_writing_people_in_one_unit() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "emea", None);
    let chiefs =
        json!({"code": "chiefs", "name": "Chiefs", "kind": "dynamic", "filter": "title eq \"Chief\""});
    let chiefs = id(&admin.post("/v1/groups", chiefs).await.assert_status(201));
    let lms_admin = role(&admin, "lms_admin").await;
    admin
        .post(
            "/v1/grants",
            grant_body(("group", chiefs), lms_admin, ("everything", None)),
        )
        .await
        .assert_status(201);
    let local = app.holding(HR, "org_unit", Some(unit));
    let central = app.holding(HR, "everything", None);
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": unit})).await;
    let body = |name: &str, title: &str| json!({"username": name, "given_name": "G", "family_name": "F", "org_unit_id": unit, "title": title});
    let change = json!({"title": "Chief"});

    local
        .post("/v1/users", body("bea", "Chief"))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    local
        .patch(&format!("/v1/users/{ana}"), change.clone())
        .await
        .assert_problem(403, "grant_exceeds_caller");
    local
        .post("/v1/users", body("bea", "Nurse"))
        .await
        .assert_status(201);
    central
        .patch(&format!("/v1/users/{ana}"), change)
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn nobody_brings_people_within_their_reach_by_the_filter_of_a_group() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "emea", None);
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": unit})).await;
    let group =
        json!({"code": "trainers", "name": "Trainers", "kind": "dynamic", "filter": "title eq \"Trainer\""});
    let group = id(&admin.post("/v1/groups", group).await.assert_status(201));
    let hr = app.holding(&[UsersRead, UsersWrite], "org_unit", Some(unit));
    let me = id(&hr.get("/v1/me").await);
    let path = format!("/v1/users/{ana}");

    app.grant("service_account", me, "manager", &[("group", Some(group))]);
    hr.patch(&path, json!({"title": "Trainer"}))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    app.grant("service_account", me, "manager", &[("org_unit", Some(unit))]);
    hr.patch(&path, json!({"title": "Trainer"}))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn one_row_that_brings_somebody_into_such_a_group_is_refused_and_the_others_are_written() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "emea", None);
    let chiefs = dynamic_group(&admin, "chiefs", "title eq \"Chief\"").await;
    grant(&admin, chiefs, "lms_admin", ("everything", None)).await;
    let leads = dynamic_group(&admin, "leads", "report_id pr").await;
    grant(&admin, leads, "auditor", ("org_unit", Some(unit))).await;
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": unit})).await;
    let local = app.holding(HR, "org_unit", Some(unit));

    let rows = json!({"rows": [
        {"row_key": "chief", "create": person_in(unit, "bea", json!({"title": "Chief"}))},
        {"row_key": "below", "create": person_in(unit, "dora", json!({"manager_id": ana}))},
        {"row_key": "good", "create": person_in(unit, "cleo", json!({"title": "Nurse"}))}]});
    let answer = local.post("/v1/users/bulk", rows).await.assert_status(200);
    for row in ["0", "1"] {
        let code = answer.at(&format!("/results/{row}/problem/code"));
        assert_eq!(code, json!("grant_exceeds_caller"), "{}", answer.text());
    }
    assert_eq!(answer.at("/results/2/status"), json!(201));
}

/// `org_unit eq` a unit's code: everybody in it comes into the group when the unit gets that code, or is moved below it.
#[actix_web::test]
async fn units_of_any_size_bring_nobody_into_such_a_group() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let top = org_unit(&app, "top", None);
    let (big, target) = (
        org_unit(&app, "big", Some(top)),
        org_unit(&app, "target", Some(top)),
    );
    let chosen = dynamic_group(&admin, "chosen", "org_unit eq \"target\"").await;
    grant(&admin, chosen, "lms_admin", ("everything", None)).await;
    app.write(|tx| {
        sql!(
            "INSERT INTO users (id, username, username_folded, given_name, given_name_folded,
                family_name, family_name_folded, status, org_unit_id, created_at, updated_at)
             SELECT gen_random_uuid(), 'user' || number, 'user' || number, 'G', 'g', 'F', 'f', 'active',
                {big}, {tx.now}, {tx.now} FROM generate_series(1, 2001) AS number"
        )
        .execute(tx.conn)?;
        Ok(())
    });
    let keeper = app.holding(&[OrgUnitsRead, OrgUnitsWrite], "org_unit", Some(top));
    let path = format!("/v1/org-units/{big}");
    let members = format!("/v1/groups/{chosen}/members");

    for change in [json!({"parent_id": target}), json!({"code": "target2"})] {
        if change["code"].is_string() {
            let filter = json!({"filter": "org_unit eq \"target2\""});
            admin
                .patch(&format!("/v1/groups/{chosen}"), filter)
                .await
                .assert_status(200);
        }
        keeper
            .patch(&path, change)
            .await
            .assert_problem(403, "grant_exceeds_caller");
        app.run_jobs();
        assert_eq!(admin.get(&members).await.at("/data"), json!([]));
    }
    // What concerns no such group goes on by jobs.
    keeper
        .patch(&path, json!({"code": "other"}))
        .await
        .assert_status(200);
}

/// What somebody gets in `own_reports` is what they may do to those who stand below them.
#[actix_web::test]
async fn who_holds_what_managers_hold_over_a_line_makes_somebody_its_manager() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "emea", None);
    let leads = dynamic_group(&admin, "leads", "report_id pr").await;
    grant(&admin, leads, "manager", ("own_reports", None)).await;
    let far = person_with(&admin, json!({"username": "far"})).await;
    let hr = app.holding_role("hr_admin", &[("org_unit", Some(unit))]);
    let ana = id(&hr
        .post("/v1/users", person_in(unit, "ana", json!({})))
        .await
        .assert_status(201));
    let bea = person_in(unit, "bea", json!({"manager_id": ana}));
    hr.post("/v1/users", bea.clone())
        .await
        .assert_problem(403, "grant_exceeds_caller");
    let both = app.holding_role("manager", &[("org_unit", Some(unit))]);
    let me = id(&both.get("/v1/me").await);
    app.grant("service_account", me, "hr_admin", &[("org_unit", Some(unit))]);
    let bea = id(&both.post("/v1/users", bea).await.assert_status(201));
    app.client_of(ana)
        .get(&format!("/v1/users/{bea}"))
        .await
        .assert_status(200);
    hr.patch(&format!("/v1/users/{ana}"), json!({"email": "ana@example.com"}))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    let lms_admin = app.holding_role("lms_admin", &[("org_unit", Some(unit))]);
    let path = format!("/v1/users/{ana}");
    lms_admin
        .patch(&path, json!({"email": "ana@example.com"}))
        .await
        .assert_status(200);

    // Who answers for somebody out of the caller's reach is another matter.
    admin
        .patch(&format!("/v1/users/{far}"), json!({"manager_id": ana}))
        .await
        .assert_status(200);
    lms_admin
        .patch(&path, json!({"email": "mine@example.com"}))
        .await
        .assert_problem(403, "grant_exceeds_caller");
}

/// `own_reports` covers the unit of its holder, which a grant on the holder by a group does not.
#[actix_web::test]
async fn whose_password_is_set_has_no_unit_that_is_beyond_the_caller() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "emea", None);
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": unit})).await;
    let group = id(&admin
        .post("/v1/groups", json!({"code": "few", "name": "Few"}))
        .await
        .assert_status(201));
    admin
        .post(&format!("/v1/groups/{group}/members"), json!({"add": [ana]}))
        .await
        .assert_status(200);
    let manager = role(&admin, "manager").await;
    let body = grant_body(("user", ana), manager, ("own_reports", None));
    admin.post("/v1/grants", body).await.assert_status(201);
    let email = json!({"email": "mine@example.com"});
    let path = format!("/v1/users/{ana}");
    let of_group = app.holding_role("lms_admin", &[("group", Some(group))]);
    of_group
        .patch(&path, email.clone())
        .await
        .assert_problem(403, "grant_exceeds_caller");
    let of_unit = app.holding_role("lms_admin", &[("org_unit", Some(unit))]);
    of_unit.patch(&path, email).await.assert_status(200);
}

#[actix_web::test]
async fn who_holds_what_a_dynamic_group_holds_brings_people_into_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "partners", None);
    let category = json!({"code": "partners", "name": "Partners", "visibility": "restricted"});
    let category = id(&admin.post("/v1/categories", category).await.assert_status(201));
    let catalogue = json!({"code": "catalogue", "name": "Catalogue", "permissions": ["courses.read"]});
    admin.post("/v1/roles", catalogue).await.assert_status(201);
    let partners = dynamic_group(&admin, "partners", "org_unit eq \"partners\"").await;
    grant(&admin, partners, "catalogue", ("category", Some(category))).await;

    let of_unit = app.holding_role("hr_admin", &[("org_unit", Some(unit))]);
    of_unit
        .post("/v1/users", person_in(unit, "ana", json!({})))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    let scopes = [
        ("org_unit", Some(unit)),
        ("group", Some(partners)),
        ("category", Some(category)),
    ];
    let of_all = app.holding_role("hr_admin", &scopes);
    of_all
        .post("/v1/users", person_in(unit, "ana", json!({})))
        .await
        .assert_status(201);
}
