use provost::authz::Permission;
use serde_json::{Value, json};

use super::{
    super::{names, person, unit, uuid},
    row, told,
};
use crate::support::TestApp;

fn create(key: &str, username: &str, fields: Value) -> Value {
    let mut new = json!({"username": username, "given_name": username, "family_name": "Silva"});
    new.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    json!({"row_key": key, "create": new})
}

#[actix_web::test]
async fn right_rows_are_written_and_wrong_ones_told_by_their_keys() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({"title": "Nurse"})).await;
    let bea = person(&admin, "bea", json!({"manager_id": ana})).await;
    let nobody = uuid::Uuid::now_v7();

    let answer = admin
        .post(
            "/v1/users/bulk",
            json!({"rows": [
                create("new", "cid", json!({"manager_id": ana})),
                create("bad mail", "dan", json!({"email": "dan", "shoe": 1})),
                create("taken", "ANA", json!({})),
                create("twice", "Cid", json!({})),
                create("manager", "eve", json!({"manager_id": nobody})),
                {"row_key": "change", "id": bea, "version": 1, "update": {"title": "Doctor"}},
                {"row_key": "again", "id": bea, "update": {"title": "Surgeon"}},
                {"row_key": "missing", "id": nobody, "update": {}},
                {"row_key": "circle", "id": ana, "update": {"manager_id": bea}},
                {"row_key": "both", "create": {}, "id": ana, "update": {}},
                {"row_key": "neither"},
            ]}),
        )
        .await
        .assert_status(200);

    assert_eq!(
        told(&answer),
        [
            row("new", 201, ""),
            row("bad mail", 422, "validation_failed /create/email"),
            row("taken", 409, "already_exists /create/username"),
            row("twice", 409, "already_exists /create/username"),
            row("manager", 422, "validation_failed /create/manager_id"),
            row("change", 200, ""),
            row("again", 409, "conflict"),
            row("missing", 404, "not_found"),
            row("circle", 409, "manager_cycle /update/manager_id"),
            row("both", 422, "validation_failed /create/username"),
            row("neither", 422, "validation_failed"),
        ]
    );
    assert_eq!(
        (
            answer.at("/results/5/resource/title"),
            answer.at("/results/5/resource/version")
        ),
        (json!("Doctor"), json!(2))
    );
    assert_eq!(names(&admin, "/v1/users").await, ["admin", "ana", "bea", "cid"]);
    let below = format!("/v1/users?filter=line_manager_id%20eq%20%22{ana}%22");
    assert_eq!(names(&admin, &below).await, ["bea", "cid"]);
}

#[actix_web::test]
async fn a_row_that_holds_nul_is_told_and_the_others_written() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let keyed = admin.with("Idempotency-Key", "nul");
    let rows = json!({"rows": [
        create("new", "ana", json!({})),
        create("value", "bea", json!({"title": "a\0b"})),
        create("name", "cid", json!({"a\0b": 1})),
        create("k\0y", "dan", json!({})),
    ]});

    let answer = keyed
        .post("/v1/users/bulk", rows.clone())
        .await
        .assert_status(200);

    assert_eq!(
        told(&answer),
        [
            row("new", 201, ""),
            row("value", 422, "validation_failed /create/title"),
            row("name", 422, "validation_failed /create"),
            row("k\0y", 422, "validation_failed /row_key"),
        ]
    );
    assert_eq!(names(&admin, "/v1/users").await, ["admin", "ana"]);
    let again = keyed.post("/v1/users/bulk", rows).await.assert_status(200);
    assert_eq!(answer.json(), again.json());
}

#[actix_web::test]
async fn rows_outside_the_callers_scope_are_refused_and_the_others_written() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let a = unit(&admin, "a", None).await;
    let b = unit(&admin, "b", None).await;
    let of_a = person(&admin, "of-a", json!({"org_unit_id": a})).await;
    let of_b = person(&admin, "of-b", json!({"org_unit_id": b})).await;
    let both = &[Permission::UsersRead, Permission::UsersWrite];
    let keeper = app.holding(both, "org_unit", Some(uuid(&a)));

    let answer = keeper
        .post(
            "/v1/users/bulk",
            json!({"rows": [
                create("in", "ana", json!({"org_unit_id": a})),
                create("out", "bea", json!({"org_unit_id": b})),
                {"row_key": "away", "id": of_a, "update": {"org_unit_id": b}},
                {"row_key": "unseen", "id": of_b, "update": {"title": "x"}},
            ]}),
        )
        .await
        .assert_status(200);

    assert_eq!(
        told(&answer),
        [
            row("in", 201, ""),
            row("out", 422, "validation_failed /create/org_unit_id"),
            row("away", 422, "validation_failed /update/org_unit_id"),
            row("unseen", 404, "not_found"),
        ]
    );
    assert_eq!(names(&keeper, "/v1/users").await, ["ana", "of-a"]);
    let actions: i64 = app.write(|tx| {
        use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
        use provost::db::schema::events::dsl::{actor_kind, events};
        Ok(events
            .filter(actor_kind.eq("service_account"))
            .count()
            .get_result(tx.conn)?)
    });
    assert_eq!(actions, 1);
}

#[actix_web::test]
async fn a_request_repeated_under_its_key_writes_once_and_double_row_keys_are_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let body = json!({"rows": [create("1", "ana", json!({})), create("2", "bea", json!({}))]});

    let keyed = admin.with("Idempotency-Key", "k");
    let first = keyed
        .post("/v1/users/bulk", body.clone())
        .await
        .assert_status(200);
    let second = keyed.post("/v1/users/bulk", body).await.assert_status(200);
    assert_eq!(first.json(), second.json());

    let twice = json!({"rows": [create("1", "x", json!({})), create("1", "y", json!({}))]});
    let refused = admin.post("/v1/users/bulk", twice).await;
    refused
        .assert_problem(422, "validation_failed")
        .assert_fault("/rows/1/row_key");
    let unkeyed = admin
        .post("/v1/users/bulk", json!({"rows": [{"create": {}}]}))
        .await;
    unkeyed
        .assert_problem(422, "validation_failed")
        .assert_fault("/rows/0/row_key");
    admin
        .post("/v1/users/bulk", json!({"rows": []}))
        .await
        .assert_problem(422, "validation_failed");
}

#[actix_web::test]
async fn a_thousand_people_are_added_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let rows: Vec<_> = (0..1000)
        .map(|n| create(&n.to_string(), &format!("u{n}"), json!({})))
        .collect();

    let answer = admin
        .post("/v1/users/bulk", json!({"rows": rows}))
        .await
        .assert_status(200);

    assert!(told(&answer).iter().all(|(_, status, _)| *status == 201));
}
