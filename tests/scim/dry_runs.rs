use chrono::TimeDelta;
use provost::{authz::Permission, scim::dry_runs::purge::PurgeDryRuns};
use serde_json::{Value, json};

use super::{Scim, provider, token, user};
use crate::support::{Client, TestApp, count};

const EVENTS: &str = "SELECT count(*) AS count FROM events";

#[actix_web::test]
async fn a_token_that_tries_is_answered_and_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let provider = provider(&app, "Entra").await;
    let ana = provider.scim.user("ana").await;
    let trying = token(&app, &provider.account, json!({"kind": "scim", "dry_run": true})).await;
    let trying = Scim(Client::new(&app.address, Some(trying)));
    let path = format!("/Users/{ana}");
    let before = provider.scim.get(&path).await.json();
    let events = count(&app, EVENTS);

    let mut new = user("ben");
    new["password"] = json!("a secret word");
    let created = trying.post("/Users", new).await.assert_status(201);
    assert_eq!(created.at("/userName"), json!("ben"));
    let change = json!([{"op": "replace", "value": {"title": "Nurse", "active": false}}]);
    let changed = trying.patch(&path, change).await.assert_status(200);
    assert_eq!(
        (changed.at("/title"), changed.at("/active")),
        (json!("Nurse"), json!(false))
    );
    let taken = trying.post("/Users", user("ANA")).await;
    taken.assert_scim_error(409, Some("uniqueness"));
    let group = trying
        .post(
            "/Groups",
            json!({"displayName": "Aiders", "members": [{"value": ana}]}),
        )
        .await
        .assert_status(201);
    trying.delete(&path).await.assert_status(204);

    assert_eq!(provider.scim.get(&path).await.json(), before);
    assert_eq!(count(&app, EVENTS), events);
    app.client_of(ana.parse().unwrap())
        .get("/v1/me")
        .await
        .assert_status(200);
    provider
        .scim
        .get(&format!("/Groups/{}", group.id()))
        .await
        .assert_scim_error(404, None);
    assert_eq!(
        provider
            .scim
            .names("/Users?filter=userName%20eq%20%22ben%22")
            .await,
        Vec::<String>::new()
    );

    let listed = admin.get("/v1/scim/dry-runs").await.assert_status(200);
    assert!(!listed.text().contains("a secret word"));
    let runs = listed.at("/data").as_array().unwrap().clone();
    let statuses: Vec<_> = runs.iter().map(|run| run["status"].clone()).collect();
    assert_eq!(statuses, [201, 200, 409, 201, 204].map(Value::from));
    let one = &runs[1];
    assert_eq!(one["method"], "PATCH");
    assert_eq!(one["service_account_id"], json!(provider.account));
    assert_eq!(one["changes"][0]["action"], "user.updated");
    assert_eq!(
        one["changes"][0]["fields"],
        json!({
            "title": {"before": null, "after": "Nurse"}, "status": {"before": "active", "after": "suspended"},
        })
    );
    assert_eq!(runs[2]["changes"], json!([]));
    assert!(runs[2]["detail"].as_str().unwrap().contains("userName"));
    let header = changed.header("provost-dry-run").unwrap();
    let read = admin.get(header).await.assert_status(200);
    assert_eq!(&read.json(), one);
}

#[actix_web::test]
async fn dry_runs_are_for_those_who_read_events_everywhere() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let provider = provider(&app, "Entra").await;
    let trying = token(&app, &provider.account, json!({"kind": "scim", "dry_run": true})).await;
    let trying = Scim(Client::new(&app.address, Some(trying)));
    trying.post("/Users", user("ben")).await.assert_status(201);
    let run = admin.get("/v1/scim/dry-runs").await.at("/data/0/id");
    let path = format!("/v1/scim/dry-runs/{}", run.as_str().unwrap());
    let auditor = app.holding(&[Permission::EventsRead], "everything", None);
    auditor.get(&path).await.assert_status(200);
    let unit = admin
        .post("/v1/org-units", json!({"code": "a", "name": "A"}))
        .await
        .id();
    let elsewhere = app.holding(&[Permission::EventsRead], "org_unit", Some(unit.parse().unwrap()));
    elsewhere.get(&path).await.assert_problem(404, "not_found");
    assert_eq!(elsewhere.get("/v1/scim/dry-runs").await.at("/data"), json!([]));
    app.holding(&[Permission::UsersRead], "everything", None)
        .get(&path)
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn dry_runs_are_forgotten_after_a_month() {
    let app = TestApp::start().await;
    let provider = provider(&app, "Entra").await;
    let trying = token(&app, &provider.account, json!({"kind": "scim", "dry_run": true})).await;
    let trying = Scim(Client::new(&app.address, Some(trying)));
    let runs = "SELECT count(*) AS count FROM scim_dry_runs";
    trying.post("/Users", user("ana")).await.assert_status(201);
    app.app.clock.advance(TimeDelta::days(29));
    trying.post("/Users", user("ben")).await.assert_status(201);
    assert_eq!(count(&app, runs), 2);
    app.app.clock.advance(TimeDelta::days(2));
    app.write(|tx| tx.enqueue(&PurgeDryRuns {}));
    app.run_jobs();
    assert_eq!(count(&app, runs), 1);
}
