use provost::authz::Permission;
use serde_json::{Value, json};

use super::{
    super::{person, unit, uuid},
    events, row, send, told,
};
use crate::support::TestApp;

const USERS: &str = "/v1/users/external-keys/bulk";
const ORG_UNITS: &str = "/v1/org-units/external-keys/bulk";

fn add(row: &str, id: &str, key: &str) -> Value {
    json!({"row_key": row, "id": id, "add": {"source": "hr", "key": key}})
}

fn remove(row: &str, id: &str, key: &str) -> Value {
    json!({"row_key": row, "id": id, "remove": {"source": "hr", "key": key}})
}

#[actix_web::test]
async fn a_thousand_people_get_keys_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let people: Vec<Value> = (0..1000)
        .map(|n| {
            json!({"row_key": format!("{n}"), "create":
            {"username": format!("u{n}"), "given_name": "U", "family_name": "Silva"}})
        })
        .collect();
    let people = send(&admin, "/v1/users/bulk", json!(people)).await;
    let ids: Vec<String> = people
        .at("/results")
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["resource"]["id"].as_str().unwrap().to_owned())
        .collect();
    let rows: Vec<Value> = ids
        .iter()
        .enumerate()
        .map(|(n, id)| add(&n.to_string(), id, &n.to_string()))
        .collect();

    let answer = send(&admin, USERS, json!(rows)).await;
    assert!(told(&answer).iter().all(|(_, status, _)| *status == 201));
    let again = send(&admin, USERS, json!(rows)).await;
    assert!(told(&again).iter().all(|(_, status, _)| *status == 200));

    assert_eq!(events(&app, "external_key.added"), 1000);
    let found = admin.get("/v1/users/ext:hr:637").await.assert_status(200);
    assert_eq!(found.id(), ids[637]);
}

#[actix_web::test]
async fn keys_come_and_go_row_by_row_in_their_order() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(
        &admin,
        "ana",
        json!({"external_keys": [{"source": "hr", "key": "1"}]}),
    )
    .await;
    let bea = person(&admin, "bea", json!({})).await;
    let nobody = uuid::Uuid::now_v7().to_string();

    let rows = json!([
        add("has it", &ana, "1"),
        add("taken", &bea, "1"),
        add("new", &bea, "2"),
        add("taken by a row", &ana, "2"),
        remove("not hers", &bea, "1"),
        remove("gone", &ana, "1"),
        add("handed over", &bea, "1"),
        add("missing", &nobody, "3"),
        {"row_key": "stale", "id": ana, "version": 9, "add": {"source": "hr", "key": "3"}},
        {"row_key": "bad source", "id": ana, "add": {"source": "a:b", "key": "3"}},
        {"row_key": "neither", "id": ana},
        {"row_key": "no thing", "add": {"source": "hr", "key": "3"}},
    ]);
    let answer = send(&admin, USERS, rows).await;

    assert_eq!(
        told(&answer),
        [
            row("has it", 200, ""),
            row("taken", 409, "already_exists /add/key"),
            row("new", 201, ""),
            row("taken by a row", 409, "already_exists /add/key"),
            row("not hers", 404, "not_found"),
            row("gone", 204, ""),
            row("handed over", 201, ""),
            row("missing", 404, "not_found"),
            row("stale", 412, "precondition_failed"),
            row("bad source", 422, "validation_failed /add/source"),
            row("neither", 422, "validation_failed"),
            row("no thing", 422, "validation_failed /id"),
        ]
    );
    assert_eq!(
        answer.at("/results/2/resource"),
        json!({"source": "hr", "key": "2"})
    );
    assert_eq!(answer.at("/results/5"), json!({"row_key": "gone", "status": 204}));
    let keys = |id: &str| format!("/v1/users/{id}/external-keys");
    assert_eq!(admin.get(&keys(&ana)).await.at("/data"), json!([]));
    assert_eq!(
        admin.get(&keys(&bea)).await.at("/data"),
        json!([{"source": "hr", "key": "1"}, {"source": "hr", "key": "2"}])
    );
    assert_eq!(
        (
            events(&app, "external_key.added"),
            events(&app, "external_key.removed")
        ),
        (3, 1)
    );

    let one = json!({"source": "hr", "key": "2"});
    admin.post(&keys(&bea), one.clone()).await.assert_status(200);
    admin
        .post(&keys(&ana), one)
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/key");
}

#[actix_web::test]
async fn every_kind_of_thing_has_keys_within_the_callers_scope() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (a, b) = (unit(&admin, "a", None).await, unit(&admin, "b", None).await);
    let both = &[Permission::OrgUnitsRead, Permission::OrgUnitsWrite];
    let keeper = app.holding(both, "org_unit", Some(uuid(&a)));
    let answer = send(
        &keeper,
        ORG_UNITS,
        json!([add("own", &a, "1"), add("unseen", &b, "2")]),
    )
    .await;
    assert_eq!(
        told(&answer),
        [row("own", 201, ""), row("unseen", 404, "not_found")]
    );
    keeper
        .post(USERS, json!({"rows": [add("own", &a, "1")]}))
        .await
        .assert_problem(403, "forbidden");

    let group = json!({"code": "g", "name": "G"});
    let group = admin.post("/v1/groups", group).await.assert_status(201).id();
    let course = json!({"code": "c", "title": "Fire", "language": "en", "modules": [{"title": "Doors"}]});
    let course = admin.post("/v1/courses", course).await.assert_status(201).id();
    for (things, id) in [("groups", group), ("courses", course)] {
        let rows = json!([add("1", &id, "1"), remove("2", &id, "1"), add("3", &id, "7")]);
        let answer = send(&admin, &format!("/v1/{things}/external-keys/bulk"), rows).await;
        assert_eq!(
            told(&answer),
            [row("1", 201, ""), row("2", 204, ""), row("3", 201, "")]
        );
        let found = admin
            .get(&format!("/v1/{things}/ext:hr:7"))
            .await
            .assert_status(200);
        assert_eq!(found.id(), id);
    }
}
