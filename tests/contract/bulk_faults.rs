//! What is wrong with a row of a bulk request is told all at once, too.

use serde_json::{Value, json};

use crate::support::{Client, TestApp};

const NOBODY: &str = "0199d1c2-7e5b-7cc0-8f3a-5d1f0a6b7c8d";

async fn add(admin: &Client, path: &str, body: Value) -> String {
    admin.post(path, body).await.assert_status(201).id()
}

/// Where the answer to a single row says that something is wrong, in order.
async fn told(admin: &Client, path: &str, row: &Value) -> Vec<String> {
    let answer = admin.post(path, json!({"rows": [row]})).await.assert_status(200);
    let errors = answer.at("/results/0/problem/errors");
    let pointers = errors.as_array().unwrap().iter();
    let mut pointers: Vec<String> = pointers
        .map(|error| error["pointer"].as_str().unwrap().to_owned())
        .collect();
    pointers.sort();
    pointers
}

#[actix_web::test]
async fn each_row_is_told_all_faults_of_form_or_else_all_that_need_the_database() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let person = json!({"username": "taken", "given_name": "A", "family_name": "B", "manager_id": NOBODY});
    let mut first = person.clone();
    first["manager_id"] = Value::Null;
    let id = add(&admin, "/v1/users", first).await;
    let mut misshapen = person.clone();
    misshapen["family_name"] = json!(5);
    misshapen["time_zone"] = json!("Mars/Base");
    for (row, expected) in [
        (
            json!({"row_key": "r", "create": person}),
            &["/create/manager_id", "/create/username"][..],
        ),
        (
            json!({"row_key": "r", "zz": 1, "id": "x", "create": misshapen}),
            &["/create/family_name", "/create/time_zone", "/id", "/zz"],
        ),
        (json!({"row_key": "r", "version": 1, "create": person}), &[""]),
        (
            json!({"row_key": "r", "update": {"title": "T"}, "create": person}),
            &[""],
        ),
        (
            json!({"row_key": "r", "id": id, "version": "x", "update": {"manager_id": NOBODY}}),
            &["/version"],
        ),
    ] {
        assert_eq!(told(&admin, "/v1/users/bulk", &row).await, expected, "{row}");
    }
}

#[actix_web::test]
async fn a_row_with_faults_leaves_the_others_and_its_thing_alone() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let person = |name: &str| json!({"username": name, "given_name": "A", "family_name": "B"});
    let id = add(&admin, "/v1/users", person("ada")).await;
    let rows = json!({"rows": [
        {"row_key": "misshapen", "id": id, "update": {"title": 5}},
        {"row_key": "right", "id": id, "update": {"title": "Countess"}},
        {"row_key": "taken", "create": person("ADA")},
        {"row_key": "new", "create": person("bob")},
    ]});
    let answer = admin.post("/v1/users/bulk", rows).await.assert_status(200);
    let results = answer.at("/results");
    let statuses = results.as_array().unwrap().iter();
    let statuses: Vec<_> = statuses.map(|row| row["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [422, 200, 409, 201], "{}", answer.text());
}

#[actix_web::test]
async fn a_row_of_a_unit_names_its_parent_in_one_way_and_tells_when_that_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    add(&admin, "/v1/org-units", json!({"code": "taken", "name": "T"})).await;
    let id = add(&admin, "/v1/org-units", json!({"code": "other", "name": "O"})).await;
    let create = json!({"code": "taken", "name": "T"});
    let mut with_parent = create.clone();
    with_parent["parent_id"] = json!(NOBODY);
    for (row, expected) in [
        (
            json!({"row_key": "r", "parent_row_key": "nope", "create": create}),
            &["/parent_row_key"][..],
        ),
        (
            json!({"row_key": "r", "parent_row_key": "nope", "create": with_parent}),
            &["/parent_row_key"],
        ),
        (
            json!({"row_key": "r", "id": id, "update": {"code": "taken", "parent_id": id}}),
            &["/update/code", "/update/parent_id"],
        ),
    ] {
        assert_eq!(told(&admin, "/v1/org-units/bulk", &row).await, expected, "{row}");
    }
    // Whether it is the form of the parent's row that is wrong, or what the database knows.
    for parent in [create, json!({"code": "x", "name": 5})] {
        let rows = json!({"rows": [
            {"row_key": "parent", "create": parent},
            {"row_key": "child", "parent_row_key": "parent", "create": {"code": "new", "name": "N"}},
        ]});
        let answer = admin.post("/v1/org-units/bulk", rows).await.assert_status(200);
        assert_eq!(answer.at("/results/1/status"), json!(409));
        assert_eq!(
            answer.at("/results/1/problem/errors"),
            json!([{"pointer": "/parent_row_key", "detail": "names a row that was refused"}])
        );
    }
}

