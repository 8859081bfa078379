//! A completion that is sent twice is recorded once. Fault 14.

use chrono::{SubsecRound, TimeDelta};
use provost::{
    enrollment::completions::{
        model::CompletionSource,
        record::{self, NewCompletion},
    },
    http::bulk::Outcome,
    sql,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{course, person};
use crate::support::{Client, TestApp, count};

const AT: &str = "2026-01-15T09:30:00.123456Z";

fn completed(user: Uuid, course: Uuid) -> Value {
    json!({"user_id": user, "course_id": course, "occurred_at": AT, "source": "integration", "score": 80, "evidence": "A-17"})
}

async fn record(client: &Client, body: Value) -> (u16, String) {
    let answer = client.post("/v1/completions", body).await;
    (answer.status, answer.id())
}

const COMPLETIONS: &str = "SELECT count(*) AS count FROM completions";
const CERTIFICATES: &str = "SELECT count(*) AS count FROM certificates WHERE state = 'issued'";

#[actix_web::test]
async fn a_completion_that_is_sent_twice_is_one_with_one_certificate() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, ana) = (
        course(&app, "fire", Some("P1Y")),
        person(&admin, "ana", "Production").await,
    );
    let first = admin
        .post("/v1/completions", completed(ana, fire))
        .await
        .assert_status(201);
    app.run_jobs();
    let events = count(&app, "SELECT count(*) AS count FROM events");

    // In another offset, with more digits than are kept, and without what may be left out.
    let mut other = completed(ana, fire);
    other["occurred_at"] = json!("2026-01-15T22:30:00.1234567+13:00");
    other["score"] = json!(null);
    for body in [completed(ana, fire), other] {
        let again = admin.post("/v1/completions", body).await.assert_status(200);
        assert_eq!(again.json(), first.json());
    }
    app.run_jobs();

    assert_eq!((count(&app, COMPLETIONS), count(&app, CERTIFICATES)), (1, 1));
    assert_eq!(count(&app, "SELECT count(*) AS count FROM events"), events);

    // Another instant or course is another completion; whoever says so, it is one.
    let first_aid = course(&app, "first-aid", None);
    for (name, value) in [
        ("occurred_at", json!("2026-01-15T09:30:01Z")),
        ("course_id", json!(first_aid)),
    ] {
        let mut body = completed(ana, fire);
        body[name] = value;
        admin.post("/v1/completions", body).await.assert_status(201);
    }
}

#[actix_web::test]
async fn what_differs_is_refused_and_told_where_to_correct() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, ana) = (
        course(&app, "fire", None),
        person(&admin, "ana", "Production").await,
    );
    let first = admin
        .post("/v1/completions", completed(ana, fire))
        .await
        .assert_status(201);
    let mut other = completed(ana, fire);
    other["score"] = json!(90);

    let corrections = format!("/v1/completions/{}/corrections", first.id());
    let refused = admin.post("/v1/completions", other.clone()).await;
    assert!(refused.text().contains(&corrections), "{}", refused.text());
    refused.assert_problem(409, "completion_exists");

    let correction = json!({"score": 90, "reason": "misread"});
    let correction = admin.post(&corrections, correction).await.assert_status(201);
    // What was corrected is still known, and so is what it was corrected to.
    assert_eq!(record(&admin, completed(ana, fire)).await, (200, first.id()));
    assert_eq!(record(&admin, other.clone()).await, (200, correction.id()));
    other["evidence"] = json!("B-1");
    let refused = admin.post("/v1/completions", other).await;
    assert!(refused.text().contains(&correction.id()), "{}", refused.text());
    refused.assert_problem(409, "completion_exists");
    assert_eq!(count(&app, COMPLETIONS), 2);
}

#[actix_web::test]
async fn a_correction_cannot_make_two_of_one() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, ana) = (
        course(&app, "fire", None),
        person(&admin, "ana", "Production").await,
    );
    let mut body = completed(ana, fire);
    body["source"] = json!("administrator");
    admin
        .post("/v1/completions", body.clone())
        .await
        .assert_status(201);
    body["occurred_at"] = json!("2026-01-16T09:30:00Z");
    let wrong = admin.post("/v1/completions", body).await.assert_status(201);

    admin
        .post(
            &format!("/v1/completions/{}/corrections", wrong.id()),
            json!({"occurred_at": AT, "reason": "the wrong day"}),
        )
        .await
        .assert_problem(409, "completion_exists");
}

#[actix_web::test]
async fn of_completions_sent_at_the_same_time_one_is_recorded() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, ana) = (
        course(&app, "fire", None),
        person(&admin, "ana", "Production").await,
    );

    let racing = (0..6).map(|_| record(&admin, completed(ana, fire)));
    let mut answers = futures_util::future::join_all(racing).await;

    answers.sort();
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 201]);
    assert!(answers.iter().all(|(_, id)| *id == answers[0].1));
    // The database knows it, too.
    let copied = app
        .app
        .write_blocking(&provost::app::Acting::system("test"), |tx| {
            Ok(sql!(
                "INSERT INTO completions (id, user_id, course_id, course_version_id, occurred_at,
                    occurred_on, recorded_at, source)
                 SELECT gen_random_uuid(), user_id, course_id, course_version_id, occurred_at, occurred_on,
                    recorded_at, source
                 FROM completions WHERE user_id = {ana}"
            )
            .execute(tx.conn)?)
        });
    assert_eq!(copied.unwrap_err().code, provost::http::Code::AlreadyExists);
}

#[actix_web::test]
async fn a_batch_leaves_out_what_is_known() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let people = [
        person(&admin, "ana", "Production").await,
        person(&admin, "bea", "Production").await,
    ];
    let at = (app.app.clock.now() - TimeDelta::days(3)).trunc_subsecs(6);
    let all = |score| {
        people.map(|user_id| NewCompletion {
            user_id,
            course_id: fire,
            occurred_at: at,
            source: CompletionSource::Import,
            score,
            evidence: None,
            expires_on: None,
        })
    };
    let [ana, bea] = all(Some(70.0));
    let record = |new: Vec<NewCompletion>| {
        let outcomes = app.write(|tx| record::record(tx, new.clone())).into_iter();
        let told = outcomes.map(|outcome| match outcome {
            Ok(Outcome::Created(_)) => "new",
            Ok(_) => "known",
            Err(error) => error.code.as_str(),
        });
        told.collect::<Vec<_>>()
    };

    assert_eq!(record(vec![ana.clone(), ana.clone()]), ["new", "known"]);
    assert_eq!(record(vec![ana.clone(), bea]), ["known", "new"]);
    let exists = "completion_exists";
    assert_eq!(record(all(Some(71.0)).to_vec()), [exists, exists]);
    assert_eq!(count(&app, COMPLETIONS), 2);
    app.run_jobs();
    assert_eq!(count(&app, CERTIFICATES), 2);
}
