use serde_json::{Value, json};

use super::{super::person, events, id, row, send, told};
use crate::support::TestApp;

const PATH: &str = "/v1/attribute-definitions/bulk";

fn create(name: &str, fields: Value) -> Value {
    let mut new = json!({"name": name, "label": name, "kind": "string"});
    new.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    json!({"row_key": name, "create": new})
}

#[actix_web::test]
async fn a_thousand_attributes_are_defined_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let rows: Vec<Value> = (0..1000)
        .map(|n| create(&format!("a{n}"), json!({"allowed_values": ["x", "y"]})))
        .collect();

    let keyed = admin.with("Idempotency-Key", "k");
    let answer = send(&keyed, PATH, json!(rows)).await;
    let again = send(&keyed, PATH, json!(rows)).await;

    assert!(told(&answer).iter().all(|(_, status, _)| *status == 201));
    assert_eq!(answer.json(), again.json());
    assert_eq!(events(&app, "attribute_definition.created"), 1000);
    let one = admin
        .get(&format!("/v1/attribute-definitions/{}", id(&answer, 5)))
        .await
        .assert_status(200);
    assert_eq!(one.json(), answer.at("/results/5/resource"));
    person(&admin, "ana", json!({"attributes": {"a999": "y"}})).await;
}

#[actix_web::test]
async fn right_rows_are_written_and_wrong_ones_told_by_their_keys() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let made = send(
        &admin,
        PATH,
        json!([
            create("shift", json!({})),
            create("size", json!({"kind": "number"}))
        ]),
    )
    .await;
    let (shift, size) = (id(&made, 0), id(&made, 1));

    let rows = json!([
        create("floor", json!({})),
        create("shift", json!({})),
        {"row_key": "floor again", "create": {"name": "floor", "label": "Floor", "kind": "date"}},
        create("Bad name", json!({})),
        create("listed", json!({"kind": "number", "allowed_values": ["1"]})),
        {"row_key": "change", "id": shift, "version": 1, "update": {"label": "Shift", "allowed_values": ["early"]}},
        {"row_key": "number list", "id": size, "update": {"allowed_values": ["1"]}},
        {"row_key": "twice", "id": shift, "update": {"allowed_values": null}},
        {"row_key": "missing", "id": uuid::Uuid::now_v7(), "update": {}},
    ]);
    let answer = send(&admin, PATH, rows).await;

    assert_eq!(
        told(&answer),
        [
            row("floor", 201, ""),
            row("shift", 409, "already_exists /create/name"),
            row("floor again", 409, "already_exists /create/name"),
            row("Bad name", 422, "validation_failed /create/name"),
            row("listed", 422, "validation_failed /create/allowed_values"),
            row("change", 200, ""),
            row("number list", 422, "validation_failed /update/allowed_values"),
            row("twice", 409, "conflict"),
            row("missing", 404, "not_found"),
        ]
    );
    assert_eq!(answer.at("/results/5/resource/allowed_values"), json!(["early"]));
    let emptied = send(
        &admin,
        PATH,
        json!([
            {"row_key": "stale", "id": size, "version": 3, "update": {"label": "Size"}},
            {"row_key": "empty", "id": shift, "version": 2, "update": {"allowed_values": null}},
        ]),
    )
    .await;
    assert_eq!(
        told(&emptied),
        [row("stale", 412, "precondition_failed"), row("empty", 200, "")]
    );
    assert_eq!(emptied.at("/results/1/resource/allowed_values"), json!(null));
    assert_eq!(events(&app, "attribute_definition.updated"), 2);
}
