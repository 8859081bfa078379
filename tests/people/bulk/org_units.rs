use provost::{authz::Permission, sql};
use serde_json::{Value, json};

use super::{
    super::{names, person, unit, uuid},
    count, events, id, row, send, told,
};
use crate::support::TestApp;

const PATH: &str = "/v1/org-units/bulk";
const BOTH: &[Permission] = &[Permission::OrgUnitsRead, Permission::OrgUnitsWrite];

/// A unit below the one that another row adds.
fn below(key: &str, parent_row: &str) -> Value {
    json!({"row_key": key, "parent_row_key": parent_row, "create": {"code": key, "name": key}})
}

fn create(key: &str, parent: Option<&str>) -> Value {
    json!({"row_key": key, "create": {"code": key, "name": key, "parent_id": parent}})
}

fn update(key: &str, id: &str, changes: Value) -> Value {
    json!({"row_key": key, "id": id, "update": changes})
}

#[actix_web::test]
async fn a_whole_tree_is_added_at_once_in_any_order() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut rows: Vec<Value> = (1..1000)
        .map(|n| below(&format!("u{n}"), &format!("u{}", n / 4)))
        .collect();
    rows.push(create("u0", None));
    rows.reverse();
    rows.swap(0, 999);

    let keyed = admin.with("Idempotency-Key", "tree");
    let answer = send(&keyed, PATH, json!(rows)).await;
    assert!(told(&answer).iter().all(|(_, status, _)| *status == 201));
    let again = send(&keyed, PATH, json!(rows)).await;
    assert_eq!(answer.json(), again.json());

    assert_eq!(events(&app, "org_unit.created"), 1000);
    let within = |code: &'static str| format!("/v1/org-units?limit=200&filter=within%20eq%20%22{code}%22");
    assert_eq!(
        names(&admin, &within("u249")).await,
        ["u249", "u996", "u997", "u998", "u999"]
    );
    // u999 stands below u249, u62, u15, u3 and u0.
    let lines = sql!(
        "SELECT count(*) AS count FROM org_unit_closure JOIN org_units ON id = descendant_id
         WHERE code = 'u999'"
    );
    assert_eq!(count(&app, lines), 6);
}

#[actix_web::test]
async fn right_rows_are_written_and_wrong_ones_told_by_their_keys() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let top = unit(&admin, "top", None).await;
    let low = unit(&admin, "low", Some(&top)).await;
    let other = unit(&admin, "other", None).await;
    let old = unit(&admin, "old", None).await;
    admin
        .post(&format!("/v1/org-units/{old}/archival"), json!({}))
        .await
        .assert_status(200);
    let nowhere = uuid::Uuid::now_v7().to_string();

    let rows = json!([
        create("new", Some(&low)),
        create("top", None),
        create("twice", None),
        {"row_key": "twice again", "create": {"code": "twice", "name": "Twice"}},
        create("nowhere", Some(&nowhere)),
        create("archived", Some(&old)),
        {"row_key": "unreadable", "create": {"code": " "}},
        below("under unreadable", "unreadable"),
        below("under under unreadable", "under unreadable"),
        {"row_key": "under taken", "parent_row_key": "top", "id": other, "update": {}},
        below("no such row", "none"),
        below("no new unit", "stale"),
        {"row_key": "two parents", "parent_row_key": "new", "create": {"code": "p", "name": "P", "parent_id": top}},
        {"row_key": "stale", "id": low, "version": 7, "update": {"name": "Low"}},
        update("again", &low, json!({"name": "Lower"})),
        update("missing", &nowhere, json!({})),
        {"row_key": "both", "id": top, "create": {"code": "b", "name": "B"}, "update": {}},
        {"row_key": "neither"},
    ]);
    let answer = send(&admin, PATH, rows).await;

    assert_eq!(
        told(&answer),
        [
            row("new", 201, ""),
            row("top", 409, "already_exists /create/code"),
            row("twice", 201, ""),
            row("twice again", 409, "already_exists /create/code"),
            row("nowhere", 422, "validation_failed /create/parent_id"),
            row("archived", 422, "validation_failed /create/parent_id"),
            row("unreadable", 422, "validation_failed /create/name"),
            row("under unreadable", 409, "conflict /parent_row_key"),
            row("under under unreadable", 409, "conflict /parent_row_key"),
            row("under taken", 409, "conflict /parent_row_key"),
            row("no such row", 422, "validation_failed /parent_row_key"),
            row("no new unit", 422, "validation_failed /parent_row_key"),
            row("two parents", 422, "validation_failed /parent_row_key"),
            row("stale", 412, "precondition_failed"),
            row("again", 200, ""),
            row("missing", 404, "not_found"),
            row("both", 422, "validation_failed"),
            row("neither", 422, "validation_failed"),
        ]
    );
    assert_eq!(
        names(&admin, "/v1/org-units").await,
        ["low", "new", "old", "other", "top", "twice"]
    );
    assert_eq!(
        (events(&app, "org_unit.created"), events(&app, "org_unit.updated")),
        (6, 1)
    );
}

