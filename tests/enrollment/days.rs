//! A day belongs to a person: whose time zone it is, and what follows from it. Fault 18.

use chrono::TimeDelta;
use provost::{
    people::days::{TIME_ZONE, UNIT_ZONE, Zones, todays},
    sql,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{course, in_days, person};
use crate::support::{Client, TestApp};

async fn unit(admin: &Client, code: &str, parent: Option<&str>, zone: Option<&str>) -> String {
    let body = json!({"code": code, "name": code, "parent_id": parent, "time_zone": zone});
    let unit = admin.post("/v1/org-units", body).await.assert_status(201);
    assert_eq!(unit.at("/time_zone"), json!(zone));
    unit.id()
}

async fn complete(admin: &Client, user: Uuid, course: Uuid, at: &str) -> Value {
    let body = json!({"user_id": user, "course_id": course, "occurred_at": at});
    admin
        .post("/v1/completions", body)
        .await
        .assert_status(201)
        .json()
}

#[actix_web::test]
async fn a_completion_is_of_the_day_that_it_was_where_the_person_is() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P1Y"));
    let ana = person(&admin, "ana", "Production").await;
    let path = format!("/v1/users/{ana}");
    assert_eq!(admin.get(&path).await.at("/time_zone"), json!(null));
    admin
        .patch(&path, json!({"time_zone": "Pacific/Auckland"}))
        .await
        .assert_status(200);
    admin
        .post("/v1/enrollments", json!({"user_id": ana, "course_id": fire}))
        .await
        .assert_status(201);

    let done = complete(&admin, ana, fire, "2025-11-29T08:30:00+13:00").await;

    assert_eq!(
        (&done["occurred_at"], &done["occurred_on"]),
        (&json!("2025-11-28T19:30:00Z"), &json!("2025-11-29"))
    );
    app.run_jobs();
    let certificate = admin.get("/v1/certificates").await.at("/data/0");
    assert_eq!(certificate["shown"]["completed_on"], json!("2025-11-29"));
    assert_eq!(certificate["valid_until"], json!("2026-11-29"));
    let zone = "Pacific/Auckland".parse::<chrono_tz::Tz>().unwrap();
    let issued_at: chrono::DateTime<chrono::Utc> =
        serde_json::from_value(certificate["issued_at"].clone()).unwrap();
    let today = issued_at.with_timezone(&zone).date_naive();
    assert_eq!(certificate["issued_on"], json!(today));
    let serial = certificate["serial"].as_str().unwrap();
    let verified = app
        .anonymous()
        .get(&format!("/verify/{serial}"))
        .await
        .assert_status(200);
    assert_eq!(
        (verified.at("/completed_on"), verified.at("/issued_on")),
        (json!("2025-11-29"), json!(today))
    );
    let transcript = admin
        .get(&format!("/v1/reports/transcripts/{ana}"))
        .await
        .assert_status(200);
    let days: Vec<_> = transcript
        .at("/entries")
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["kind"].clone(), entry["day"].clone()))
        .collect();
    assert_eq!(
        days,
        [
            (json!("certificate"), json!(today)),
            (json!("enrollment"), json!(today)),
            (json!("completion"), json!("2025-11-29")),
        ]
    );
    let found = admin
        .get("/v1/completions?filter=occurred_on%20eq%20%222025-11-29%22")
        .await;
    assert_eq!(found.at("/data/0/id"), done["id"]);
}

#[actix_web::test]
async fn a_corrected_day_is_read_where_the_person_is_now_and_other_corrections_keep_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P1Y"));
    let ana = person(&admin, "ana", "Production").await;
    let at = "2025-11-28T19:30:00Z";
    let done = complete(&admin, ana, fire, at).await;
    assert_eq!(done["occurred_on"], json!("2025-11-28"));
    let user = json!({"time_zone": "Pacific/Auckland"});
    admin
        .patch(&format!("/v1/users/{ana}"), user)
        .await
        .assert_status(200);

    let correct = async |id: &Value, mut body: Value| {
        body["reason"] = json!("to be sure");
        let path = format!("/v1/completions/{}/corrections", id.as_str().unwrap());
        admin.post(&path, body).await.assert_status(201).json()
    };
    let scored = correct(&done["id"], json!({"score": 90})).await;
    assert_eq!(scored["occurred_on"], json!("2025-11-28"));
    let moved = correct(&scored["id"], json!({"occurred_at": at})).await;
    assert_eq!(moved["occurred_on"], json!("2025-11-29"));
}

