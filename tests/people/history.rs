use chrono::{DateTime, TimeDelta, Utc};
use diesel::RunQueryDsl;
use provost::sql;
use serde_json::json;

use super::{person, unit};
use crate::support::TestApp;

#[actix_web::test]
async fn history_is_periods_without_gap_or_overlap() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({"department": "Nursing"})).await;
    let path = format!("/v1/users/{ana}");
    let lisbon = json!({"code": "lis", "name": "Lisbon"});
    let lisbon = admin.post("/v1/locations", lisbon).await.id();
    let badge = json!({"name": "badge", "label": "Badge", "kind": "string"});
    admin
        .post("/v1/attribute-definitions", badge)
        .await
        .assert_status(201);

    for change in [
        json!({"location_id": lisbon}),
        json!({"department": "Surgery"}),
        json!({"email": "ana@example.com"}),
        json!({"attributes": {"badge": "7"}}),
        json!({"status": "suspended"}),
    ] {
        app.app.clock.advance(TimeDelta::days(1));
        app.admin().await.patch(&path, change).await.assert_status(200);
    }

    let admin = app.admin().await;
    let history = admin.get(&format!("{path}/history")).await.assert_status(200);
    let periods = history.at("/data");
    let said: Vec<_> = periods
        .as_array()
        .unwrap()
        .iter()
        .map(|period| {
            ["department", "status", "location_id", "attributes"].map(|field| period[field].clone())
        })
        .collect();
    assert_eq!(
        said,
        [
            [json!("Nursing"), json!("active"), json!(null), json!({})],
            [json!("Nursing"), json!("active"), json!(lisbon), json!({})],
            [json!("Surgery"), json!("active"), json!(lisbon), json!({})],
            [
                json!("Surgery"),
                json!("active"),
                json!(lisbon),
                json!({"badge": "7"})
            ],
            [
                json!("Surgery"),
                json!("suspended"),
                json!(lisbon),
                json!({"badge": "7"})
            ],
        ]
    );
    assert_eq!(history.at("/data/0/valid_to"), history.at("/data/1/valid_from"));
    assert_eq!(history.at("/data/1/valid_to"), history.at("/data/2/valid_from"));
    assert_eq!(history.at("/data/2/valid_to"), history.at("/data/3/valid_from"));
    assert_eq!(history.at("/data/3/valid_to"), history.at("/data/4/valid_from"));
    assert_eq!(history.at("/data/4/valid_to"), json!(null));
    let open = format!("{path}/history?filter=valid_to%20eq%20null");
    assert_eq!(admin.get(&open).await.at("/data/0/id"), history.at("/data/4/id"));
    let elsewhere = format!("{path}/history?filter=location_id%20eq%20null");
    let elsewhere = admin.get(&elsewhere).await.assert_status(200);
    assert_eq!(elsewhere.at("/data").as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn keeping_the_facts_of_everybody_again_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let boss = person(&admin, "boss", json!({})).await;
    let ana = person(&admin, "ana", json!({"manager_id": boss})).await;
    let before = admin.get(&format!("/v1/users/{ana}/history")).await.json();

    for _ in 0..2 {
        app.write(|tx| provost::people::facts::refresh(tx, None));
    }

    assert_eq!(
        admin.get(&format!("/v1/users/{ana}/history")).await.json(),
        before
    );
}

#[actix_web::test]
async fn leaving_before_hiring_is_refused_also_on_change() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({"hired_on": "2026-03-01"})).await;
    let path = format!("/v1/users/{ana}");

    for days in [
        json!({"left_on": "2026-02-28"}),
        json!({"hired_on": "2027-01-01", "left_on": "2026-12-31"}),
        json!({"left_on": "0000-01-01"}),
        // Fault 5.
        json!({"left_on": "9999-12-31"}),
    ] {
        admin
            .patch(&path, days)
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault("/left_on");
    }
    admin
        .patch(&path, json!({"left_on": "2026-03-01"}))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn the_first_active_day_is_noted_and_stays() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({"status": "invited"})).await;
    let path = format!("/v1/users/{ana}");
    assert_eq!(admin.get(&path).await.at("/activated_on"), json!(null));

    let day = app.app.clock.now().date_naive();
    let active = admin.patch(&path, json!({"status": "active"})).await;
    assert_eq!(active.at("/activated_on"), json!(day));
    app.app.clock.advance(TimeDelta::days(3));
    let admin = app.admin().await;
    admin
        .patch(&path, json!({"status": "suspended"}))
        .await
        .assert_status(200);
    let again = admin.patch(&path, json!({"status": "active"})).await;
    assert_eq!(again.at("/activated_on"), json!(day));
}

