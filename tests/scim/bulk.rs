use awc::http::Method;
use serde_json::{Value, json};

use super::{provider, user};
use crate::support::TestApp;

fn request(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations})
}

fn statuses(answer: &crate::support::Answer) -> Vec<Value> {
    let operations = answer.at("/Operations").as_array().unwrap().clone();
    operations.into_iter().map(|one| one["status"].clone()).collect()
}

#[actix_web::test]
async fn operations_name_what_others_make_whatever_their_order() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let mut report = user("report");
    report["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] =
        json!({"manager": {"value": "bulkId:b"}});
    let answer = scim
        .post("/Bulk", request(json!([
            {"method": "POST", "path": "/Groups", "bulkId": "g",
                "data": {"displayName": "Tour guides", "members": [{"type": "User", "value": "bulkId:r"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "r", "data": report},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": user("boss")},
            {"method": "PATCH", "path": "/Users/bulkId:b",
                "data": {"Operations": [{"op": "add", "path": "title", "value": "Boss"}]}},
        ])))
        .await
        .assert_status(200);
    assert_eq!(
        statuses(&answer),
        ["201", "201", "201", "200"],
        "{}",
        answer.text()
    );
    assert_eq!(answer.at("/Operations/0/bulkId"), json!("g"));
    let location = answer.at("/Operations/0/location");
    let group = location.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let group = scim.get(&format!("/Groups/{group}")).await.assert_status(200);
    let member = group.at("/members/0/value");
    let report = scim.get(&format!("/Users/{}", member.as_str().unwrap())).await;
    let manager = &report.json()["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["manager"];
    let boss = scim
        .get(&format!("/Users/{}", manager["value"].as_str().unwrap()))
        .await;
    assert_eq!(
        (boss.at("/userName"), boss.at("/title")),
        (json!("boss"), json!("Boss"))
    );
}

#[actix_web::test]
async fn one_that_is_wrong_is_told_and_the_others_are_done() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let ana = scim.user("ana").await;
    let operations = json!([
        {"method": "POST", "path": "/Users", "bulkId": "1", "data": user("ANA")},
        {"method": "POST", "path": "/Users", "bulkId": "2", "data": user("ben")},
        {"method": "PUT", "path": format!("/Users/{ana}"), "version": "W/\"77\"", "data": user("ana")},
        {"method": "POST", "path": "/Groups", "bulkId": "3", "data": {"displayName": "G", "members": [{"value": "bulkId:1"}]}},
        {"method": "DELETE", "path": format!("/Users/{ana}")},
        {"method": "GET", "path": "/Users"},
    ]);
    let answer = scim
        .post("/Bulk", request(operations.clone()))
        .await
        .assert_status(200);
    assert_eq!(
        statuses(&answer),
        ["409", "201", "412", "400", "204", "400"],
        "{}",
        answer.text()
    );
    assert_eq!(answer.at("/Operations/0/response/scimType"), json!("uniqueness"));
    assert_eq!(
        scim.names("/Users?filter=userName%20sw%20%22ben%22").await,
        ["ben"]
    );
    scim.get(&format!("/Users/{ana}"))
        .await
        .assert_scim_error(404, None);

    let mut stopping = request(json!([
        {"method": "POST", "path": "/Users", "bulkId": "1", "data": user("ben")},
        {"method": "POST", "path": "/Users", "bulkId": "2", "data": user("cem")},
    ]));
    stopping["failOnErrors"] = json!(1);
    let answer = scim.post("/Bulk", stopping).await.assert_status(200);
    assert_eq!(statuses(&answer), ["409"]);
    assert_eq!(
        scim.names("/Users?filter=userName%20eq%20%22cem%22").await,
        Vec::<String>::new()
    );
}

#[actix_web::test]
async fn requests_that_name_the_same_people_in_other_orders_are_all_done() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let mut people = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        people.push(scim.user(name).await);
    }
    let bulk = |at: usize| {
        let operation = |id: &String| {
            json!({"method": "PATCH", "path": format!("/Users/{id}"),
                "data": {"Operations": [{"op": "replace", "path": "title", "value": format!("Nurse {at}")}]}})
        };
        let mut operations: Vec<Value> = people.iter().map(operation).collect();
        if at % 2 == 1 {
            operations.reverse();
        }
        request(operations.into())
    };
    let answers = futures_util::future::join_all((0..8).map(|at| scim.post("/Bulk", bulk(at)))).await;
    for answer in answers {
        let answer = answer.assert_status(200);
        assert_eq!(statuses(&answer), ["200"; 8], "{}", answer.text());
    }
}

#[actix_web::test]
async fn operations_that_wait_for_each_other_are_conflicts() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let below = |name: &str, manager: &str| {
        let mut body = user(name);
        body["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] =
            json!({"manager": {"value": format!("bulkId:{manager}")}});
        json!({"method": "POST", "path": "/Users", "bulkId": name, "data": body})
    };
    let operations = json!([
        below("a", "b"),
        below("b", "a"),
        below("c", "none"),
        below("d", "c")
    ]);
    let answer = scim.post("/Bulk", request(operations)).await.assert_status(200);
    assert_eq!(
        statuses(&answer),
        ["409", "409", "400", "400"],
        "{}",
        answer.text()
    );

    let twice = |name: &str| json!({"method": "POST", "path": "/Users", "bulkId": "x", "data": user(name)});
    scim.post("/Bulk", request(json!([twice("e"), twice("f")])))
        .await
        .assert_scim_error(400, Some("invalidValue"));
}

#[actix_web::test]
async fn too_much_at_once_is_refused() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    let one = json!({"method": "DELETE", "path": "/Users/x"});
    scim.post("/Bulk", request(vec![one; 501].into()))
        .await
        .assert_scim_error(413, None);
    scim.post("/Bulk", json!({}))
        .await
        .assert_scim_error(400, Some("invalidSyntax"));
}

