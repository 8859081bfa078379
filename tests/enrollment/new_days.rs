//! What becomes true by the calendar, once each, at the midnight of the people whom it is about.

use std::thread;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use provost::{
    cli::worker::HANDLERS, credential::certificates::expiry::RecordExpiredCertificates,
    enrollment::new_days::RecordRequirementDays, jobs::Worker, sql,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{course, person, rule, today};
use crate::support::{Client, TestApp, count};

fn enqueue(app: &TestApp) {
    app.write(|tx| {
        tx.enqueue(&RecordRequirementDays {})?;
        tx.enqueue(&RecordExpiredCertificates {})
    });
}

/// Lets the time pass until this instant, and does what its new days bring; answers the administrator with a good token.
async fn pass_until(app: &TestApp, instant: DateTime<Utc>) -> Client {
    app.app.clock.advance(instant - app.app.clock.now());
    enqueue(app);
    app.run_jobs();
    app.admin().await
}

/// The time of day, in UTC, so many days after `day`.
fn at(day: NaiveDate, days: i64, hour: u32, minute: u32) -> DateTime<Utc> {
    let day = day + TimeDelta::days(days);
    day.and_hms_opt(hour, minute, 0).unwrap().and_utc()
}

/// An academy at half past midnight of a day, which has dealt with the days until then.
async fn academy() -> (TestApp, Client, NaiveDate) {
    let app = TestApp::start().await;
    let day = today(&app) + TimeDelta::days(1);
    let admin = pass_until(&app, at(day, 0, 0, 30)).await;
    (app, admin, day)
}

/// The objects and days that events of this action tell of.
async fn told(admin: &Client, action: &str, day: &str) -> Vec<(String, String)> {
    let path = format!("/v1/events?limit=200&filter=action%20eq%20%22{action}%22");
    let page = admin.get(&path).await.assert_status(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let events = page.at("/data").as_array().unwrap().clone();
    events
        .iter()
        .map(|event| (text(&event["object_id"]), text(&event["after"][day])))
        .collect()
}

async fn overdue(admin: &Client) -> Vec<(String, String)> {
    told(admin, "requirement.overdue", "due_on").await
}

async fn require(admin: &Client, user: Uuid, course: Uuid, due_on: NaiveDate) -> Value {
    let body = json!({"user_id": user, "target": {"kind": "course", "id": course}, "due_on": due_on});
    admin
        .post("/v1/requirements", body)
        .await
        .assert_status(201)
        .json()
}

async fn settle_in(admin: &Client, user: Uuid, zone: &str) {
    admin
        .patch(&format!("/v1/users/{user}"), json!({"time_zone": zone}))
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn a_requirement_is_overdue_once_after_midnight_where_its_user_is() {
    let (app, admin, day) = academy().await;
    let fire = course(&app, "fire", None);
    let mut ids = Vec::new();
    let mut people = Vec::new();
    for (name, zone) in [
        ("ana", "Pacific/Kiritimati"),
        ("bea", "UTC"),
        ("cem", "Pacific/Pago_Pago"),
        ("dan", "Pacific/Pago_Pago"),
    ] {
        let user = person(&admin, name, "ops").await;
        settle_in(&admin, user, zone).await;
        let requirement = require(&admin, user, fire, day).await;
        ids.push((requirement["id"].as_str().unwrap().to_owned(), day.to_string()));
        people.push(user);
    }
    let [east, utc, west, moved] = <[_; 4]>::try_from(ids).unwrap();

    let admin = pass_until(&app, at(day, 0, 9, 59)).await;
    assert_eq!(overdue(&admin).await, []);
    let admin = pass_until(&app, at(day, 0, 10, 0)).await;
    assert_eq!(overdue(&admin).await, std::slice::from_ref(&east));
    // To the west, where the day begins again, and to the east, over the beginning of a day.
    settle_in(&admin, people[0], "Pacific/Pago_Pago").await;
    let admin = pass_until(&app, at(day, 1, 0, 0)).await;
    assert_eq!(overdue(&admin).await, [east.clone(), utc.clone()]);
    settle_in(&admin, people[3], "Pacific/Kiritimati").await;
    let admin = pass_until(&app, at(day, 1, 10, 0)).await;
    assert_eq!(overdue(&admin).await, [east.clone(), utc.clone(), moved.clone()]);
    let admin = pass_until(&app, at(day, 1, 11, 0)).await;
    let all = [east, utc, moved, west];
    assert_eq!(overdue(&admin).await, all);
    let admin = pass_until(&app, at(day, 4, 0, 0)).await;
    assert_eq!(overdue(&admin).await, all);
    let noted = "SELECT count(*) FROM dated_events";
    assert_eq!(count(&app, noted), 4);
    pass_until(&app, at(day, 12, 0, 0)).await;
    let admin = pass_until(&app, at(day, 13, 0, 0)).await;
    assert_eq!(count(&app, noted), 0, "they cannot come again");
    assert_eq!(overdue(&admin).await, all);
}

#[actix_web::test]
async fn who_is_absent_is_overdue_once_they_are_back() {
    let (app, admin, day) = academy().await;
    let ana = person(&admin, "ana", "Sales").await;
    let fire = course(&app, "fire", None);
    let due = day + TimeDelta::days(1);
    let must = require(&admin, ana, fire, due).await;
    let (starts_on, ends_on) = (day, day + TimeDelta::days(3));
    let away = json!({"user_id": ana, "kind": "leave", "starts_on": starts_on, "ends_on": ends_on});
    admin.post("/v1/absences", away).await.assert_status(201);

    for days in 1..=3 {
        let admin = pass_until(&app, at(day, days, 0, 30)).await;
        assert_eq!(overdue(&admin).await, [], "{days}");
    }
    let told = [(must["id"].as_str().unwrap().to_owned(), due.to_string())];
    for days in 4..=5 {
        let admin = pass_until(&app, at(day, days, 0, 30)).await;
        assert_eq!(overdue(&admin).await, told, "{days}");
    }
}

#[actix_web::test]
async fn what_changes_otherwise_before_the_worker_comes_still_becomes_overdue_and_opens() {
    let (app, admin, day) = academy().await;
    let fire = course(&app, "fire", Some("P60D"));
    rule(&app, &admin, "ops", "P30D", &[fire]).await;
    let user = person(&admin, "ana", "ops").await;
    let done = admin
        .post(
            "/v1/completions",
            json!({"user_id": user, "course_id": fire, "score": 70}),
        )
        .await
        .assert_status(201);
    let late = require(
        &admin,
        person(&admin, "bea", "it").await,
        course(&app, "ice", None),
        day,
    )
    .await;
    let late = (late["id"].as_str().unwrap().to_owned(), day.to_string());

    // The worker is late: the days begin without it.
    app.app.clock.advance(at(day, 1, 0, 5) - app.app.clock.now());
    app.write(|tx| {
        sql!("UPDATE requirements SET updated_at = {tx.now} WHERE due_on = {day}").execute(tx.conn)?;
        Ok(())
    });
    let admin = pass_until(&app, at(day, 1, 0, 15)).await;
    assert_eq!(overdue(&admin).await, [late]);

    app.app.clock.advance(at(day, 30, 0, 5) - app.app.clock.now());
    let correction = json!({"score": 80, "reason": "a typing error"});
    let path = format!("/v1/completions/{}/corrections", done.id());
    app.admin().await.post(&path, correction).await.assert_status(201);
    let admin = pass_until(&app, at(day, 30, 0, 15)).await;
    let renewals = told(&admin, "requirement.renewal_opened", "valid_until").await;
    assert_eq!(renewals.len(), 1);
    assert_eq!(renewals[0].1, (day + TimeDelta::days(60)).to_string());
}

#[actix_web::test]
async fn a_due_date_that_moves_can_pass_again_and_one_that_was_past_does_not() {
    let (app, admin, day) = academy().await;
    let fire = course(&app, "fire", None);
    let due = |days| day + TimeDelta::days(days);
    let person = async |name| person(&admin, name, "ops").await;
    let (moved, done, withdrawn) = (person("ana").await, person("bea").await, person("cem").await);
    let (late, archived) = (person("dan").await, person("eve").await);
    let first = require(&admin, moved, fire, due(0)).await;
    let id = first["id"].as_str().unwrap().to_owned();
    require(&admin, moved, fire, due(3)).await;
    require(&admin, done, fire, due(0)).await;
    require(&admin, archived, fire, due(0)).await;
    let gone = require(&admin, withdrawn, fire, due(0)).await;
    let past = json!({"user_id": late, "target": {"kind": "course", "id": fire}, "opens_on": due(-9), "due_on": due(-1)});
    admin.post("/v1/requirements", past).await.assert_status(201);
    admin
        .post("/v1/completions", json!({"user_id": done, "course_id": fire}))
        .await
        .assert_status(201);
    let remove = async |admin: &Client, requirement: &Value| {
        let (id, reason) = (&requirement["id"], &requirement["reasons"][0]["id"]);
        let (id, reason) = (id.as_str().unwrap(), reason.as_str().unwrap());
        let path = format!("/v1/requirements/{id}/reasons/{reason}");
        admin.delete(&path).await.assert_status(204);
    };
    remove(&admin, &gone).await;
    admin
        .patch(&format!("/v1/users/{archived}"), json!({"status": "archived"}))
        .await
        .assert_status(200);

    let admin = pass_until(&app, at(day, 1, 0, 0)).await;
    assert_eq!(overdue(&admin).await, [(id.clone(), due(0).to_string())]);
    remove(&admin, &first).await;
    // Written when it was past already, by a quarter of an hour.
    let past = json!({"user_id": done, "target": {"kind": "course", "id": course(&app, "x", None)}, "opens_on": due(0), "due_on": due(0)});
    admin.post("/v1/requirements", past).await.assert_status(201);
    let admin = pass_until(&app, at(day, 2, 0, 0)).await;
    assert_eq!(overdue(&admin).await.len(), 1);
    let admin = pass_until(&app, at(day, 4, 0, 0)).await;
    let both = [(id.clone(), due(0).to_string()), (id, due(3).to_string())];
    assert_eq!(overdue(&admin).await, both);
}

#[actix_web::test]
async fn days_are_caught_up_with_by_two_workers_at_once_without_doing_anything_twice() {
    let (app, admin, day) = academy().await;
    let mut expected = Vec::new();
    for days in 0..5 {
        let due_on = day + TimeDelta::days(days);
        let user = person(&admin, &format!("user{days}"), "ops").await;
        let requirement = require(&admin, user, course(&app, &format!("c{days}"), None), due_on).await;
        expected.push((requirement["id"].as_str().unwrap().to_owned(), due_on.to_string()));
    }

    app.app.clock.advance(TimeDelta::days(8));
    let workers = [(); 2].map(|()| {
        enqueue(&app);
        let app = app.app.clone();
        thread::spawn(move || Worker::drain(&app, HANDLERS).unwrap())
    });
    for worker in workers {
        worker.join().unwrap();
    }
    app.run_jobs();

    let mut found = overdue(&app.admin().await).await;
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[actix_web::test]
async fn renewals_open_and_certificates_expire() {
    let (app, admin, day) = academy().await;
    let fire = course(&app, "fire", Some("P60D"));
    let user = person(&admin, "ana", "ops").await;
    let early = person(&admin, "bea", "ops").await;
    rule(&app, &admin, "ops", "P30D", &[fire]).await;
    let complete = async |admin: &Client, user: Uuid, at: DateTime<Utc>| {
        let body = json!({"user_id": user, "course_id": fire, "occurred_at": at});
        admin.post("/v1/completions", body).await.assert_status(201);
        app.run_jobs();
    };
    let now = app.app.clock.now();
    complete(&admin, user, now).await;
    complete(&admin, early, now).await;
    // Expired when its certificate was issued.
    complete(&admin, early, now - TimeDelta::days(90)).await;
    let renewals = async |admin: &Client| told(admin, "requirement.renewal_opened", "valid_until").await;
    let expired = async |admin: &Client| told(admin, "certificate.expired", "valid_until").await;

    let admin = pass_until(&app, at(day, 20, 0, 30)).await;
    complete(&admin, early, app.app.clock.now()).await;
    let admin = pass_until(&app, at(day, 29, 23, 45)).await;
    assert_eq!((renewals(&admin).await, expired(&admin).await), (vec![], vec![]));
    let admin = pass_until(&app, at(day, 30, 0, 0)).await;
    let held = super::fixture::requirements(&admin, user).await;
    let last_day = (day + TimeDelta::days(60)).to_string();
    let opened = [(held[0]["id"].as_str().unwrap().to_owned(), last_day.clone())];
    assert_eq!(renewals(&admin).await, opened);

    let certificates = admin
        .get(&format!("/v1/certificates?filter=user_id%20eq%20%22{early}%22"))
        .await;
    let certificates = certificates.at("/data").as_array().unwrap().clone();
    let revoked = certificates
        .iter()
        .find(|one| one["valid_until"] == json!(last_day));
    let path = format!(
        "/v1/certificates/{}/revocation",
        revoked.unwrap()["id"].as_str().unwrap()
    );
    admin
        .post(&path, json!({"reason": "a mistake"}))
        .await
        .assert_status(200);
    let admin = pass_until(&app, at(day, 61, 0, 0)).await;
    let found = expired(&admin).await;
    assert_eq!(found.len(), 1);
    let certificate = admin
        .get(&format!("/v1/certificates/{}", found[0].0))
        .await
        .assert_status(200);
    assert_eq!(
        (certificate.at("/user_id"), certificate.at("/state")),
        (json!(user), json!("expired"))
    );
    // What Bea completed early has satisfied her second cycle, which is to be renewed in turn.
    let second = &super::fixture::requirements(&admin, early).await[1];
    let second = (
        second["id"].as_str().unwrap().to_owned(),
        (day + TimeDelta::days(80)).to_string(),
    );
    assert_eq!(renewals(&admin).await, [opened[0].clone(), second]);
    let admin = pass_until(&app, at(day, 62, 0, 0)).await;
    assert_eq!(expired(&admin).await.len(), 1);
}