#[actix_web::test]
async fn a_change_that_changes_nothing_leaves_version_and_ledger_alone() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({"title": "Nurse"})).await;

    let same = admin
        .patch(&format!("/v1/users/{ana}"), json!({"title": "Nurse"}))
        .await
        .assert_status(200);

    assert_eq!(same.at("/version"), json!(1));
}

#[derive(diesel::QueryableByName)]
struct Said {
    #[diesel(sql_type = diesel::sql_types::Text)]
    said: String,
}

/// The units at an instant, each as `code "name" below parent`, and the members of groups, each as `group: user`.
fn as_of(app: &TestApp, at: DateTime<Utc>) -> Vec<String> {
    let said: Vec<Said> = app.write(|tx| {
        let units = sql!(
            "WITH unit AS (
                SELECT id, code, name, parent_id FROM org_units WHERE created_at <= {at} AND updated_at <= {at}
                UNION ALL
                SELECT id, code, name, parent_id FROM org_unit_history WHERE recorded_at <= {at} AND superseded_at > {at})
             SELECT unit.code || ' \"' || unit.name || '\" below ' || coalesce(parent.code, '-') AS said
             FROM unit LEFT JOIN unit parent ON parent.id = unit.parent_id
             UNION ALL
             SELECT groups.code || ': ' || users.username FROM (
                SELECT group_id, user_id FROM group_members WHERE added_at <= {at}
                UNION ALL
                SELECT group_id, user_id FROM group_member_history WHERE added_at <= {at} AND removed_at > {at}) AS member
             JOIN groups ON groups.id = member.group_id JOIN users ON users.id = member.user_id
             ORDER BY 1"
        );
        Ok(units.load(tx.conn)?)
    });
    said.into_iter().map(|row| row.said).collect()
}

#[actix_web::test]
async fn a_past_day_has_its_tree_and_its_members() {
    let app = TestApp::start().await;
    let day = || {
        app.app.clock.advance(TimeDelta::days(1));
        app.app.clock.now() - TimeDelta::hours(1)
    };
    let admin = app.admin().await;
    let (emea, apac) = (unit(&admin, "emea", None).await, unit(&admin, "apac", None).await);
    let sales = unit(&admin, "sales", Some(&emea)).await;
    let ana = person(&admin, "ana", json!({"department": "Nursing"})).await;
    let aiders = json!({"code": "aiders", "name": "Aiders"});
    let aiders = admin.post("/v1/groups", aiders).await.assert_status(201).id();
    let nurses =
        json!({"code": "nurses", "name": "Nurses", "kind": "dynamic", "filter": "department eq \"Nursing\""});
    admin.post("/v1/groups", nurses).await.assert_status(201);
    let members = format!("/v1/groups/{aiders}/members");
    admin
        .post(&members, json!({"add": [ana]}))
        .await
        .assert_status(200);
    let first = day();

    let admin = app.admin().await;
    let moved = json!({"parent_id": apac, "name": "Sales and service"});
    admin
        .patch(&format!("/v1/org-units/{sales}"), moved)
        .await
        .assert_status(200);
    admin
        .post(&members, json!({"remove": [ana]}))
        .await
        .assert_status(200);
    let surgery = json!({"department": "Surgery"});
    admin
        .patch(&format!("/v1/users/{ana}"), surgery)
        .await
        .assert_status(200);
    let second = day();

    let admin = app.admin().await;
    admin
        .post(&members, json!({"add": [ana]}))
        .await
        .assert_status(200);
    let rows = [json!({"id": sales, "update": {"code": "trade"}})];
    assert_eq!(admin.bulk("/v1/org-units", rows).await.row_outcomes(), ["200"]);
    let third = day();
    app.admin()
        .await
        .post(&format!("/v1/groups/{aiders}/archival"), json!({}))
        .await
        .assert_status(200);

    let tree = ["apac \"apac\" below -", "emea \"emea\" below -"];
    let with = |more: &[&str]| {
        let mut said: Vec<String> = tree.iter().chain(more).map(|line| (*line).to_owned()).collect();
        said.sort();
        said
    };
    let sorted = |at| {
        let mut said = as_of(&app, at);
        said.sort();
        said
    };
    assert_eq!(
        sorted(first),
        with(&["sales \"sales\" below emea", "aiders: ana", "nurses: ana"])
    );
    assert_eq!(sorted(second), with(&["sales \"Sales and service\" below apac"]));
    assert_eq!(
        sorted(third),
        with(&["trade \"Sales and service\" below apac", "aiders: ana"])
    );
    assert_eq!(
        sorted(app.app.clock.now()),
        with(&["trade \"Sales and service\" below apac"])
    );
}
