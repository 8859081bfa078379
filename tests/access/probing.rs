//! Nobody learns by writing which usernames and codes exist outside of their scope.

use provost::authz::Permission::{self, *};
use serde_json::{Value, json};

use super::{person_with, scopes::org_unit};
use crate::{
    scim::{self, Scim},
    support::{Client, TestApp},
};

const WRITES: &[Permission] = &[
    UsersRead,
    UsersWrite,
    GroupsWrite,
    OrgUnitsWrite,
    LocationsWrite,
    AttributesWrite,
    CoursesWrite,
    RulesWrite,
    RolesWrite,
];

fn user(name: &str) -> Value {
    json!({"username": name, "given_name": "G", "family_name": "F",
        "external_keys": [{"source": "hr", "key": name}]})
}

/// A new row of each resource that has a unique name, of that name.
fn rows(name: &str) -> Vec<(&'static str, Value)> {
    let row = |more: Value| {
        let mut row = json!({"code": name, "name": name});
        row.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        row
    };
    let due = json!({"kind": "after_joining", "offset": "P30D"});
    vec![
        ("/v1/users", user(name)),
        ("/v1/groups", row(json!({"kind": "static"}))),
        ("/v1/org-units", row(json!({}))),
        ("/v1/locations", row(json!({}))),
        ("/v1/categories", row(json!({}))),
        (
            "/v1/courses",
            json!({"code": name, "title": name, "language": "en"}),
        ),
        (
            "/v1/rules",
            row(json!({"audience": {"filter": "username pr"}, "due": due})),
        ),
        ("/v1/roles", row(json!({"permissions": []}))),
        (
            "/v1/attribute-definitions",
            json!({"name": name, "label": name, "kind": "string"}),
        ),
    ]
}

#[actix_web::test]
async fn rows_outside_the_scope_are_refused_alike_whether_their_names_are_taken_or_not() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (path, row) in rows("taken") {
        admin.post(path, row).await.assert_status(201);
    }
    let unit = org_unit(&app, "mine", None);
    let narrow = app.holding(WRITES, "org_unit", Some(unit));

    for ((path, taken), (_, free)) in rows("taken").into_iter().zip(rows("free")) {
        let refused = match path {
            "/v1/rules" => "422 validation_failed /org_unit_id",
            _ => "403 forbidden",
        };
        for row in [&taken, &free] {
            let answer = narrow.post(path, row.clone()).await;
            assert_eq!(answer.outcome(), refused, "{path}: {row}");
        }
        let answer = narrow
            .bulk(path, [&taken, &free].map(|row| json!({"create": row})))
            .await;
        assert_eq!(answer.row_outcomes(), [refused; 2], "{path}");
    }

    let mine = json!({"username": "mine", "org_unit_id": unit});
    let path = format!("/v1/users/{}", person_with(&admin, mine).await);
    for name in ["taken", "free"] {
        let leaving = json!({"username": name, "org_unit_id": null});
        narrow
            .patch(&path, leaving)
            .await
            .assert_problem(403, "forbidden");
    }
    // Within the scope it is told, with every other fault of the kind.
    let mut taken = user("taken");
    taken["org_unit_id"] = json!(unit);
    narrow
        .post("/v1/users", taken)
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/username")
        .assert_fault("/external_keys/0");
    narrow
        .patch(&path, json!({"username": "TAKEN"}))
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/username");
}

#[actix_web::test]
async fn a_scim_client_with_a_narrow_scope_learns_no_usernames() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    person_with(&admin, json!({"username": "taken"})).await;
    let account = app.holding(WRITES, "org_unit", Some(org_unit(&app, "mine", None)));
    let account = account.get("/v1/me").await.id();
    let token = scim::token(&app, &account, json!({"kind": "scim"})).await;
    let scim = Scim(Client::new(&app.address, Some(token)));

    for name in ["taken", "free"] {
        scim.post("/Users", scim::user(name))
            .await
            .assert_scim_error(403, None);
    }
    let create =
        |name: &str| json!({"method": "POST", "path": "/Users", "bulkId": name, "data": scim::user(name)});
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [create("taken"), create("free")]});
    let answer = scim.post("/Bulk", bulk).await.assert_status(200);
    for index in 0..2 {
        assert_eq!(answer.at(&format!("/Operations/{index}/status")), "403");
    }
}

#[actix_web::test]
async fn a_refused_row_takes_nothing_from_later_rows() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "mine", None);
    let narrow = app.holding(WRITES, "org_unit", Some(unit));
    let create = |name: &str, key: &str, unit: Option<_>| {
        let mut user = user(name);
        user["external_keys"][0]["key"] = json!(key);
        user["org_unit_id"] = json!(unit);
        json!({"create": user})
    };

    let rows = [
        create("ana", "1", None),
        create("ANA", "1", Some(unit)),
        create("ana", "2", Some(unit)),
    ];
    let answer = narrow.bulk("/v1/users", rows).await;
    let expected = ["403 forbidden", "201", "409 already_exists /username"];
    assert_eq!(answer.row_outcomes(), expected, "{}", answer.text());

    // The first row has a key that is taken; the third is in the way of the fourth only.
    let rows = [
        create("bea", "1", None),
        create("bea", "3", None),
        create("cem", "3", None),
        create("cem", "4", None),
    ];
    let answer = admin.bulk("/v1/users", rows).await;
    let expected = [
        "409 already_exists /external_keys/0",
        "201",
        "409 already_exists /external_keys/0",
        "201",
    ];
    assert_eq!(answer.row_outcomes(), expected, "{}", answer.text());

    // A row with another version leaves its user to the next.
    let id = answer.at("/results/1/resource/id");
    let rows = [
        json!({"id": id, "version": 7, "update": {"title": "Cook"}}),
        json!({"id": id, "version": 1, "update": {"title": "Nurse"}}),
        json!({"id": id, "update": {"title": "Baker"}}),
    ];
    let answer = admin.bulk("/v1/users", rows).await;
    let expected = ["412 precondition_failed", "200", "409 conflict"];
    assert_eq!(answer.row_outcomes(), expected, "{}", answer.text());
}

/// The first row makes no circle only if the second row is written, and that is refused.
#[actix_web::test]
async fn a_circle_that_a_refused_row_would_have_opened_is_refused_too() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = org_unit(&app, "mine", None);
    let narrow = app.holding(WRITES, "org_unit", Some(unit));
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": unit})).await;
    let bea = json!({"username": "bea", "org_unit_id": unit, "manager_id": ana});
    let bea = person_with(&admin, bea).await;
    let rows = [
        json!({"id": ana, "update": {"manager_id": bea}}),
        json!({"id": bea, "update": {"manager_id": null, "org_unit_id": null}}),
    ];
    let answer = narrow.bulk("/v1/users", rows).await.assert_status(200);
    let expected = ["409 manager_cycle /update/manager_id", "403 forbidden"];
    assert_eq!(answer.row_outcomes(), expected, "{}", answer.text());
}