#[actix_web::test]
async fn subtrees_move_with_their_people_and_below_new_units() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let emea = unit(&admin, "emea", None).await;
    let sales = unit(&admin, "sales", Some(&emea)).await;
    let team = unit(&admin, "team", Some(&sales)).await;
    let lab = unit(&admin, "lab", Some(&emea)).await;
    person(&admin, "ana", json!({"org_unit_id": team})).await;
    person(&admin, "bea", json!({"org_unit_id": lab})).await;
    let group = json!({"code": "apac", "name": "APAC", "kind": "dynamic", "filter": "org_unit eq \"apac\""});
    let group = admin.post("/v1/groups", group).await.assert_status(201).id();
    let members = format!("/v1/groups/{group}/members");

    let rows = json!([
        {"row_key": "sales", "parent_row_key": "apac", "id": sales, "version": 1, "update": {"name": "Sales APAC"}},
        update("lab", &lab, json!({"code": "labs"})),
        update("same", &team, json!({"name": "team", "parent_id": sales})),
        create("apac", None),
    ]);
    let answer = send(&admin, PATH, rows).await;

    let statuses: Vec<_> = told(&answer).into_iter().map(|(_, status, _)| status).collect();
    assert_eq!(statuses, [200, 200, 200, 201]);
    assert_eq!(answer.at("/results/0/resource/parent_id"), json!(id(&answer, 3)));
    assert_eq!(
        (
            answer.at("/results/0/resource/version"),
            answer.at("/results/2/resource/version")
        ),
        (json!(2), json!(1))
    );
    assert_eq!(
        (
            events(&app, "org_unit.updated"),
            events(&app, "group.member_added")
        ),
        (2, 1)
    );
    assert_eq!(names(&admin, &members).await, ["ana"]);
    assert_eq!(
        names(&admin, "/v1/users?filter=org_unit%20eq%20%22labs%22").await,
        ["bea"]
    );
    assert_eq!(
        names(&admin, "/v1/org-units?filter=within%20eq%20%22apac%22").await,
        ["apac", "sales", "team"]
    );
}

#[actix_web::test]
async fn moves_that_close_a_circle_are_refused_and_the_others_made() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let a = unit(&admin, "a", None).await;
    let b = unit(&admin, "b", Some(&a)).await;
    let c = unit(&admin, "c", Some(&b)).await;
    let d = unit(&admin, "d", None).await;

    let rows = json!([
        update("a below c", &a, json!({"parent_id": c})),
        {"row_key": "d below its child", "parent_row_key": "child", "id": d, "update": {}},
        create("child", Some(&d)),
        below("grandchild", "child"),
        below("mine", "yours"),
        below("yours", "mine"),
        below("self", "self"),
        update("c to the top", &c, json!({"parent_id": null, "name": "C"})),
    ]);
    let answer = send(&admin, PATH, rows).await;

    assert_eq!(
        told(&answer),
        [
            row("a below c", 200, ""),
            row("d below its child", 409, "org_unit_cycle /parent_row_key"),
            row("child", 409, "org_unit_cycle /create/parent_id"),
            row("grandchild", 409, "conflict /parent_row_key"),
            row("mine", 409, "org_unit_cycle /parent_row_key"),
            row("yours", 409, "org_unit_cycle /parent_row_key"),
            row("self", 409, "org_unit_cycle /parent_row_key"),
            row("c to the top", 200, ""),
        ]
    );
    assert_eq!(
        names(&admin, "/v1/org-units?filter=within%20eq%20%22c%22").await,
        ["a", "b", "c"]
    );
}

#[actix_web::test]
async fn who_keeps_one_subtree_writes_in_no_other() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let a = unit(&admin, "a", None).await;
    let b = unit(&admin, "b", None).await;
    let below_a = unit(&admin, "below-a", Some(&a)).await;
    let keeper = app.holding(BOTH, "org_unit", Some(uuid(&a)));

    let rows = json!([
        create("in", Some(&below_a)),
        below("deeper", "in"),
        create("top", None),
        below("below top", "top"),
        create("out", Some(&b)),
        update("away", &below_a, json!({"parent_id": b})),
        update("unseen", &b, json!({"name": "mine"})),
        update("own top", &a, json!({"parent_id": null, "name": "A"})),
    ]);
    let answer = send(&keeper, PATH, rows).await;

    assert_eq!(
        told(&answer),
        [
            row("in", 201, ""),
            row("deeper", 201, ""),
            row("top", 403, "forbidden"),
            row("below top", 409, "conflict /parent_row_key"),
            row("out", 422, "validation_failed /create/parent_id"),
            row("away", 422, "validation_failed /update/parent_id"),
            row("unseen", 404, "not_found"),
            row("own top", 200, ""),
        ]
    );
    assert_eq!(
        names(&keeper, "/v1/org-units").await,
        ["a", "below-a", "deeper", "in"]
    );
    let seen = send(
        &keeper,
        PATH,
        json!([
            update("up", &a, json!({"parent_id": id(&answer, 0)})),
            update("to the top", &below_a, json!({"parent_id": null})),
        ]),
    )
    .await;
    assert_eq!(
        told(&seen),
        [row("up", 403, "forbidden"), row("to the top", 403, "forbidden")]
    );

    let reader = app.holding(&[Permission::OrgUnitsRead], "org_unit", Some(uuid(&a)));
    reader
        .post(PATH, json!({"rows": [create("x", Some(&a))]}))
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn an_archived_unit_leaves_the_archived_one_above_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let top = unit(&admin, "top", None).await;
    let low = unit(&admin, "low", Some(&top)).await;
    for id in [&low, &top] {
        admin
            .post(&format!("/v1/org-units/{id}/archival"), json!({}))
            .await
            .assert_status(200);
    }

    admin
        .patch(&format!("/v1/org-units/{low}"), json!({"parent_id": null}))
        .await
        .assert_status(200);
    admin
        .delete(&format!("/v1/org-units/{low}/archival"))
        .await
        .assert_status(200);
}
