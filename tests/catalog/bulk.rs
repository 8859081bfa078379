//! Courses, many at once.

use provost::authz::Permission::{CoursesRead, CoursesWrite};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{course, create_category, create_course, encoded, publish};
use crate::support::TestApp;

#[actix_web::test]
async fn good_rows_are_written_and_bad_ones_say_what_is_wrong_with_them() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let category = create_category(&admin, "safety").await.id();
    let fire = create_course(&admin, "FIRE", "Fire", json!({})).await.id();
    let ice = create_course(&admin, "ICE", "Ice", json!({})).await;
    let linked = json!([{"title": "M", "activities": [{"title": "A", "kind": "link"}]}]);
    let rows = [
        (
            json!({"create": course("NEW", "New", json!({"category_id": category, "tags": ["B", "a"]}))}),
            201,
            "",
        ),
        (
            json!({"create": course("fire", "Taken", json!({}))}),
            409,
            "already_exists",
        ),
        (
            json!({"create": course("new", "New", json!({"category_id": Uuid::now_v7()}))}),
            422,
            "validation_failed",
        ),
        (
            json!({"create": {"code": "X", "title": " "}}),
            422,
            "validation_failed",
        ),
        (
            json!({"id": ice.id(), "update": {"modules": linked}}),
            422,
            "validation_failed",
        ),
        (
            json!({"id": fire, "version": 1, "update": {"title": "Smoke", "tags": ["B", "b"]}}),
            200,
            "",
        ),
        (json!({"id": fire, "update": {"title": "Fire"}}), 409, "conflict"),
        (
            json!({"id": Uuid::now_v7(), "update": {"title": "X"}}),
            404,
            "not_found",
        ),
    ];
    let answer = admin
        .bulk("/v1/courses", rows.iter().map(|(row, ..)| row.clone()))
        .await;
    assert_eq!(
        answer.row_codes(),
        rows.map(|(_, status, code)| (status, code.into())),
        "{}",
        answer.text()
    );
    let new = answer.at("/results/0/resource");
    assert_eq!(
        (&new["status"], &new["tags"], &new["category_id"]),
        (&json!("draft"), &json!(["a", "b"]), &json!(category))
    );
    assert_eq!(
        answer.at("/results/2/problem/errors").as_array().unwrap().len(),
        2,
        "{}",
        answer.text()
    );
    assert_eq!(answer.at("/results/5/resource/tags"), json!(["b"]));

    let rows = [
        json!({"id": fire, "version": 1, "update": {"title": "Late"}}),
        json!({"id": ice.id(), "version": 1, "update": {"title": "Ice"}}),
    ];
    let answer = admin.bulk("/v1/courses", rows).await;
    assert_eq!(
        answer.row_codes(),
        [(412, "precondition_failed".into()), (200, String::new())]
    );
    assert_eq!(
        answer.at("/results/1/resource"),
        ice.json(),
        "what stays as it is has no new version"
    );
    app.run_jobs();
    let written = encoded("object_kind eq \"course\" and action eq \"course.updated\"");
    let events = admin.get(&format!("/v1/events?filter={written}")).await;
    let events = events.at("/data");
    assert_eq!(
        (&events[0]["object_id"], &events[1]),
        (&json!(fire), &Value::Null),
        "{events}"
    );
    assert_eq!(events[0]["after"].get("search"), None);
    assert_eq!(events[0]["after"]["title"], "Smoke");
}

#[actix_web::test]
async fn each_row_keeps_to_the_scope_of_its_author() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mine = create_category(&admin, "mine").await.id();
    let other = create_category(&admin, "other").await.id();
    let place = |category: &str| json!({ "category_id": category });
    let own = create_course(&admin, "OWN", "Own", place(&mine)).await.id();
    let moving = create_course(&admin, "MOVING", "Moving", place(&mine)).await.id();
    let foreign = create_course(&admin, "FOREIGN", "Foreign", place(&other)).await;
    publish(&admin, &foreign).await.assert_status(201);
    let draft = create_course(&admin, "DRAFT", "Draft", place(&other)).await.id();
    let permissions = [CoursesRead, CoursesWrite];
    let author = app.holding(&permissions, "category", Some(mine.parse().unwrap()));

    let rows = [
        (json!({"create": course("A", "A", place(&mine))}), 201, ""),
        (
            json!({"create": course("B", "B", place(&other))}),
            403,
            "forbidden",
        ),
        (json!({"create": course("C", "C", json!({}))}), 403, "forbidden"),
        (json!({"id": own, "update": {"title": "Mine"}}), 200, ""),
        (json!({"id": moving, "update": place(&other)}), 403, "forbidden"),
        (
            json!({"id": foreign.id(), "update": {"title": "Mine"}}),
            403,
            "forbidden",
        ),
        (
            json!({"id": draft, "update": {"title": "Mine"}}),
            404,
            "not_found",
        ),
    ];
    let answer = author
        .bulk("/v1/courses", rows.iter().map(|(row, ..)| row.clone()))
        .await;
    assert_eq!(
        answer.row_codes(),
        rows.map(|(_, status, code)| (status, code.into())),
        "{}",
        answer.text()
    );
    let titles = admin.get("/v1/courses?sort=code&expand=category").await;
    let titles = titles.at("/data").as_array().cloned().unwrap();
    let titles: Vec<_> = titles
        .iter()
        .map(|course| {
            (
                course["title"].as_str().unwrap(),
                course["category"]["code"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("A", "mine"),
        ("Draft", "other"),
        ("Foreign", "other"),
        ("Moving", "mine"),
        ("Mine", "mine"),
    ];
    assert_eq!(titles, expected);
}
