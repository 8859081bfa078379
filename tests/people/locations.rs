use provost::authz::Permission;
use serde_json::{Value, json};

use super::{names, person, unit, uuid};
use crate::support::{Client, TestApp};

const BOTH: &[Permission] = &[Permission::LocationsRead, Permission::LocationsWrite];

/// A new location of that code, with these fields beside; its id.
async fn location(client: &Client, code: &str, fields: Value) -> String {
    let mut body = json!({"code": code, "name": code});
    body.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    client.post("/v1/locations", body).await.assert_status(201).id()
}

#[actix_web::test]
async fn a_location_lives_through_changes_archival_and_restoration() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let emea = unit(&admin, "emea", None).await;
    let fields = json!({"code": "LIS", "name": "Lisbon", "address": "Rua Augusta 1\n1100-048 Lisboa",
        "time_zone": "Europe/Lisbon", "org_unit_id": emea, "capacity": 12});
    let made = admin
        .post("/v1/locations", fields.clone())
        .await
        .assert_status(201);
    let path = format!("/v1/locations/{}", made.id());
    for (member, value) in fields.as_object().unwrap() {
        assert_eq!(&made.at(&format!("/{member}")), value);
    }
    location(&admin, "berlin", json!({})).await;

    assert_eq!(
        names(&admin, "/v1/locations?filter=code%20eq%20%22lis%22").await,
        ["LIS"]
    );
    assert_eq!(
        names(&admin, "/v1/locations?filter=capacity%20ge%2012").await,
        ["LIS"]
    );
    for (sort, first) in [("code", "berlin"), ("-name", "LIS"), ("created_at", "LIS")] {
        let page = admin
            .get(&format!("/v1/locations?limit=1&sort={sort}"))
            .await
            .assert_status(200);
        assert_eq!(page.at("/data/0/code"), first, "{sort}");
    }
    let shown = admin
        .get(&format!("{path}?expand=org_unit"))
        .await
        .assert_status(200);
    assert_eq!(shown.at("/org_unit/code"), "emea");

    admin
        .with("If-Match", "\"7\"")
        .patch(&path, json!({"capacity": 20}))
        .await
        .assert_problem(412, "precondition_failed");
    let changed = admin
        .patch(&path, json!({"capacity": 20, "address": null}))
        .await
        .assert_status(200);
    assert_eq!(
        [changed.at("/capacity"), changed.at("/address")],
        [json!(20), json!(null)]
    );
    let archival = format!("{path}/archival");
    let archived = admin.post(&archival, json!({})).await.assert_status(200);
    assert!(archived.at("/archived_at").is_string());
    let restored = admin
        .with("If-Match", "*")
        .delete(&archival)
        .await
        .assert_status(200);
    assert_eq!(
        [restored.at("/archived_at"), restored.at("/version")],
        [json!(null), json!(4)]
    );
}

#[actix_web::test]
async fn wrong_locations_are_refused_with_every_fault() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let lisbon = location(&admin, "lis", json!({})).await;
    let too_many = json!({"code": "y", "name": "Y", "capacity": 2_147_483_648_u64});
    for answer in [
        admin.post("/v1/locations", too_many.clone()).await,
        admin.patch(&format!("/v1/locations/{lisbon}"), too_many).await,
    ] {
        answer
            .assert_problem(422, "validation_failed")
            .assert_fault("/capacity");
    }
    let closed = unit(&admin, "closed", None).await;
    admin
        .post(&format!("/v1/org-units/{closed}/archival"), json!({}))
        .await
        .assert_status(200);

    let body = json!({"code": " ", "name": "", "address": "x".repeat(1001), "time_zone": "Europe/Lisboa",
        "org_unit_id": "emea", "capacity": 0});
    let answer = admin
        .post("/v1/locations", body)
        .await
        .assert_problem(422, "validation_failed");
    for member in ["code", "name", "address", "time_zone", "org_unit_id", "capacity"] {
        answer.clone().assert_fault(&format!("/{member}"));
    }
    admin
        .post("/v1/locations", json!({"code": "LIS", "name": "Lisbon"}))
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/code");
    for unit in [closed.as_str(), "01890000-0000-7000-8000-000000000000"] {
        admin
            .post(
                "/v1/locations",
                json!({"code": "x", "name": "X", "org_unit_id": unit}),
            )
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault("/org_unit_id");
    }
}

