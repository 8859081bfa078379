//! Nobody's reach grows by what they move, and nothing is seen by others for being moved.

use provost::access::Permission::*;
use serde_json::json;

use super::{id, person_with, scopes::org_unit};
use crate::support::TestApp;

#[actix_web::test]
async fn nobody_moves_a_unit_to_where_they_may_do_more() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (here, there) = (org_unit(&app, "here", None), org_unit(&app, "there", None));
    let (team, other) = (
        org_unit(&app, "team", Some(here)),
        org_unit(&app, "other", Some(here)),
    );
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": team})).await;
    let keeper =
        json!({"code": "keeper", "name": "Keeper", "permissions": ["org_units.read", "org_units.write"]});
    admin.post("/v1/roles", keeper).await.assert_status(201);
    let client = app.holding_role("keeper", &[("org_unit", Some(here)), ("org_unit", Some(other))]);
    let me = id(&client.get("/v1/me").await);

    let unit = format!("/v1/org-units/{team}");
    // The same permissions there and here: nothing is gained.
    client
        .patch(&unit, json!({"parent_id": other}))
        .await
        .assert_status(200);
    app.grant("service_account", me, "hr_admin", &[("org_unit", Some(there))]);
    let bulk = json!({"rows": [
        {"row_key": "n", "create": {"code": "new", "name": "New", "parent_id": there}},
        {"row_key": "t", "parent_row_key": "n", "id": team, "update": {}}]});
    client
        .patch(&unit, json!({"parent_id": there}))
        .await
        .assert_problem(403, "grant_exceeds_caller")
        .assert_fault("/parent_id");
    let answer = client.post("/v1/org-units/bulk", bulk).await.assert_status(200);
    assert_eq!(answer.at("/results/0/status"), json!(201));
    assert_eq!(
        answer.at("/results/1/problem/code"),
        json!("grant_exceeds_caller")
    );
    client.get(&format!("/v1/users/{ana}")).await.assert_status(404);

    app.grant("service_account", me, "hr_admin", &[("org_unit", Some(here))]);
    client
        .patch(&unit, json!({"parent_id": there}))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn nobody_moves_a_course_to_where_they_may_do_more() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut categories = Vec::new();
    for code in ["first", "second"] {
        let body = json!({"code": code, "name": code, "visibility": "restricted"});
        categories.push(id(&admin.post("/v1/categories", body).await.assert_status(201)));
    }
    let course = json!({"code": "FIRE", "title": "Fire", "language": "en", "category_id": categories[0]});
    let course = id(&admin.post("/v1/courses", course).await.assert_status(201));
    let client = app.holding_role("instructor", &[("category", Some(categories[0]))]);
    let me = id(&client.get("/v1/me").await);
    app.grant(
        "service_account",
        me,
        "lms_admin",
        &[("category", Some(categories[1]))],
    );

    let path = format!("/v1/courses/{course}");
    client
        .patch(&path, json!({"category_id": categories[1]}))
        .await
        .assert_problem(403, "grant_exceeds_caller")
        .assert_fault("/category_id");
    app.grant(
        "service_account",
        me,
        "lms_admin",
        &[("category", Some(categories[0]))],
    );
    client
        .patch(&path, json!({"category_id": categories[1]}))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn whoever_keeps_one_course_does_not_take_it_out_of_a_restricted_category() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let closed = json!({"code": "closed", "name": "Closed", "visibility": "restricted"});
    let closed = id(&admin.post("/v1/categories", closed).await.assert_status(201));
    let open = json!({"code": "open", "name": "Open"});
    let open = id(&admin.post("/v1/categories", open).await.assert_status(201));
    let course = json!({"code": "FIRE", "title": "Fire", "language": "en", "category_id": closed});
    let course = id(&admin.post("/v1/courses", course).await.assert_status(201));
    let path = format!("/v1/courses/{course}");
    let of_course = app.holding_role("instructor", &[("course", Some(course))]);
    let of_both = app.holding_role(
        "instructor",
        &[("category", Some(closed)), ("category", Some(open))],
    );

    for client in [&of_course, &of_both] {
        for category in [json!(open), json!(null)] {
            client
                .patch(&path, json!({"category_id": category}))
                .await
                .assert_problem(403, "forbidden");
        }
        client
            .patch(&path, json!({"title": "Fires", "category_id": closed}))
            .await
            .assert_status(200);
    }
    admin
        .patch(&path, json!({"category_id": open}))
        .await
        .assert_status(200);
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
