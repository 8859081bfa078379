use provost::{authz::Permission, cli::worker};
use serde_json::{Value, json};

use super::{names, person, uuid};
use crate::support::{Client, TestApp};

async fn group(client: &Client, code: &str, filter: Option<&str>) -> String {
    let kind = if filter.is_some() { "dynamic" } else { "static" };
    let body = json!({"code": code, "name": code, "kind": kind, "filter": filter});
    client.post("/v1/groups", body).await.assert_status(201).id()
}

async fn members(client: &Client, group: &str) -> Vec<String> {
    names(client, &format!("/v1/groups/{group}/members")).await
}

#[actix_web::test]
async fn members_of_a_static_group_come_and_go_by_hand() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (ana, bea) = (
        person(&admin, "ana", json!({})).await,
        person(&admin, "bea", json!({})).await,
    );
    let id = group(&admin, "aiders", None).await;
    let path = format!("/v1/groups/{id}/members");

    let changed = admin
        .post(&path, json!({"add": [ana, bea]}))
        .await
        .assert_status(200);
    assert_eq!(changed.at("/added").as_array().unwrap().len(), 2);
    assert_eq!(members(&admin, &id).await, ["ana", "bea"]);
    let in_group = "/v1/users?filter=groups%20eq%20%22aiders%22";
    assert_eq!(names(&admin, in_group).await, ["ana", "bea"]);

    let any = admin.with("If-Match", "*");
    any.delete(&format!("{path}/{ana}")).await.assert_status(204);
    any.delete(&format!("{path}/{ana}"))
        .await
        .assert_problem(404, "not_found");
    any.put(&format!("{path}/{bea}"), json!({}))
        .await
        .assert_status(204);
    assert_eq!(members(&admin, &id).await, ["bea"]);

    let nobody = uuid::Uuid::now_v7();
    admin
        .post(&path, json!({"add": [ana, nobody]}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/add/1");
    admin
        .post(&path, json!({"add": [ana], "remove": [ana]}))
        .await
        .assert_problem(422, "validation_failed");
    any.put(&format!("{path}/{nobody}"), json!({}))
        .await
        .assert_problem(404, "not_found");
    assert_eq!(members(&admin, &id).await, ["bea"]);
}

#[actix_web::test]
async fn a_member_can_be_named_by_another_systems_key_by_who_may_read_people() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let keys = json!([{"source": "hr", "key": "10089"}]);
    person(&admin, "ana", json!({"external_keys": keys})).await;
    let id = group(&admin, "aiders", None).await;
    let path = format!("/v1/groups/{id}/members/ext:hr:10089");
    let any = admin.with("If-Match", "*");

    any.put(&path, json!({})).await.assert_status(204);
    assert_eq!(members(&admin, &id).await, ["ana"]);
    any.delete(&path).await.assert_status(204);
    assert!(members(&admin, &id).await.is_empty());
    any.delete(&path).await.assert_problem(404, "not_found");
    any.put(&format!("/v1/groups/{id}/members/ext:hr:1"), json!({}))
        .await
        .assert_problem(404, "not_found");

    let blind = app.holding(
        &[Permission::GroupsRead, Permission::GroupsWrite],
        "everything",
        None,
    );
    blind
        .with("If-Match", "*")
        .put(&path, json!({}))
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn a_dynamic_group_follows_people_and_its_filter() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({"department": "Nursing"})).await;
    person(&admin, "bea", json!({"department": "Surgery"})).await;
    let id = group(&admin, "nurses", Some("department eq \"nursing\"")).await;
    assert_eq!(members(&admin, &id).await, ["ana"]);

    person(&admin, "cid", json!({"department": "nursing"})).await;
    admin
        .patch(&format!("/v1/users/{ana}"), json!({"department": "Surgery"}))
        .await
        .assert_status(200);
    assert_eq!(members(&admin, &id).await, ["cid"]);

    admin
        .patch(
            &format!("/v1/groups/{id}"),
            json!({"filter": "department eq \"surgery\""}),
        )
        .await
        .assert_status(200);
    assert_eq!(members(&admin, &id).await, ["ana", "bea"]);

    let path = format!("/v1/groups/{id}/members");
    admin
        .post(&path, json!({"remove": [ana]}))
        .await
        .assert_problem(409, "group_is_dynamic");
    admin
        .with("If-Match", "*")
        .put(&format!("{path}/{ana}"), json!({}))
        .await
        .assert_problem(409, "group_is_dynamic");
}

