//! What browsers and bystanders may not claim: attempts that are over, what somebody corrected, time that did not pass, another's name.

use chrono::TimeDelta;
use provost::authz::Permission::*;
use serde_json::{Value, json};

use super::{
    activity, contents, course,
    launches::{Browser, shows},
    learner,
};
use crate::support::{Client, TestApp, count};

/// A learner of a course of one package; the client of the administrator and of the learner, enrollment and activity.
async fn taking(app: &TestApp, more: Value) -> (Client, Client, String, String) {
    let admin = app.admin().await;
    let version = contents::package(app, &["one"]);
    let fire = course(&admin, "fire", shows(version, more)).await;
    let (ana, enrollment) = learner(app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;
    (admin, ana, enrollment, doors)
}

#[actix_web::test]
async fn an_attempt_that_is_over_takes_nothing_more() {
    let app = super::start().await;
    let exam = json!({"criterion": {"kind": "passed", "score": 80}, "attempts": 1});
    let (_, ana, enrollment, doors) = taking(&app, exam).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    let failed = [
        ("cmi.core.score.raw", "20"),
        ("cmi.core.session_time", "00:05:00"),
        ("cmi.core.lesson_status", "failed"),
    ];
    let over = browser.end(1, &failed).await.assert_status(200);
    assert_eq!(
        (over.at("/state"), over.at("/is_over")),
        (json!("failed"), json!(true))
    );

    // The answer may have been lost.
    browser.end(1, &failed).await.assert_status(200);
    let passed = [("cmi.core.score.raw", "95"), ("cmi.core.lesson_status", "passed")];
    browser.end(4, &passed).await.assert_problem(410, "launch_ended");
    assert_eq!(browser.get("_/state").await.at("/mode"), json!("review"));
    let seen = ana.get(&doors).await;
    assert_eq!(
        (seen.at("/state"), seen.at("/score"), seen.at("/seconds")),
        (json!("failed"), json!(20.0), json!(300))
    );
    assert_eq!(ana.get(&enrollment).await.at("/state"), json!("in_progress"));
}

#[actix_web::test]
async fn sessions_of_one_launch_add_up() {
    let app = super::start().await;
    let (_, ana, _, doors) = taking(&app, json!({})).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    for session in 0..2 {
        let left = [
            ("cmi.core.lesson_status", "incomplete"),
            ("cmi.core.session_time", "00:01:40"),
            ("cmi.core.exit", "normal"),
        ];
        let left = browser.end(1 + session * 3, &left).await.assert_status(200);
        assert_eq!(left.at("/is_over"), json!(false));
    }
    assert_eq!(ana.get(&doors).await.at("/seconds"), json!(200));
}

#[actix_web::test]
async fn a_correction_stands_until_a_later_attempt_reports() {
    let app = super::start().await;
    let exam = json!({"criterion": {"kind": "passed", "score": 80}, "attempts": 1});
    let admin = app.admin().await;
    let mut modules = shows(contents::package(&app, &["one"]), exam);
    let practice = json!({"title": "Practice", "kind": "task", "criterion": {"kind": "confirmed"}});
    modules[0]["activities"].as_array_mut().unwrap().push(practice);
    let fire = course(&admin, "fire", modules).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    let passed = [
        ("cmi.core.score.raw", "95"),
        ("cmi.core.lesson_status", "incomplete"),
    ];
    let reached = browser.set(1, &passed).await.assert_status(200);
    assert_eq!(reached.at("/state"), json!("completed"));

    let correction = json!({"state": "failed", "score": 10, "reason": "Somebody else took it."});
    admin.patch(&doors, correction).await.assert_status(200);

    browser
        .set(3, &[("cmi.core.session_time", "00:10:00")])
        .await
        .assert_problem(409, "launch_superseded");
    let seen = ana.get(&doors).await;
    assert_eq!(
        (seen.at("/state"), seen.at("/score")),
        (json!("failed"), json!(10.0))
    );
    // The attempt that the correction ended is granted again; its score counts no more, though the best one does.
    let again = Browser::launch(&ana, &doors, json!({})).await;
    let reached = [("cmi.core.score.raw", "85"), ("cmi.core.lesson_status", "passed")];
    again.end(1, &reached).await.assert_status(200);
    let seen = ana.get(&doors).await;
    assert_eq!(
        (seen.at("/state"), seen.at("/score")),
        (json!("completed"), json!(85.0))
    );
}

#[actix_web::test]
async fn passing_is_told_once_an_attempt() {
    let app = super::start().await;
    let (_, ana, _, doors) = taking(&app, json!({})).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    for round in 0..6 {
        let status = ["failed", "passed"][round as usize % 2];
        browser
            .set(round + 1, &[("cmi.core.lesson_status", status)])
            .await
            .assert_status(200);
    }
    let told = "SELECT count(*) FROM events WHERE action IN ('activity.passed', 'activity.failed')";
    assert_eq!(count(&app, told), 2);
    let attempts = ana.get(&format!("{doors}/attempts")).await;
    assert_eq!(attempts.at("/data/0/success"), json!("passed"));
}

#[actix_web::test]
async fn a_video_is_not_watched_in_no_time() {
    let app = super::start().await;
    let admin = app.admin().await;
    let version = contents::video(&app);
    let criterion = json!({"criterion": {"kind": "watched", "percent": 90}});
    let fire = course(&admin, "fire", shows(version, criterion)).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    let watch = async |from: i32, to: i32, duration: i32| {
        let body = json!({"ranges": [{"from": from, "to": to}], "position": to, "duration": duration});
        browser
            .client
            .post(&format!("{}_/watched", browser.path), body)
            .await
    };
    // The clocks may differ, but not by more with each message, nor with each launch.
    let first = watch(0, 15, 300).await.assert_status(200);
    assert_eq!(
        (first.at("/percent"), first.at("/is_counted")),
        (json!(5), json!(true))
    );
    let second = watch(15, 30, 300).await.assert_status(200);
    assert_eq!(
        (second.at("/percent"), second.at("/is_counted")),
        (json!(5), json!(false))
    );
    let again = Browser::launch(&ana, &doors, json!({})).await;
    assert!(again.get("").await.text().contains("data-position=\"30\""));
    let body = json!({"ranges": [{"from": 15, "to": 30}], "position": 30, "duration": 300});
    let third = again.client.post(&format!("{}_/watched", again.path), body).await;
    assert_eq!(third.assert_status(200).at("/is_counted"), json!(false));
    app.app.clock.advance(TimeDelta::seconds(60));
    let shorter = watch(15, 18, 18).await.assert_status(200);
    assert_eq!(
        (shorter.at("/percent"), shorter.at("/state")),
        (json!(6), json!("in_progress"))
    );
}

#[actix_web::test]
async fn a_video_is_as_long_as_its_header_says() {
    let app = super::start().await;
    let admin = app.admin().await;
    let version = contents::video_of(&app, Some(600));
    let criterion = json!({"criterion": {"kind": "watched", "percent": 95}});
    let fire = course(&admin, "fire", shows(version, criterion)).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    app.app.clock.advance(TimeDelta::seconds(300));
    let watch = async |ranges: Value, duration: Value| {
        let body = json!({"ranges": ranges, "position": 1, "duration": duration});
        let path = format!("{}_/watched", browser.path);
        browser.client.post(&path, body).await.assert_status(200)
    };

    let lied = watch(json!([{"from": 0, "to": 1}]), json!(1)).await;
    assert_eq!(
        (lied.at("/percent"), lied.at("/state")),
        (json!(0), json!("in_progress"))
    );
    let beyond = watch(json!([{"from": 600, "to": 900}]), json!(900)).await;
    assert_eq!(beyond.at("/percent"), json!(0));
    // A browser that does not know the length tells what was watched all the same.
    let half = watch(json!([{"from": 0, "to": 300}]), json!(null)).await;
    assert_eq!(
        (half.at("/percent"), half.at("/is_counted")),
        (json!(50), json!(true))
    );
}

#[actix_web::test]
async fn a_score_that_comes_after_the_status_is_that_of_the_completion() {
    let app = super::start().await;
    let (admin, ana, enrollment, doors) = taking(&app, json!({})).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    browser
        .set(1, &[("cmi.core.lesson_status", "completed")])
        .await
        .assert_status(200);
    assert_eq!(ana.get(&enrollment).await.at("/state"), json!("completed"));
    let late = browser.end(2, &[("cmi.core.score.raw", "90")]).await;
    late.assert_status(200);

    let completions = ana
        .get("/v1/completions?sort=-recorded_at")
        .await
        .assert_status(200);
    assert_eq!(
        (
            completions.at("/data/0/score"),
            completions.at("/data/0/source"),
            completions.at("/data/0/supersedes_id"),
        ),
        (json!(90.0), json!("content"), completions.at("/data/1/id"))
    );

    // What is taken after the course counts for the activity alone.
    admin
        .post(&format!("{doors}/resets"), json!({"reason": "Once more."}))
        .await
        .assert_status(200);
    app.app.clock.advance(TimeDelta::seconds(60));
    let again = Browser::launch(&ana, &doors, json!({})).await;
    assert_eq!(again.opened.at("/mode"), json!("normal"));
    let worse = [
        ("cmi.core.score.raw", "40"),
        ("cmi.core.lesson_status", "completed"),
    ];
    again.end(1, &worse).await.assert_status(200);
    assert_eq!(ana.get(&doors).await.at("/score"), json!(40.0));
    let completions = ana.get("/v1/completions?sort=-recorded_at").await;
    assert_eq!(completions.at("/data/0/score"), json!(90.0));
    assert_eq!(completions.at("/data").as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn a_lower_score_after_passing_changes_nothing() {
    let app = super::start().await;
    let (_, ana, _, doors) = taking(&app, json!({"criterion": {"kind": "passed", "score": 80}})).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    let passed = [("cmi.core.score.raw", "85"), ("cmi.core.lesson_status", "passed")];
    browser.set(1, &passed).await.assert_status(200);
    let failed = [("cmi.core.score.raw", "20"), ("cmi.core.lesson_status", "failed")];
    browser.set(3, &failed).await.assert_status(200);

    assert_eq!(ana.get(&doors).await.at("/score"), json!(85.0));
    let better = [("cmi.core.score.raw", "95"), ("cmi.core.lesson_status", "passed")];
    browser.set(5, &better).await.assert_status(200);
    assert_eq!(ana.get(&doors).await.at("/score"), json!(95.0));
    assert_eq!(
        ana.get("/v1/completions?sort=-recorded_at")
            .await
            .at("/data/0/score"),
        json!(95.0)
    );
}

#[actix_web::test]
async fn the_log_of_a_launch_tells_each_refusal() {
    let app = super::start().await;
    let (admin, ana, _, doors) = taking(&app, json!({})).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    let long = "x".repeat((1 << 20) + 1);
    for (element, value) in [
        ("cmi.suspend_data", &*long),
        ("cmi.core.score.raw", "many"),
        ("cmi.core.score.raw", "many"),
    ] {
        browser.set(1, &[(element, value)]).await.assert_status(422);
    }
    browser
        .end(1, &[("cmi.core.lesson_status", "completed")])
        .await
        .assert_status(200);
    browser
        .set(9, &[("cmi.core.score.raw", "90")])
        .await
        .assert_problem(410, "launch_ended");

    let launch = browser.opened.at("/id");
    let path = format!("/v1/launches/{}", launch.as_str().unwrap());
    let shown = admin.get(&path).await.assert_status(200);
    let words: Vec<String> = shown
        .at("/log")
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["kind"] == "refused")
        .map(|entry| entry["words"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(words.len(), 3, "{words:?}");
    assert!(
        words
            .iter()
            .any(|words| words.contains("1048576") || words.contains("1 MiB")),
        "{words:?}"
    );
    assert!(words.iter().any(|words| words.contains("2 times")), "{words:?}");
    assert!(
        words.contains(&"Refused: the attempt was over.".to_owned()),
        "{words:?}"
    );
}

#[actix_web::test]
async fn nobody_takes_a_course_in_anothers_name() {
    let app = super::start().await;
    let (admin, ana, _, doors) = taking(&app, json!({})).await;
    admin
        .post(&format!("{doors}/launches"), json!({}))
        .await
        .assert_problem(403, "forbidden");

    // A front end with users of its own acts by a service account, and that is told.
    let portal = app.holding(&[EnrollmentsRead, EnrollmentsWrite], "everything", None);
    let launched = portal
        .post(&format!("{doors}/launches"), json!({}))
        .await
        .assert_status(201);
    let path = format!("/v1/launches/{}", launched.at("/id").as_str().unwrap());
    assert!(admin.get(&path).await.at("/created_by").is_string());
    let own = Browser::launch(&ana, &doors, json!({})).await;
    let path = format!("/v1/launches/{}", own.opened.at("/id").as_str().unwrap());
    assert_eq!(admin.get(&path).await.at("/created_by"), json!(null));

    let passed = [("cmi.core.score.raw", "95"), ("cmi.core.lesson_status", "passed")];
    own.end(1, &passed).await.assert_status(200);
    let seen = admin
        .post(&format!("{doors}/launches"), json!({}))
        .await
        .assert_status(201);
    assert_eq!(seen.at("/mode"), json!("review"));
}

#[actix_web::test]
async fn the_learner_alone_declares() {
    let app = super::start().await;
    let admin = app.admin().await;
    let text = json!({"kind": "declared", "text": "I have read this."});
    let modules =
        json!([{"title": "Doors", "activities": [{"title": "Read", "kind": "task", "criterion": text}]}]);
    let fire = course(&admin, "fire", modules).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let read = activity(&ana, &enrollment, 0, 0).await;
    let path = format!("{read}/declarations");

    admin
        .post(&path, json!({"name": "Boss"}))
        .await
        .assert_problem(403, "forbidden");

    let declared = ana.post(&path, json!({"name": "Ana"})).await.assert_status(200);
    assert_eq!(declared.at("/declared_as"), json!("Ana"));
}

#[actix_web::test]
async fn what_was_reset_counts_no_more() {
    let app = super::start().await;
    let (admin, ana, enrollment, doors) =
        taking(&app, json!({"criterion": {"kind": "passed", "score": 80}})).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    let almost = [
        ("cmi.core.score.raw", "79"),
        ("cmi.core.lesson_status", "incomplete"),
    ];
    browser.set(1, &almost).await.assert_status(200);

    let reset = admin
        .post(&format!("{doors}/resets"), json!({"reason": "Again."}))
        .await;

    assert_eq!(reset.assert_status(200).at("/score"), json!(null));
    let again = Browser::launch(&ana, &doors, json!({})).await;
    let passed = [("cmi.core.score.raw", "81"), ("cmi.core.lesson_status", "passed")];
    again.end(1, &passed).await.assert_status(200);
    assert_eq!(ana.get(&enrollment).await.at("/state"), json!("completed"));
    assert_eq!(ana.get("/v1/completions").await.at("/data/0/score"), json!(81.0));
}