#[actix_web::test]
async fn a_search_of_everything_finds_users_and_groups() {
    let app = TestApp::start().await;
    let scim = provider(&app, "Okta").await.scim;
    for name in ["x-1", "x-2", "x-3"] {
        let mut body = user(name);
        body["displayName"] = json!(name);
        scim.post("/Users", body).await.assert_status(201);
    }
    for name in ["x-4", "x-5"] {
        let group = json!({"displayName": name});
        scim.post("/Groups", group).await.assert_status(201);
    }
    let search =
        |filter: &str, start: i64, count: i64| json!({"filter": filter, "startIndex": start, "count": count});
    let names = |answer: crate::support::Answer| {
        let found = answer.assert_status(200);
        let resources = found.at("/Resources").as_array().unwrap().clone();
        let names = resources
            .iter()
            .map(|one| one["displayName"].as_str().unwrap().to_owned());
        (
            found.at("/totalResults").as_i64().unwrap(),
            names.collect::<Vec<_>>(),
        )
    };
    for (start, count, expected) in [
        (1, 10, vec!["x-1", "x-2", "x-3", "x-4", "x-5"]),
        (3, 2, vec!["x-3", "x-4"]),
        (5, 2, vec!["x-5"]),
        (1, 0, vec![]),
    ] {
        let (total, found) = names(
            scim.post("/.search", search("displayName sw \"x-\"", start, count))
                .await,
        );
        assert_eq!(
            (total, found),
            (5, expected.into_iter().map(str::to_owned).collect()),
            "{start} {count}"
        );
    }
    let only = search("userName eq \"x-2\"", 1, 10);
    assert_eq!(names(scim.post("/.search", only).await).0, 1);
    scim.post("/.search", search("shoeSize eq 4", 1, 10))
        .await
        .assert_scim_error(400, Some("invalidFilter"));
    let told = scim.send(Method::POST, "/.search", None).await;
    let told = told.assert_scim_error(400, Some("invalidSyntax"));
    assert!(told.text().contains("There is no body"), "{}", told.text());
}