#[actix_web::test]
async fn what_is_assigned_by_hand_opens_on_the_day_where_the_user_is() {
    let app = TestApp::start().await;
    // Noon in UTC: it is tomorrow on Kiritimati, 14 hours ahead.
    let noon = app
        .app
        .clock
        .now()
        .date_naive()
        .and_time(chrono::NaiveTime::MIN)
        .and_utc()
        + TimeDelta::hours(36);
    app.app.clock.advance(noon - app.app.clock.now());
    let admin = app.admin().await;
    let (fire, ana) = (
        course(&app, "fire", None),
        person(&admin, "ana", "Production").await,
    );
    admin
        .patch(
            &format!("/v1/users/{ana}"),
            json!({"time_zone": "Pacific/Kiritimati"}),
        )
        .await
        .assert_status(200);
    let new =
        |due_on: String| json!({"user_id": ana, "target": {"kind": "course", "id": fire}, "due_on": due_on});

    admin
        .post("/v1/requirements", new(in_days(&app, 0)))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/due_on");
    let assigned = admin
        .post("/v1/requirements", new(in_days(&app, 1)))
        .await
        .assert_status(201);

    assert_eq!(assigned.at("/opens_on"), json!(in_days(&app, 1)));
}

/// The zone by which days are worked out, asked in each of the ways in which code may ask.
fn zone(app: &TestApp, user: Uuid) -> String {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
        zone: Option<String>,
        #[diesel(sql_type = diesel::sql_types::Date)]
        today: chrono::NaiveDate,
    }
    app.write(|tx| {
        let found: Row = diesel::RunQueryDsl::get_result(
            sql!(
                "SELECT {TIME_ZONE} AS zone, day.today FROM users {UNIT_ZONE} JOIN {todays} day
                    ON day.zone IS NOT DISTINCT FROM {TIME_ZONE} WHERE users.id = {user}",
                todays = todays(tx),
            ),
            tx.conn,
        )?;
        assert_eq!(Zones::of(tx, &[user])?.day(user, tx.now), found.today);
        Ok(found.zone.unwrap_or_else(|| tx.app.config.time_zone.to_string()))
    })
}

#[actix_web::test]
async fn a_time_zone_is_the_persons_else_the_nearest_units_else_the_academys() {
    let app = TestApp::start_with(|config| config.time_zone = chrono_tz::Africa::Nairobi).await;
    let admin = app.admin().await;
    let top = unit(&admin, "top", None, None).await;
    let middle = unit(&admin, "middle", Some(&top), None).await;
    let low = unit(&admin, "low", Some(&middle), None).await;
    let ana = person(&admin, "ana", "Production").await;
    let path = format!("/v1/users/{ana}");
    assert_eq!(zone(&app, ana), "Africa/Nairobi");
    admin
        .patch(&path, json!({"org_unit_id": low}))
        .await
        .assert_status(200);
    assert_eq!(zone(&app, ana), "Africa/Nairobi");

    let set = async |unit: &str, zone: Value| {
        let path = format!("/v1/org-units/{unit}");
        admin
            .patch(&path, json!({"time_zone": zone}))
            .await
            .assert_status(200);
    };
    set(&top, json!("Asia/Tokyo")).await;
    assert_eq!(zone(&app, ana), "Asia/Tokyo");
    set(&middle, json!("Pacific/Kiritimati")).await;
    assert_eq!(zone(&app, ana), "Pacific/Kiritimati");
    admin
        .patch(&path, json!({"time_zone": "Pacific/Pago_Pago"}))
        .await
        .assert_status(200);
    assert_eq!(zone(&app, ana), "Pacific/Pago_Pago");
    admin
        .patch(&path, json!({"time_zone": null}))
        .await
        .assert_status(200);
    set(&middle, json!(null)).await;
    assert_eq!(zone(&app, ana), "Asia/Tokyo");

    let found = admin
        .get("/v1/org-units?filter=time_zone%20eq%20%22Asia/Tokyo%22")
        .await;
    assert_eq!(found.at("/data/0/code"), json!("top"));
    let rows = json!({"rows": [
        {"row_key": "1", "id": low, "update": {"time_zone": "Europe/Lisbon"}},
        {"row_key": "2", "create": {"code": "new", "name": "New", "time_zone": "Mars/Base"}},
    ]});
    let answer = admin.post("/v1/org-units/bulk", rows).await.assert_status(200);
    assert_eq!(
        answer.at("/results/0/resource/time_zone"),
        json!("Europe/Lisbon"),
        "{}",
        answer.text()
    );
    assert_eq!(
        answer.at("/results/1/problem/errors/0/pointer"),
        json!("/create/time_zone")
    );
    assert_eq!(zone(&app, ana), "Europe/Lisbon");
}

