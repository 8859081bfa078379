use serde_json::json;

use super::fixture::{course, in_days, outline, pass_days, person, requirements, rule};
use crate::support::TestApp;

#[actix_web::test]
async fn a_requirement_by_hand_is_another_reason_beside_the_rules() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    rule(&app, &admin, "Production", "P30D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;

    let assigned = admin
        .post(
            "/v1/requirements",
            json!({"user_id": ana, "target": {"kind": "course", "id": fire}, "due_on": in_days(&app, 3), "note": "before the audit"}),
        )
        .await
        .assert_status(201);
    assert_eq!(assigned.at("/due_on"), json!(in_days(&app, 3)));
    assert_eq!(
        (assigned.at("/reasons/0/kind"), assigned.at("/reasons/1/kind")),
        (json!("rule"), json!("person"))
    );
    let path = format!("/v1/requirements/{}", assigned.id());

    let by_rule = format!(
        "{path}/reasons/{}",
        assigned.at("/reasons/0/id").as_str().unwrap()
    );
    admin.delete(&by_rule).await.assert_problem(409, "conflict");
    let by_hand = format!(
        "{path}/reasons/{}",
        assigned.at("/reasons/1/id").as_str().unwrap()
    );
    admin.delete(&by_hand).await.assert_status(204);
    assert_eq!(
        outline(&admin, ana).await,
        [("open".into(), Some(in_days(&app, 30)))]
    );
    admin.delete(&by_hand).await.assert_problem(404, "not_found");
}

#[actix_web::test]
async fn a_requirement_by_hand_ends_when_it_is_taken_back() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    let assigned = admin
        .post(
            "/v1/requirements",
            json!({"user_id": ana, "target": {"kind": "course", "id": fire}}),
        )
        .await
        .assert_status(201);

    let reason = assigned.at("/reasons/0/id").as_str().unwrap().to_owned();
    admin
        .delete(&format!("/v1/requirements/{}/reasons/{reason}", assigned.id()))
        .await
        .assert_status(204);

    let ended = requirements(&admin, ana).await;
    assert_eq!(
        (&ended[0]["status"], &ended[0]["end_reason"]),
        (&json!("ended"), &json!("withdrawn"))
    );
}

#[actix_web::test]
async fn the_status_follows_from_the_dates_and_can_be_filtered_by() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    let body = json!({"user_id": ana, "target": {"kind": "course", "id": fire}, "opens_on": in_days(&app, 2), "due_on": in_days(&app, 4)});
    admin.post("/v1/requirements", body).await.assert_status(201);

    for (days, status) in [(0, "upcoming"), (2, "open"), (3, "overdue")] {
        let admin = pass_days(&app, days).await;
        let found = admin
            .get(&format!("/v1/requirements?filter=status%20eq%20%22{status}%22"))
            .await
            .assert_status(200);
        assert_eq!(found.at("/data/0/status"), json!(status));
    }
    assert_eq!(
        app.admin()
            .await
            .get("/v1/requirements?filter=status%20eq%20%22open%22")
            .await
            .at("/data"),
        json!([])
    );
}

#[actix_web::test]
async fn lists_by_due_date_end_with_those_that_have_none() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", "Production").await;
    for (code, due) in [
        ("third", None),
        ("second", Some(9)),
        ("first", Some(3)),
        ("fourth", None),
    ] {
        let target = json!({"kind": "course", "id": course(&app, code, None)});
        let due_on = due.map(|days| in_days(&app, days));
        let body = json!({"user_id": ana, "target": target, "due_on": due_on});
        admin.post("/v1/requirements", body).await.assert_status(201);
    }
    for (sort, expected) in [("due_on", [3, 9, 0, 0]), ("-due_on", [0, 0, 9, 3])] {
        let mut found = Vec::new();
        let mut path = format!("/v1/requirements?sort={sort}&limit=1");
        for _ in 0..4 {
            let page = admin.get(&path).await.assert_status(200);
            found.push(page.at("/data/0/due_on"));
            let next = page.at("/next_cursor");
            path = format!(
                "/v1/requirements?sort={sort}&limit=1&cursor={}",
                next.as_str().unwrap_or_default()
            );
        }
        let expected = expected.map(|days| match days {
            0 => json!(null),
            days => json!(in_days(&app, days)),
        });
        assert_eq!(found, expected, "{sort}");
    }
}

#[actix_web::test]
async fn nobody_who_has_left_is_assigned_anything() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    admin
        .patch(&format!("/v1/users/{ana}"), json!({"status": "archived"}))
        .await
        .assert_status(200);

    admin
        .post(
            "/v1/requirements",
            json!({"user_id": ana, "target": {"kind": "course", "id": fire}}),
        )
        .await
        .assert_problem(409, "user_archived");
}

#[actix_web::test]
async fn a_requirement_is_not_due_before_it_opens_be_that_day_given_or_today() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    for opens_on in [json!(null), json!(in_days(&app, 0))] {
        let body = json!({"user_id": ana, "target": {"kind": "course", "id": fire}, "opens_on": opens_on, "due_on": in_days(&app, -1)});
        admin
            .post("/v1/requirements", body)
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault("/due_on");
    }

    let today = json!({"user_id": ana, "target": {"kind": "course", "id": fire}, "due_on": in_days(&app, 0)});
    admin.post("/v1/requirements", today).await.assert_status(201);
}