#[actix_web::test]
async fn a_row_of_external_keys_has_one_form_and_tells_that_a_key_is_taken() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let person = |name: &str| json!({"username": name, "given_name": "A", "family_name": "B"});
    let one = add(&admin, "/v1/users", person("one")).await;
    let other = add(&admin, "/v1/users", person("other")).await;
    let key = json!({"source": "hr", "key": "1"});
    admin
        .post(&format!("/v1/users/{one}/external-keys"), key.clone())
        .await
        .assert_status(201);
    let path = "/v1/users/external-keys/bulk";
    let faulty = json!({"source": "h/r", "key": "1"});
    for (row, expected) in [
        (
            json!({"row_key": "r", "id": other, "add": faulty, "remove": key}),
            &["", "/add/source"][..],
        ),
        (
            json!({"row_key": "r", "id": other, "zz": 1, "add": key}),
            &["/zz"],
        ),
        (json!({"row_key": "r", "id": other, "add": key}), &["/add/key"]),
        (json!({"row_key": "r", "id": other, "add": 5}), &["/add"]),
    ] {
        assert_eq!(told(&admin, path, &row).await, expected, "{row}");
    }
    let keys = admin.get(&format!("/v1/users/{other}/external-keys")).await;
    assert_eq!(keys.at("/data"), json!([]));
}

#[actix_web::test]
async fn repeated_row_keys_are_told_where_they_stand_beside_other_faults() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let rows: Vec<Value> = ["", "a", "b", "a"]
        .map(|key| json!({"row_key": key, "create": {}}))
        .into();
    let answer = admin.post("/v1/users/bulk", json!({"rows": rows})).await;
    let answer = answer.assert_problem(422, "validation_failed");
    let pointers = [answer.at("/errors/0/pointer"), answer.at("/errors/1/pointer")];
    assert_eq!(pointers, ["/rows/0/row_key", "/rows/3/row_key"]);
    assert_eq!(answer.at("/errors/2"), Value::Null);
}

#[actix_web::test]
async fn very_many_faults_of_very_many_rows_are_cut_and_each_row_keeps_one() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut person = json!({"username": "a", "given_name": "A", "family_name": "B"});
    for n in 0..60 {
        person[format!("k{n}")] = json!(1);
    }
    let rows: Vec<_> = (0..300)
        .map(|n| json!({"row_key": n.to_string(), "create": person}))
        .collect();
    let answer = admin.post("/v1/users/bulk", json!({"rows": rows})).await;
    let answer = answer.assert_status(200);
    let results = answer.at("/results");
    let told: Vec<usize> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["problem"]["errors"].as_array().unwrap().len())
        .collect();
    assert_eq!((told[0], told[299]), (60, 1));
    assert_eq!(told.iter().sum::<usize>(), 2_000);
    let detail = |row: usize| results[row]["problem"]["detail"].as_str().unwrap().to_owned();
    assert!(detail(299).ends_with("these are the first."), "{}", detail(299));
    assert!(!detail(0).contains("first"), "{}", detail(0));
}