#[actix_web::test]
async fn a_time_zone_comes_in_and_goes_by_every_way() {
    let profile = json!({ "code": "zones", "name": "Zones", "resource": "users", "mapping": {
        "key": { "source": "hr", "value": { "column": "id" } },
        "fields": {
            "username": { "template": "u{id}" }, "given_name": { "column": "name" },
            "time_zone": { "column": "zone" },
        },
        "missing": { "then": "archived", "max_removals_percent": 100 },
    }});
    let importing = crate::import::Importing::with(profile).await;
    for (cell, expected) in [("Asia/Tokyo", json!("Asia/Tokyo")), ("", json!(null))] {
        let import = importing
            .plan("zones", format!("id,name,zone\n1,Ana,{cell}\n"))
            .await;
        importing.applied(&import).await;
        assert_eq!(importing.user("1").await.at("/time_zone"), expected);
    }

    let scim = crate::scim::provider(&importing.app, "Entra").await.scim;
    let mut body = crate::scim::user("bea");
    body["timezone"] = json!("Europe/Lisbon");
    let bea = scim.post("/Users", body.clone()).await.assert_status(201).id();
    let zone = async || {
        importing
            .admin
            .get(&format!("/v1/users/{bea}"))
            .await
            .at("/time_zone")
    };
    let path = format!("/Users/{bea}");
    assert_eq!(zone().await, json!("Europe/Lisbon"));
    let remove = json!([{"op": "remove", "path": "timezone"}]);
    scim.patch(&path, remove).await.assert_status(200);
    assert_eq!(zone().await, json!(null));
    scim.put(&path, body.clone()).await.assert_status(200);
    assert_eq!(zone().await, json!("Europe/Lisbon"));
    body.as_object_mut().unwrap().remove("timezone");
    scim.put(&path, body).await.assert_status(200);
    assert_eq!(zone().await, json!(null));

    let rows = json!({"rows": [
        {"row_key": "1", "id": bea, "update": {"time_zone": "Asia/Kathmandu"}},
        {"row_key": "2", "create": {"username": "cem", "given_name": "Cem", "family_name": "", "time_zone": null}},
    ]});
    let answer = importing
        .admin
        .post("/v1/users/bulk", rows)
        .await
        .assert_status(200);
    assert_eq!(
        answer.at("/results/0/resource/time_zone"),
        json!("Asia/Kathmandu")
    );
    assert_eq!(answer.at("/results/1/resource/time_zone"), json!(null));
    let found = importing
        .admin
        .get("/v1/users?filter=time_zone%20eq%20null%20and%20username%20eq%20%22cem%22")
        .await;
    assert_eq!(found.at("/data/0/username"), json!("cem"));
}

#[actix_web::test]
async fn today_is_the_day_where_the_academy_is() {
    let app = TestApp::start_with(|config| config.time_zone = chrono_tz::Pacific::Kiritimati).await;
    // 14 hours ahead of UTC, it is always the next day there from 10:00 UTC on.
    let now = app.app.clock.now();
    let noon = now.date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc() + TimeDelta::days(1);
    app.app.clock.advance(noon - now);
    let there = noon.date_naive() + chrono::Days::new(1);
    let admin = app.admin().await;

    let ana = person(&admin, "ana", "Production").await;

    let read = admin.get(&format!("/v1/users/{ana}")).await.assert_status(200);
    assert_eq!(read.at("/activated_on"), json!(there));
    let overdue = admin.get("/v1/reports/overdue").await.assert_status(200);
    assert_eq!(overdue.at("/data"), json!([]));
    let filter = "activated_on%20eq%20%22P0D%22%20and%20username%20eq%20%22ana%22";
    let found = admin
        .get(&format!("/v1/users?filter={filter}"))
        .await
        .assert_status(200);
    assert_eq!(found.at("/data/0/username"), json!("ana"));
}
