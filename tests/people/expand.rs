//! `expand`: the objects that a resource names, shown inside it where the caller may see them.

use provost::authz::Permission;
use serde_json::{Value, json};

use super::{person, unit, uuid};
use crate::support::TestApp;

#[actix_web::test]
async fn what_an_id_names_is_shown_inside_two_names_deep() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ward = unit(&admin, "ward", None).await;
    let chief = person(&admin, "chief", json!({"org_unit_id": ward})).await;
    let nurse = person(&admin, "nurse", json!({"manager_id": chief})).await;

    let shown = admin
        .get(&format!(
            "/v1/users/{nurse}?expand=manager.org_unit,org_unit,manager"
        ))
        .await
        .assert_status(200);
    assert_eq!(shown.at("/manager_id"), chief);
    assert_eq!(shown.at("/manager/username"), "chief");
    assert_eq!(shown.at("/manager/org_unit/code"), "ward");
    assert_eq!(shown.at("/org_unit"), Value::Null);
    assert!(
        shown.header("etag").is_none(),
        "what is shown inside changes by itself"
    );

    let page = admin
        .get("/v1/users?sort=username&expand=manager&limit=200")
        .await
        .assert_status(200);
    let rows = page.at("/data");
    let row = |name: &str| {
        let rows = rows.as_array().unwrap();
        rows.iter().find(|row| row["username"] == name).unwrap().clone()
    };
    assert_eq!(row("nurse")["manager"]["id"], json!(chief));
    assert_eq!(row("chief")["manager"], Value::Null);
    assert!(row("nurse").get("org_unit").is_none());

    let plain = admin.get(&format!("/v1/users/{nurse}")).await;
    assert!(plain.json().get("manager").is_none() && plain.header("etag").is_some());
}

#[actix_web::test]
async fn nothing_is_shown_that_the_caller_may_not_see() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let here = unit(&admin, "here", None).await;
    let there = unit(&admin, "there", None).await;
    let chief = person(&admin, "chief", json!({"org_unit_id": there})).await;
    let nurse = person(&admin, "nurse", json!({"org_unit_id": here, "manager_id": chief})).await;
    let keeper = app.holding(&[Permission::UsersRead], "org_unit", Some(uuid(&here)));

    let shown = keeper
        .get(&format!("/v1/users/{nurse}?expand=manager,org_unit"))
        .await
        .assert_status(200);
    assert_eq!(shown.at("/manager_id"), chief);
    assert_eq!(shown.at("/manager"), Value::Null, "out of their scope");
    assert_eq!(shown.at("/org_unit"), Value::Null, "without org_units.read");
}

#[actix_web::test]
async fn unknown_names_are_refused_with_those_that_there_are() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for wrong in ["team", "manager.manager.manager", "manager.team", "username"] {
        let problem = admin
            .get(&format!("/v1/users?expand={wrong}"))
            .await
            .assert_problem(400, "invalid_parameter")
            .assert_fault("?expand");
        assert!(problem.text().contains(wrong), "{}", problem.text());
    }
}

#[actix_web::test]
async fn facts_show_their_person_and_their_course() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let course = admin
        .post(
            "/v1/courses",
            json!({"code": "FIRE", "title": "Fire", "language": "en", "modules": [{"title": "Doors",
                "activities": [{"title": "Read", "kind": "link", "url": "https://example.org"}]}]}),
        )
        .await
        .assert_status(201)
        .id();
    admin
        .post(&format!("/v1/courses/{course}/publications"), json!({}))
        .await
        .assert_status(201);
    let both = json!({"user_id": ana, "course_id": course});
    for (list, body) in [
        ("/v1/enrollments", both.clone()),
        (
            "/v1/requirements",
            json!({"user_id": ana, "target": {"kind": "course", "id": course}}),
        ),
        ("/v1/completions", both),
    ] {
        let id = admin.post(list, body).await.assert_status(201).id();
        for path in [
            format!("{list}?expand=user,course&limit=1"),
            format!("{list}/{id}?expand=user,course"),
        ] {
            let answer = admin.get(&path).await.assert_status(200);
            let row = match answer.json().get("data") {
                Some(rows) => rows[0].clone(),
                None => answer.json(),
            };
            assert_eq!(row["user"]["username"], "ana", "{path}: {row}");
            assert_eq!(row["course"]["code"], "FIRE", "{path}: {row}");
        }
    }
}