#[actix_web::test]
async fn a_managers_group_follows_their_reports() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let bea = person(&admin, "bea", json!({})).await;
    let managers = group(&admin, "managers", Some("report_id pr")).await;
    let below_ana = group(
        &admin,
        "below-ana",
        Some(&format!("line_manager_id eq \"{ana}\"")),
    )
    .await;
    let cid = person(&admin, "cid", json!({"manager_id": bea})).await;
    assert_eq!(members(&admin, &managers).await, ["bea"]);

    admin
        .patch(&format!("/v1/users/{bea}"), json!({"manager_id": ana}))
        .await
        .assert_status(200);
    assert_eq!(members(&admin, &below_ana).await, ["bea", "cid"]);
    assert_eq!(members(&admin, &managers).await, ["ana", "bea"]);

    admin
        .patch(&format!("/v1/users/{cid}"), json!({"status": "archived"}))
        .await
        .assert_status(200);
    assert_eq!(members(&admin, &managers).await, ["ana"]);
}

#[actix_web::test]
async fn bad_groups_are_told_by_field() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let refuse = async |body: Value, pointer: &str| {
        admin
            .post("/v1/groups", body)
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault(pointer);
    };

    refuse(json!({"code": "g", "name": "G", "kind": "dynamic"}), "/filter").await;
    refuse(
        json!({"code": "g", "name": "G", "filter": "username pr"}),
        "/filter",
    )
    .await;
    refuse(
        json!({"code": "g", "name": "G", "kind": "dynamic", "filter": "shoe eq 4"}),
        "/filter",
    )
    .await;
    refuse(
        json!({"code": "g", "name": "G", "kind": "dynamic", "filter": "groups eq \"h\""}),
        "/filter",
    )
    .await;
    refuse(json!({"code": "", "name": "G", "kind": "odd"}), "/kind").await;
    let id = group(&admin, "static", None).await;
    admin
        .patch(&format!("/v1/groups/{id}"), json!({"filter": "username pr"}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/filter");
}

#[actix_web::test]
async fn an_archived_group_has_no_members() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    person(&admin, "ana", json!({})).await;
    let id = group(&admin, "all", Some("username pr")).await;

    admin
        .post(&format!("/v1/groups/{id}/archival"), json!({}))
        .await
        .assert_status(200);
    person(&admin, "bea", json!({})).await;

    assert!(members(&admin, &id).await.is_empty());
    assert!(
        names(&admin, "/v1/groups?filter=archived_at%20eq%20null")
            .await
            .is_empty()
    );
}

