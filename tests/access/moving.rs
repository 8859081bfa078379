//! Nobody's reach grows by what they move, and nothing is seen by others for being moved.

use chrono::TimeDelta;
use provost::authz::Permission::*;
use serde_json::json;
use uuid::Uuid;

use super::{exchange::acting, form, grant_body, id, person_with, role, scopes::org_unit};
use crate::support::{Client, TestApp};

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
async fn an_author_of_one_course_does_not_take_it_out_of_a_restricted_category() {
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

/// A client whose token opens no more than `scope` of what it holds.
async fn confined(app: &TestApp, client: &Client, scope: &str) -> Client {
    let account = client.get("/v1/me").await.id();
    let path = format!("/v1/service-accounts/{account}/secrets");
    let secret = app.admin().await.post(&path, json!({})).await.assert_status(201);
    let secret = secret.at("/secret");
    let parameters = [
        ("grant_type", "client_credentials"),
        ("client_id", account.as_str()),
        ("client_secret", secret.as_str().unwrap()),
        ("scope", scope),
    ];
    let answer = form(&app.anonymous(), "/oauth/token", &parameters)
        .await
        .assert_status(200);
    Client::new(
        &app.address,
        answer.at("/access_token").as_str().map(str::to_owned),
    )
}

#[actix_web::test]
async fn a_token_that_opens_less_moves_nothing_that_a_full_one_would_reach() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (here, there) = (org_unit(&app, "here", None), org_unit(&app, "there", None));
    let team = org_unit(&app, "team", Some(here));
    let ana = person_with(&admin, json!({"username": "ana", "org_unit_id": team})).await;
    let group = json!({"code": "t", "name": "T", "kind": "dynamic", "filter": "title eq \"Trainer\""});
    let group = id(&admin.post("/v1/groups", group).await.assert_status(201));
    let full = app.holding(&[OrgUnitsRead, OrgUnitsWrite], "org_unit", Some(here));
    let me = id(&full.get("/v1/me").await);
    app.grant("service_account", me, "hr_admin", &[("org_unit", Some(there))]);
    let unit = format!("/v1/org-units/{team}");

    let less = confined(&app, &full, "org_units.read org_units.write").await;
    for client in [&full, &less] {
        client
            .patch(&unit, json!({"parent_id": there}))
            .await
            .assert_problem(403, "grant_exceeds_caller");
    }

    let hr = app.holding(&[UsersRead, UsersWrite], "org_unit", Some(here));
    let me = id(&hr.get("/v1/me").await);
    app.grant("service_account", me, "manager", &[("group", Some(group))]);
    let less = confined(&app, &hr, "users.write").await;
    for client in [&hr, &less] {
        client
            .patch(&format!("/v1/users/{ana}"), json!({"title": "Trainer"}))
            .await
            .assert_problem(403, "grant_exceeds_caller");
    }
}

#[actix_web::test]
async fn what_is_granted_for_later_counts_when_things_are_moved() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (here, there) = (org_unit(&app, "here", None), org_unit(&app, "there", None));
    let team = org_unit(&app, "team", Some(here));
    let keeper = app.holding(&[OrgUnitsRead, OrgUnitsWrite], "org_unit", Some(here));
    let me = id(&keeper.get("/v1/me").await);
    let units =
        json!({"code": "units", "name": "Units", "permissions": ["org_units.read", "org_units.write"]});
    admin.post("/v1/roles", units).await.assert_status(201);
    app.grant("service_account", me, "units", &[("org_unit", Some(there))]);
    let granted = async |from: i64, until: i64| {
        let mut body = grant_body(
            ("service_account", me),
            role(&admin, "hr_admin").await,
            ("org_unit", Some(there)),
        );
        let at = |hours| json!(app.app.clock.now() + TimeDelta::hours(hours));
        (body["starts_at"], body["ends_at"]) = (at(from), at(until));
        id(&admin.post("/v1/grants", body).await.assert_status(201))
    };
    let unit = format!("/v1/org-units/{team}");

    let later = granted(1, 2).await;
    keeper
        .patch(&unit, json!({"parent_id": there}))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    admin
        .delete(&format!("/v1/grants/{later}"))
        .await
        .assert_status(204);
    granted(-1, 1).await;
    app.app.clock.advance(TimeDelta::hours(2));
    let keeper = app.client_of_service_account(me);
    keeper
        .patch(&unit, json!({"parent_id": there}))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn nobody_moves_things_into_their_own_reach_in_the_place_of_another() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (here, there) = (org_unit(&app, "here", None), org_unit(&app, "there", None));
    let (team, home) = (org_unit(&app, "team", Some(here)), org_unit(&app, "home", None));
    let bea = person_with(&admin, json!({"username": "bea", "org_unit_id": home})).await;
    let units =
        json!({"code": "units", "name": "Units", "permissions": ["org_units.read", "org_units.write"]});
    admin.post("/v1/roles", units).await.assert_status(201);
    let both: [(&str, Option<Uuid>); 2] = [("org_unit", Some(here)), ("org_unit", Some(there))];
    app.grant("user", bea, "units", &both);
    let actor = app.holding_role("units", &both);
    let me = id(&actor.get("/v1/me").await);
    app.grant("service_account", me, "lms_admin", &[("org_unit", Some(home))]);
    let unit = format!("/v1/org-units/{team}");
    let as_bea = acting(&app, &actor, bea).await;
    let move_it = json!({"parent_id": there});

    app.grant("service_account", me, "hr_admin", &[("org_unit", Some(there))]);
    for client in [&actor, &as_bea] {
        client
            .patch(&unit, move_it.clone())
            .await
            .assert_problem(403, "grant_exceeds_caller");
    }
    app.grant("service_account", me, "hr_admin", &[("org_unit", Some(here))]);
    as_bea.patch(&unit, move_it).await.assert_status(200);
}
