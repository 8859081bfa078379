//! The feed as people look at it: what differs, who did it, and files of it.

use provost::{
    authz::Permission,
    ledger::{Event, EventKind},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::csv_column;
use crate::support::{Client, TestApp};

const DONE: EventKind = EventKind::new("test.done", "test", "Only in tests.");

/// More events than an export reads at once.
const MANY: usize = 2_100;

fn record(app: &TestApp, events: usize) {
    app.write(|tx| {
        for _ in 0..events {
            tx.record(Event::new(&DONE, Uuid::now_v7()).because(Some("=1+1".to_owned())));
        }
        Ok(())
    });
    app.run_jobs();
}

async fn user(client: &Client, username: &str) -> String {
    let user = json!({"username": username, "given_name": "Ana", "family_name": "Silva"});
    client.post("/v1/users", user).await.assert_status(201).id()
}

#[actix_web::test]
async fn the_history_of_an_object_tells_what_differs_and_who_did_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let program = app.holding(
        &[Permission::UsersRead, Permission::UsersWrite],
        "everything",
        None,
    );
    let ana = user(&program, "ana").await;
    admin
        .patch(&format!("/v1/users/{ana}"), json!({"given_name": "Eva"}))
        .await
        .assert_status(200);
    app.run_jobs();

    let path = format!("/v1/events?filter=object_id%20eq%20%22{ana}%22");
    let page = admin.get(&path).await.assert_status(200);
    assert_eq!(
        (page.at("/data/0/action"), page.at("/data/0/changes")),
        (json!("user.created"), json!([]))
    );
    let change = json!([{"field": "given_name", "before": "Ana", "after": "Eva"}]);
    assert_eq!(page.at("/data/1/changes"), change);
    assert_eq!(page.at("/data/1/user"), Value::Null);

    let page = admin
        .get(&format!("{path}&expand=user,actor"))
        .await
        .assert_status(200);
    assert_eq!(page.at("/data/0/actor/id"), page.at("/data/0/actor_id"));
    assert_eq!(page.at("/data/0/actor/status"), json!("active"));
    assert_eq!(page.at("/data/1/actor/username"), json!("admin"));
    assert_eq!(page.at("/data/1/user/given_name"), json!("Eva"));
    let one = format!(
        "/v1/events/{}?expand=actor",
        page.at("/data/1/id").as_str().unwrap()
    );
    let one = admin.get(&one).await.assert_status(200);
    assert_eq!(
        (one.at("/changes"), one.at("/actor/username")),
        (change, json!("admin"))
    );
    // Who may not see users sees their ids.
    let auditor = app.holding(&[Permission::EventsRead], "everything", None);
    let page = auditor
        .get(&format!("{path}&expand=user,actor"))
        .await
        .assert_status(200);
    assert_eq!(
        (
            page.at("/data/1/user"),
            page.at("/data/1/actor"),
            page.at("/data/1/user_id")
        ),
        (json!(null), json!(null), json!(ana))
    );
    admin
        .get("/v1/events?expand=object")
        .await
        .assert_problem(400, "invalid_parameter")
        .assert_fault("?expand");
}

#[actix_web::test]
async fn the_whole_feed_comes_as_csv_and_ndjson_up_to_the_position_that_it_names() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    record(&app, MANY);
    let own = "filter=action%20eq%20%22test.done%22&limit=5";

    let csv = admin
        .with("Accept", "text/csv")
        .get(&format!("/v1/events?{own}"))
        .await;
    let positions: Vec<i64> = csv_column(&csv, "position")
        .iter()
        .map(|position| position.parse().unwrap())
        .collect();
    assert_eq!(positions.len(), MANY);
    assert!(positions.is_sorted());
    let head = positions.last().unwrap().to_string();
    assert_eq!(csv.header("provost-ledger-position"), Some(head.as_str()));
    assert_eq!(csv_column(&csv, "reason")[0], "'=1+1");

    let ndjson = admin
        .get(&format!("/v1/events?{own}&format=ndjson&sort=-position"))
        .await;
    assert_eq!(ndjson.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(ndjson.header("provost-ledger-position"), Some(head.as_str()));
    let lines: Vec<Value> = ndjson
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), MANY);
    let page = admin.get("/v1/events?sort=-position&limit=1").await;
    assert_eq!(lines[0], page.at("/data/0"));

    for (path, fault) in [
        ("/v1/events?format=csv&expand=user", "?expand"),
        ("/v1/events?format=ndjson&sort=id", "?sort"),
        ("/v1/events?format=xml", "?format"),
    ] {
        let refused = admin.get(path).await.assert_problem(400, "invalid_parameter");
        refused.assert_fault(fault);
    }
}

#[actix_web::test]
async fn files_hold_the_events_about_the_callers_people_only() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = user(&admin, "ana").await;
    user(&admin, "bea").await;
    app.run_jobs();
    let ana = Uuid::parse_str(&ana).unwrap();
    app.grant("user", ana, "learner", &[("self", None)]);

    let nobody = app.client_of(ana).get("/v1/events?format=csv").await;
    nobody.assert_problem(403, "forbidden");
    let unit = json!({"code": "u", "name": "U"});
    let unit = admin.post("/v1/org-units", unit).await.assert_status(201).id();
    admin
        .patch(&format!("/v1/users/{ana}"), json!({"org_unit_id": unit}))
        .await
        .assert_status(200);
    app.run_jobs();
    let unit = Uuid::parse_str(&unit).ok();
    let narrow = app.holding(&[Permission::EventsRead], "org_unit", unit);
    let csv = narrow.get("/v1/events?format=csv").await;
    let users = csv_column(&csv, "user_id");
    assert_eq!(users, [ana.to_string(), ana.to_string()]);
}
