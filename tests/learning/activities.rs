use provost::ledger;
use serde_json::json;

use super::{activity, course, learner};
use crate::support::TestApp;

fn link(title: &str, more: serde_json::Value) -> serde_json::Value {
    let mut link = json!({"title": title, "kind": "link", "url": "https://learn.example.com/x", "criterion": {"kind": "viewed"}});
    link.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    link
}

fn declared(title: &str) -> serde_json::Value {
    json!({"title": title, "kind": "task", "criterion": {"kind": "declared", "text": "I have read it."}})
}

fn confirmed(title: &str) -> serde_json::Value {
    json!({"title": title, "kind": "task", "criterion": {"kind": "confirmed"}})
}

#[actix_web::test]
async fn doing_all_that_is_required_completes_the_course() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let modules = json!([
        {"title": "Read", "in_order": true, "activities": [link("Plan", json!({"weight": 3})), declared("Understood")]},
        {"title": "Do", "activities": [confirmed("Practice"), link("More", json!({"is_required": false}))]},
    ]);
    let fire = course(&admin, "fire", modules).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    // What is written for the next version does not show.
    admin
        .patch(&format!("/v1/courses/{fire}"), json!({"title": "Draft"}))
        .await
        .assert_status(200);
    let all = ana.get(&format!("{enrollment}/activities")).await;
    assert_eq!(
        (all.at("/title"), all.at("/language")),
        (json!("fire"), json!("en"))
    );
    let plan = activity(&ana, &enrollment, 0, 0).await;
    let understood = activity(&ana, &enrollment, 0, 1).await;
    let practice = activity(&ana, &enrollment, 1, 0).await;

    let refused = ana
        .post(&format!("{understood}/declarations"), json!({"name": "Ana"}))
        .await;
    assert!(
        refused.text().contains("Complete “Plan” first."),
        "{}",
        refused.text()
    );
    refused.assert_problem(409, "activity_locked");
    ana.patch(&enrollment, json!({"progress_percent": 100}))
        .await
        .assert_problem(409, "progress_is_tracked");

    let opened = ana
        .post(&format!("{plan}/launches"), json!({}))
        .await
        .assert_status(201);
    assert_eq!(opened.at("/url"), json!("https://learn.example.com/x"));
    let now = ana.get(&enrollment).await;
    assert_eq!(
        (now.at("/state"), now.at("/progress_percent")),
        (json!("in_progress"), json!(60))
    );
    let told = ana
        .post(
            &format!("{understood}/declarations"),
            json!({"name": "Ana Silva"}),
        )
        .await
        .assert_status(200);
    assert_eq!(
        (told.at("/state"), told.at("/declared_as"), told.at("/is_locked")),
        (json!("completed"), json!("Ana Silva"), json!(false))
    );
    ana.post(&format!("{practice}/confirmations"), json!({}))
        .await
        .assert_problem(403, "forbidden");
    admin
        .post(&format!("{practice}/confirmations"), json!({"score": 90}))
        .await
        .assert_status(200);

    let done = ana.get(&enrollment).await;
    assert_eq!(
        (done.at("/state"), done.at("/progress_percent")),
        (json!("completed"), json!(100))
    );
    let completions = ana.get("/v1/completions").await;
    assert_eq!(
        (completions.at("/data/0/source"), completions.at("/data/0/score")),
        (json!("content"), json!(90.0))
    );
    app.run_jobs();
    assert_eq!(
        ana.get("/v1/certificates").await.at("/data/0/state"),
        json!("issued")
    );
    // What is completed can be looked at again, and the rest is still open.
    let again = ana
        .post(&format!("{plan}/launches"), json!({}))
        .await
        .assert_status(201);
    assert_eq!(again.at("/mode"), json!("review"));
    let more = activity(&ana, &enrollment, 1, 1).await;
    ana.post(&format!("{more}/launches"), json!({"mode": "review"}))
        .await
        .assert_problem(409, "conflict");
    let opened = ana
        .post(&format!("{more}/launches"), json!({}))
        .await
        .assert_status(201);
    assert_eq!(opened.at("/mode"), json!("normal"));
    let still = ana.get(&enrollment).await;
    assert_eq!(
        (still.at("/state"), still.at("/progress_percent")),
        (json!("completed"), json!(100))
    );
    assert_eq!(
        ana.get("/v1/completions")
            .await
            .at("/data")
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[actix_web::test]
async fn nothing_of_a_completed_course_is_locked() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let modules = json!([
        {"title": "Read", "activities": [confirmed("Practice")]},
        {"title": "Look", "in_order": true, "activities": [link("Plan", json!({})), link("Doors", json!({}))]},
    ]);
    let fire = course(&admin, "fire", modules).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let user = ana.get(&enrollment).await.at("/user_id");
    let doors = activity(&ana, &enrollment, 1, 1).await;
    assert_eq!(ana.get(&doors).await.at("/is_locked"), json!(true));

    // It was learned elsewhere, and none of its activities was opened.
    let elsewhere = json!({"user_id": user, "course_id": fire});
    admin.post("/v1/completions", elsewhere).await.assert_status(201);

    let all = ana.get(&format!("{enrollment}/activities")).await;
    assert_eq!(all.at("/progress_percent"), json!(100));
    let shown = ana.get(&doors).await;
    assert_eq!(
        (shown.at("/is_locked"), shown.at("/state")),
        (json!(false), json!("not_started"))
    );
    ana.post(&format!("{doors}/launches"), json!({}))
        .await
        .assert_status(201);
    assert_eq!(ana.get(&doors).await.at("/state"), json!("completed"));
}