#[actix_web::test]
async fn who_keeps_one_unit_reads_common_locations_and_writes_its_own_only() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let a = unit(&admin, "a", None).await;
    let below = unit(&admin, "below", Some(&a)).await;
    let b = unit(&admin, "b", None).await;
    let common = location(&admin, "common", json!({})).await;
    let of_a = location(&admin, "of-a", json!({"org_unit_id": a})).await;
    location(&admin, "of-below", json!({"org_unit_id": below})).await;
    let of_b = location(&admin, "of-b", json!({"org_unit_id": b})).await;
    let keeper = app.holding(
        &[BOTH, &[Permission::OrgUnitsRead]].concat(),
        "org_unit",
        Some(uuid(&a)),
    );

    assert_eq!(
        names(&keeper, "/v1/locations").await,
        ["common", "of-a", "of-below"]
    );
    let patch = |id: &str, body: Value| {
        let (keeper, path) = (keeper.clone(), format!("/v1/locations/{id}"));
        async move { keeper.patch(&path, body).await }
    };
    patch(&of_b, json!({"name": "mine"}))
        .await
        .assert_problem(404, "not_found");
    patch(&common, json!({"name": "mine"}))
        .await
        .assert_problem(403, "forbidden");
    patch(&of_a, json!({"org_unit_id": null}))
        .await
        .assert_problem(403, "forbidden");
    patch(&of_a, json!({"org_unit_id": b}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/org_unit_id");
    patch(&of_a, json!({"org_unit_id": below}))
        .await
        .assert_status(200);
    keeper
        .post("/v1/locations", json!({"code": "x", "name": "X"}))
        .await
        .assert_problem(403, "forbidden");

    let rows = json!({"rows": [
        {"row_key": "mine", "create": {"code": "new", "name": "New", "org_unit_id": a}},
        {"row_key": "taken", "create": {"code": "NEW", "name": "New", "org_unit_id": a}},
        {"row_key": "common", "id": common, "update": {"name": "mine"}},
        {"row_key": "theirs", "id": of_b, "update": {"name": "mine"}},
        {"row_key": "nobody's", "create": {"code": "y", "name": "Y"}},
        {"row_key": "changed", "id": of_a, "update": {"capacity": 3}},
    ]});
    let answer = keeper.post("/v1/locations/bulk", rows).await.assert_status(200);
    let statuses: Vec<Value> = (0..6)
        .map(|row| answer.at(&format!("/results/{row}/status")))
        .collect();
    assert_eq!(statuses, [201, 409, 403, 404, 403, 200], "{}", answer.text());
}

#[actix_web::test]
async fn users_keep_an_archived_location_and_nobody_new_gets_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let emea = unit(&admin, "emea", None).await;
    let lisbon = location(
        &admin,
        "lis",
        json!({"org_unit_id": emea, "time_zone": "Europe/Lisbon"}),
    )
    .await;
    let ana = person(
        &admin,
        "ana",
        json!({"location": "Lisboa", "location_id": lisbon}),
    )
    .await;
    let bea = person(&admin, "bea", json!({})).await;
    let user = |id: &str| format!("/v1/users/{id}");

    let filter = format!("/v1/users?filter=location_id%20eq%20%22{lisbon}%22");
    assert_eq!(names(&admin, &filter).await, ["ana"]);
    let shown = admin
        .get(&format!("{}?expand=place.org_unit", user(&ana)))
        .await
        .assert_status(200);
    assert_eq!(shown.at("/place/code"), "lis");
    assert_eq!(shown.at("/place/org_unit/code"), "emea");
    assert_eq!(shown.at("/location"), "Lisboa");
    assert_eq!(
        shown.at("/time_zone"),
        json!(null),
        "a location's zone is its own"
    );

    admin
        .post(&format!("/v1/locations/{lisbon}/archival"), json!({}))
        .await
        .assert_status(200);
    let kept = admin
        .patch(&user(&ana), json!({"title": "Nurse", "location_id": lisbon}))
        .await
        .assert_status(200);
    assert_eq!(kept.at("/location_id"), json!(lisbon));
    for id in [lisbon.as_str(), "01890000-0000-7000-8000-000000000000"] {
        admin
            .patch(&user(&bea), json!({"location_id": id}))
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault("/location_id");
    }

    // Who may not see the location can neither name it nor have it shown.
    let apac = unit(&admin, "apac", None).await;
    let cho = person(&admin, "cho", json!({"org_unit_id": apac, "location_id": null})).await;
    let hidden = location(&admin, "ber", json!({"org_unit_id": emea})).await;
    let hr = [BOTH, &[Permission::UsersRead, Permission::UsersWrite]].concat();
    let hr = app.holding(&hr, "org_unit", Some(uuid(&apac)));
    hr.patch(&user(&cho), json!({"location_id": hidden}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/location_id");
    admin
        .patch(&user(&cho), json!({"location_id": hidden}))
        .await
        .assert_status(200);
    let shown = hr
        .get(&format!("{}?expand=place", user(&cho)))
        .await
        .assert_status(200);
    assert_eq!(shown.at("/place"), json!(null));
}