#[actix_web::test]
async fn a_group_that_is_brought_back_finds_its_people() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let found = group(&admin, "found", Some("username sw \"a\"")).await;
    let chosen = group(&admin, "chosen", None).await;
    let path = format!("/v1/groups/{chosen}/members");
    admin.post(&path, json!({"add": [ana]})).await.assert_status(200);
    let any = admin.with("If-Match", "*");
    any.delete(&format!("/v1/groups/{found}/archival"))
        .await
        .assert_problem(409, "conflict");
    for id in [&found, &chosen] {
        let path = format!("/v1/groups/{id}/archival");
        admin.post(&path, json!({})).await.assert_status(200);
        let back = any.delete(&path).await.assert_status(200);
        assert_eq!(back.at("/archived_at"), json!(null));
    }

    assert_eq!(members(&admin, &found).await, ["admin", "ana"]);
    assert!(members(&admin, &chosen).await.is_empty());
    let reader = app.holding(&[Permission::GroupsRead], "everything", None);
    reader
        .with("If-Match", "*")
        .delete(&format!("/v1/groups/{found}/archival"))
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn a_filter_that_speaks_of_today_finds_others_as_days_go_by() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let today = app.app.clock.now().date_naive();
    let day = |ago: i64| json!({ "hired_on": today - chrono::TimeDelta::days(ago) });
    person(&admin, "ana", day(89)).await;
    person(&admin, "bea", day(100)).await;
    let settled = group(&admin, "settled", Some("hired_on lt \"-P90D\"")).await;
    let new = group(&admin, "new", Some("hired_on gt \"-P90D\"")).await;
    assert_eq!(members(&admin, &settled).await, ["bea"]);
    assert_eq!(members(&admin, &new).await, ["ana"]);

    app.app.clock.advance(chrono::TimeDelta::days(2));
    let daily = worker::SCHEDULES
        .iter()
        .find(|schedule| schedule.name == "groups")
        .unwrap();
    app.write(|tx| (daily.enqueue)(tx));
    app.run_jobs();

    let admin = app.admin().await;
    assert_eq!(members(&admin, &settled).await, ["ana", "bea"]);
    assert!(members(&admin, &new).await.is_empty());
}

#[actix_web::test]
async fn a_role_held_by_a_group_counts_from_the_next_request_and_only_who_may_grant_gives_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let id = group(&admin, "auditors", None).await;
    app.write(|tx| {
        use provost::sql;
        sql!(
            "INSERT INTO grants (id, principal_kind, principal_id, role_id, scope_kind, created_at,
                updated_at)
             SELECT gen_random_uuid(), 'group', {uuid}, id, 'everything', now(), now() FROM roles
             WHERE code = 'auditor'",
            uuid = uuid(&id),
        )
        .execute(tx.conn)?;
        Ok(())
    });
    let client = app.client_of(uuid(&ana));
    assert_eq!(names(&client, "/v1/users").await, ["ana"]);

    let path = format!("/v1/groups/{id}/members");
    let keeper = app.holding(
        &[
            Permission::GroupsRead,
            Permission::GroupsWrite,
            Permission::UsersRead,
        ],
        "everything",
        None,
    );
    keeper
        .post(&path, json!({"add": [ana]}))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    admin.post(&path, json!({"add": [ana]})).await.assert_status(200);
    assert_eq!(names(&client, "/v1/users").await, ["admin", "ana"]);
    admin
        .post(&path, json!({"remove": [ana]}))
        .await
        .assert_status(200);
    assert_eq!(names(&client, "/v1/users").await, ["ana"]);
}

#[actix_web::test]
async fn groups_outside_the_callers_scope_are_not_there() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (one, two) = (group(&admin, "one", None).await, group(&admin, "two", None).await);
    let ana = person(&admin, "ana", json!({})).await;
    let all = &[
        Permission::GroupsRead,
        Permission::GroupsWrite,
        Permission::UsersRead,
    ];
    let keeper = app.holding(all, "group", Some(uuid(&one)));

    assert_eq!(names(&keeper, "/v1/groups").await, ["one"]);
    keeper
        .get(&format!("/v1/groups/{two}"))
        .await
        .assert_problem(404, "not_found");
    keeper
        .post(&format!("/v1/groups/{two}/members"), json!({}))
        .await
        .assert_problem(404, "not_found");
    keeper
        .post(&format!("/v1/groups/{one}/members"), json!({"add": [ana]}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/add/0");
    keeper
        .post("/v1/groups", json!({"code": "x", "name": "X"}))
        .await
        .assert_problem(403, "forbidden");
    let reader = app.holding(&[Permission::GroupsRead], "everything", None);
    reader
        .patch(&format!("/v1/groups/{one}"), json!({"name": "x"}))
        .await
        .assert_problem(403, "forbidden");
}