#[actix_web::test]
async fn administrators_correct_reset_and_grant_with_a_reason() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let modules = json!([{"title": "Read", "activities": [link("Plan", json!({"attempts": 1})), confirmed("Practice")]}]);
    let fire = course(&admin, "fire", modules).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let plan = activity(&ana, &enrollment, 0, 0).await;

    admin
        .patch(&plan, json!({"state": "completed"}))
        .await
        .assert_fault("/reason");
    ana.patch(&plan, json!({"state": "completed", "reason": "Me."}))
        .await
        .assert_problem(403, "forbidden");
    let corrected = admin
        .patch(
            &plan,
            json!({"state": "completed", "score": 70, "reason": "Seen on paper."}),
        )
        .await
        .assert_status(200);
    assert_eq!(
        (corrected.at("/state"), corrected.at("/score")),
        (json!("completed"), json!(70.0))
    );
    let reset = admin
        .post(&format!("{plan}/resets"), json!({"reason": "Again."}))
        .await
        .assert_status(200);
    assert_eq!(
        (
            reset.at("/state"),
            reset.at("/completed_at"),
            reset.at("/progress_percent")
        ),
        (json!("in_progress"), json!(null), json!(0))
    );
    let granted = admin
        .post(
            &format!("{plan}/attempt-grants"),
            json!({"count": 2, "reason": "Fair."}),
        )
        .await
        .assert_status(200);
    assert_eq!(granted.at("/attempts_left"), json!(3));
    ana.post(
        &format!("{plan}/attempt-grants"),
        json!({"count": 2, "reason": "Me."}),
    )
    .await
    .assert_problem(403, "forbidden");
    ledger::seal(&app.app).unwrap();
    let events = admin
        .get("/v1/events?filter=object_kind%20eq%20%22activity%22")
        .await;
    let events = events.at("/data");
    let told: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["action"])
        .collect();
    assert_eq!(
        told,
        [
            "activity.started",
            "activity.completed",
            "activity.corrected",
            "activity.reset",
            "activity.attempts_granted"
        ]
    );
}

#[actix_web::test]
async fn learners_reach_their_own_activities_only() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(
        &admin,
        "fire",
        json!([{"title": "Read", "activities": [link("Plan", json!({}))]}]),
    )
    .await;
    let (_, hers) = learner(&app, &admin, "ana", fire).await;
    let (bea, _) = learner(&app, &admin, "bea", fire).await;
    let plan = activity(&admin, &hers, 0, 0).await;

    bea.get(&format!("{hers}/activities"))
        .await
        .assert_problem(404, "not_found");
    bea.post(&format!("{plan}/launches"), json!({}))
        .await
        .assert_problem(404, "not_found");
    let elsewhere = format!("{hers}/activities/{}", uuid::Uuid::now_v7());
    admin
        .post(&format!("{elsewhere}/launches"), json!({}))
        .await
        .assert_problem(404, "not_found");

    // Withdrawing keeps what was done, and opens nothing any more.
    admin
        .post(&format!("{plan}/launches"), json!({}))
        .await
        .assert_problem(403, "forbidden");
    let modules = json!([{"title": "Read", "activities": [link("Plan", json!({})), confirmed("Practice")]}]);
    let ice = course(&admin, "ice", modules).await;
    let (cai, his) = learner(&app, &admin, "cai", ice).await;
    let plan = activity(&cai, &his, 0, 0).await;
    cai.post(&format!("{plan}/launches"), json!({}))
        .await
        .assert_status(201);
    cai.post(&format!("{his}/withdrawal"), json!({}))
        .await
        .assert_status(200);
    cai.post(&format!("{plan}/launches"), json!({}))
        .await
        .assert_problem(409, "enrollment_not_live");
    assert_eq!(cai.get(&plan).await.at("/state"), json!("completed"));
    let practice = activity(&cai, &his, 0, 1).await;
    let locked = cai.get(&practice).await;
    assert_eq!(
        (locked.at("/is_locked"), locked.at("/locked_because/0")),
        (
            json!(true),
            json!("The enrollment is withdrawn already; enroll again.")
        )
    );
}
