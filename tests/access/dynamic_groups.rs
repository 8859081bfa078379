//! Groups that hold roles are static. Dynamic ones may be the scope of a grant: who comes into them, and by whose writing.

use diesel::connection::SimpleConnection;
use provost::authz::Permission::{self, *};
use provost::sql;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{grant_body, id, person, person_with, role, scopes::org_unit};
use crate::support::{Client, TestApp};

const HR: &[Permission] = &[UsersRead, UsersWrite, OrgUnitsRead];

async fn dynamic_group(admin: &Client, code: &str, filter: &str) -> Uuid {
    let group = json!({"code": code, "name": code, "kind": "dynamic", "filter": filter});
    id(&admin.post("/v1/groups", group).await.assert_status(201))
}

async fn static_group(admin: &Client, code: &str) -> Uuid {
    let group = json!({"code": code, "name": code});
    id(&admin.post("/v1/groups", group).await.assert_status(201))
}

fn person_in(unit: Uuid, name: &str, more: Value) -> Value {
    let mut body = json!({"username": name, "given_name": "G", "family_name": "F", "org_unit_id": unit});
    for (member, value) in more.as_object().unwrap() {
        body[member] = value.clone();
    }
    body
}

#[actix_web::test]
async fn only_static_groups_hold_roles_and_dynamic_ones_are_scopes() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana").await;
    let found = dynamic_group(&admin, "found", "username eq \"ana\"").await;
    let chosen = static_group(&admin, "chosen").await;
    let auditor = role(&admin, "auditor").await;
    let held_by = |group| grant_body(("group", group), auditor, ("everything", None));

    admin
        .post("/v1/grants", held_by(found))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/principal_id");
    let learner = role(&admin, "learner").await;
    let reaching = grant_body(("user", ana), learner, ("group", Some(found)));
    admin.post("/v1/grants", reaching).await.assert_status(201);
    let path = format!("/v1/groups/{chosen}");
    let members = json!({"add": [ana]});
    admin
        .post(&format!("{path}/members"), members.clone())
        .await
        .assert_status(200);
    admin.post("/v1/grants", held_by(chosen)).await.assert_status(201);
    let becoming = json!({"kind": "dynamic", "filter": "username pr"});
    admin
        .patch(&path, becoming)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/kind");

    // Archived and brought back it is what it was: its grants count for those who are added again.
    let ana = app.client_of(ana);
    ana.get("/v1/roles").await.assert_status(200);
    let archival = format!("{path}/archival");
    admin.post(&archival, json!({})).await.assert_status(200);
    ana.get("/v1/roles").await.assert_problem(403, "forbidden");
    admin
        .with("If-Match", "*")
        .delete(&archival)
        .await
        .assert_status(200);
    admin
        .post(&format!("{path}/members"), members)
        .await
        .assert_status(200);
    ana.get("/v1/roles").await.assert_status(200);
}

/// The database sees to it, whatever the code asks and in whichever order transactions come.
#[actix_web::test]
async fn a_grant_to_a_group_and_its_change_to_a_dynamic_one_exclude_each_other() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let becoming = |group: Uuid| {
        format!("UPDATE groups SET kind = 'dynamic', filter = 'username pr' WHERE id = '{group}'")
    };
    let granting = |group: Uuid| {
        format!(
            "INSERT INTO grants (id, principal_kind, principal_id, role_id, scope_kind, created_at, updated_at)
             SELECT gen_random_uuid(), 'group', '{group}', id, 'everything', now(), now() FROM roles WHERE code = 'auditor'"
        )
    };
    let (one, two) = (
        static_group(&admin, "one").await,
        static_group(&admin, "two").await,
    );
    for (first, second) in [(granting(one), becoming(one)), (becoming(two), granting(two))] {
        let mut connections = [app.app.db.connection().unwrap(), app.app.db.connection().unwrap()];
        let [earlier, later] = &mut connections;
        earlier.batch_execute(&format!("BEGIN; {first}")).unwrap();
        std::thread::scope(|threads| {
            let waiting = threads.spawn(|| later.batch_execute(&second));
            earlier.batch_execute("COMMIT").unwrap();
            waiting.join().unwrap().unwrap_err();
        });
    }
    let revoke = "UPDATE grants SET revoked_at = now() WHERE principal_kind = 'group'";
    let mut connection = app.app.db.connection().unwrap();
    connection
        .batch_execute(&format!("{revoke}; {}", becoming(one)))
        .unwrap();
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
    let leads = dynamic_group(&admin, "leads", "report_id pr").await;
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": unit})).await;
    let local = app.holding(HR, "org_unit", Some(unit));
    let me = id(&local.get("/v1/me").await);
    let scopes = [("group", Some(chiefs)), ("group", Some(leads))];
    app.grant("service_account", me, "manager", &scopes);

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
    let me = id(&keeper.get("/v1/me").await);
    app.grant("service_account", me, "manager", &[("group", Some(chosen))]);
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

/// A grant in the scope of `own_reports` reaches the users below its holder.
#[actix_web::test]
async fn whose_mail_is_changed_manages_nobody_beyond_the_caller() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "emea", None);
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": unit})).await;
    let far = person_with(&admin, json!({"username": "far"})).await;
    app.grant("user", ana, "manager", &[("own_reports", None)]);
    let bea = person_in(unit, "bea", json!({"manager_id": ana}));
    let hr = app.holding_role("hr_admin", &[("org_unit", Some(unit))]);
    hr.post("/v1/users", bea).await.assert_status(201);
    let path = format!("/v1/users/{ana}");
    hr.patch(&path, json!({"email": "ana@example.com"}))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    let lms_admin = app.holding_role("lms_admin", &[("org_unit", Some(unit))]);
    lms_admin
        .patch(&path, json!({"email": "ana@example.com"}))
        .await
        .assert_status(200);

    // Somebody out of the caller's reach stands below her now.
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
