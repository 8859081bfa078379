//! The support view of launches: what happened, and why an activity counts or does not.

use chrono::TimeDelta;
use provost::{authz::Permission::*, learning::support::purge::PurgeLaunchLog};
use serde_json::{Value, json};

use super::{activity, contents, course, launches::Browser, learner};
use crate::support::{Answer, Client, count};

async fn report(caller: &Client, launch: &Browser) -> Answer {
    let id = launch.opened.at("/id");
    let path = format!("/v1/launches/{}", id.as_str().unwrap());
    caller.get(&path).await.assert_status(200)
}

/// The kinds and the words of the log.
fn told(report: &Answer) -> Vec<(String, String)> {
    let log = report.at("/log");
    let text = |entry: &Value, member: &str| entry[member].as_str().unwrap().to_owned();
    let entries = log.as_array().unwrap().iter();
    entries
        .map(|entry| (text(entry, "kind"), text(entry, "words")))
        .collect()
}

#[actix_web::test]
async fn a_launch_tells_in_words_what_happened_and_why_it_does_not_count() {
    let app = super::start().await;
    let admin = app.admin().await;
    let version = contents::package(&app, &["one"]);
    let asks = json!([{"title": "Doors", "activities": [{"title": "Doors", "kind": "content",
        "content_version_id": version, "criterion": {"kind": "passed", "score": 80}}]}]);
    let fire = course(&admin, "fire", asks).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;
    let tick = || app.app.clock.advance(TimeDelta::minutes(1));

    let first = Browser::launch(&ana, &doors, json!({})).await;
    let empty = report(&admin, &first).await;
    assert_eq!(
        empty.at("/verdict"),
        json!({"counts": false, "words": ["The activity is not completed.",
            "The package reported no score; the activity asks for at least 80.",
            "The attempt is open: the next launch goes on where it was left."]})
    );
    tick();
    first
        .set(
            1,
            &[
                ("cmi.core.lesson_status", "incomplete"),
                ("cmi.core.session_time", "0000:01:00"),
            ],
        )
        .await
        .assert_status(200);
    for place in 2..5 {
        first
            .set(
                place,
                &[
                    ("cmi.core.lesson_location", &place.to_string()),
                    ("cmi.suspend_data", "abc"),
                ],
            )
            .await
            .assert_status(200);
    }
    // What is repeated, and what comes late, is no news.
    first
        .set(9, &[("cmi.core.lesson_status", "incomplete")])
        .await
        .assert_status(200);
    first
        .set(3, &[("cmi.core.lesson_status", "passed")])
        .await
        .assert_status(200);
    tick();
    let second = Browser::launch(&ana, &doors, json!({})).await;
    for _ in 0..2 {
        tick();
        first
            .set(10, &[("cmi.core.lesson_location", "9")])
            .await
            .assert_problem(409, "launch_superseded");
    }
    first
        .set(11, &[("cmi.core.lesson_status", "PASSED")])
        .await
        .assert_status(422);

    let told_first = told(&report(&admin, &first).await);
    let told_first: Vec<(&str, &str)> = told_first
        .iter()
        .map(|(kind, words)| (&**kind, &**words))
        .collect();
    assert_eq!(told_first[0], ("opened", "The activity was opened."));
    assert_eq!(
        told_first[1],
        ("status", "The package set its status to “incomplete”.")
    );
    assert_eq!(told_first[2], ("attempt", "The attempt is incomplete."));
    assert_eq!(
        told_first[3],
        (
            "saved",
            "The package saved 6 times. Its place is “4”. Its suspend data have 3 bytes."
        )
    );
    assert_eq!(
        told_first[4..6],
        [
            (
                "suspended",
                "The window closed without the package ending; it was suspended."
            ),
            (
                "superseded",
                "The activity was opened again; the newer launch took over."
            ),
        ]
    );
    let (kind, words) = told_first[6];
    assert!(
        kind == "refused"
            && words
                .starts_with("Refused: a newer launch had taken over. That happened 2 times, the last on 20"),
        "{words}"
    );
    let (_, words) = told_first[7];
    assert!(
        words.starts_with("Refused: cmi.core.lesson_status must be one of passed"),
        "{words}"
    );
    assert_eq!(told_first.len(), 8, "{told_first:?}");

    second
        .end(
            20,
            &[
                ("cmi.core.score.raw", "45"),
                ("cmi.core.lesson_status", "failed"),
                ("cmi.core.exit", ""),
            ],
        )
        .await
        .assert_status(200);
    let failed = report(&admin, &second).await;
    let words: Vec<String> = told(&failed).into_iter().map(|(_, words)| words).collect();
    assert_eq!(
        words[1..],
        [
            "The package changed its status from “incomplete” to “failed”.",
            "The package set its score to 45.",
            "The package said that it ends when it is left.",
            "The package said that it is over.",
            "The attempt is failed. Its score is 45 of 100. It ended.",
            "The activity failed. The score 45 is below the 80 that the activity asks for.",
            "The package saved once.",
        ]
    );
    assert_eq!(
        failed.at("/verdict/words"),
        json!([
            "The activity is not completed: it failed.",
            "The score 45 is below the 80 that the activity asks for.",
            "The attempt is over; the next launch begins another one."
        ])
    );
    let third = Browser::launch(&ana, &doors, json!({})).await;
    third
        .end(
            30,
            &[
                ("cmi.core.score.raw", "85.25"),
                ("cmi.core.lesson_status", "passed"),
            ],
        )
        .await
        .assert_status(200);
    let passed = report(&admin, &third).await;
    assert_eq!(passed.at("/verdict/counts"), json!(true));
    assert!(
        passed.text().contains("The course is completed."),
        "{}",
        passed.text()
    );

    // The log is kept for 30 days; launches stay.
    app.app.clock.advance(TimeDelta::days(31));
    app.write(|tx| tx.enqueue(&PurgeLaunchLog {}));
    app.run_jobs();
    assert_eq!(count(&app, "SELECT count(*) FROM launch_log"), 0);
    let expired = report(&app.admin().await, &first).await;
    assert!(
        expired.text().contains("The address expired."),
        "{}",
        expired.text()
    );
}

#[actix_web::test]
async fn launches_are_seen_within_the_scope_of_the_caller() {
    let app = super::start().await;
    let admin = app.admin().await;
    let page = contents::page(&app);
    let shows = json!([{"title": "Doors", "activities": [{"title": "Doors", "kind": "content", "content_version_id": page}]}]);
    let fire = course(&admin, "fire", shows).await;
    let (ana, hers) = learner(&app, &admin, "ana", fire).await;
    let (bea, other) = learner(&app, &admin, "bea", fire).await;
    let plant = json!({"code": "plant", "name": "Plant"});
    let plant = admin.post("/v1/org-units", plant).await.assert_status(201).id();
    let user = admin.get(&hers).await.at("/user_id");
    let user = user.as_str().unwrap();
    let path = format!("/v1/users/{user}");
    admin
        .patch(&path, json!({"org_unit_id": plant}))
        .await
        .assert_status(200);
    let mine = Browser::launch(&ana, &activity(&ana, &hers, 0, 0).await, json!({})).await;
    let theirs = Browser::launch(&bea, &activity(&bea, &other, 0, 0).await, json!({})).await;
    let support = app.holding(&[LaunchesRead], "org_unit", Some(plant.parse().unwrap()));

    let seen = support.get("/v1/launches").await.assert_status(200).at("/data");
    assert_eq!(
        (seen[0]["id"].clone(), seen.as_array().unwrap().len()),
        (mine.opened.at("/id"), 1)
    );
    let counts = report(&support, &mine).await;
    assert_eq!(counts.at("/verdict/counts"), json!(true));
    let hidden = format!("/v1/launches/{}", theirs.opened.at("/id").as_str().unwrap());
    support.get(&hidden).await.assert_problem(404, "not_found");
    ana.get(&hidden).await.assert_problem(403, "forbidden");
    for (filter, found) in [
        (format!("user_id eq \"{user}\""), 1),
        (format!("content_version_id eq \"{page}\""), 2),
        (
            format!("enrollment_id eq \"{}\"", hers.rsplit('/').next().unwrap()),
            1,
        ),
    ] {
        let filter = filter.replace(' ', "%20").replace('"', "%22");
        let list = admin
            .get(&format!("/v1/launches?filter={filter}"))
            .await
            .assert_status(200);
        assert_eq!(list.at("/data").as_array().unwrap().len(), found, "{filter}");
    }

    // Where it is used, by how many, and when it was last opened.
    let content = admin.get("/v1/contents").await.at("/data/0/id");
    let content = format!("/v1/contents/{}", content.as_str().unwrap());
    let usage = admin.get(&format!("{content}/usage")).await.assert_status(200);
    // Both have completed the course by opening its page.
    assert_eq!(usage.at("/learners"), json!(0));
    learner(&app, &admin, "cleo", fire).await;
    let uses = admin.get(&format!("{content}/uses")).await.assert_status(200);
    let uses = uses.at("/data");
    let version = uses
        .as_array()
        .unwrap()
        .iter()
        .find(|used| !used["course_version_number"].is_null())
        .unwrap();
    assert_eq!(version["learners"], json!(1));
    assert_eq!(version["last_launched_at"], usage.at("/last_launched_at"));
    assert!(usage.at("/last_launched_at").is_string());
    assert_eq!(
        admin.get(&format!("{content}/usage")).await.at("/learners"),
        json!(1)
    );
}

#[actix_web::test]
async fn verdicts_name_what_is_missing() {
    let app = super::start().await;
    let admin = app.admin().await;
    let (package, video) = (contents::package(&app, &["one", "two"]), contents::video(&app));
    let shows = json!([{"title": "Doors", "activities": [
        {"title": "Doors", "kind": "content", "content_version_id": package},
        {"title": "Film", "kind": "content", "content_version_id": video, "criterion": {"kind": "watched", "percent": 90}}]}]);
    let fire = course(&admin, "fire", shows).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = Browser::launch(&ana, &activity(&ana, &enrollment, 0, 0).await, json!({})).await;
    let film = Browser::launch(&ana, &activity(&ana, &enrollment, 0, 1).await, json!({})).await;
    let second_words = async |launch: &Browser| report(&admin, launch).await.at("/verdict/words/1");

    doors
        .end(1, &[("cmi.core.lesson_status", "completed")])
        .await
        .assert_status(200);
    assert_eq!(
        second_words(&doors).await,
        json!("These items of the package are not completed: “two”.")
    );
    let log = told(&report(&admin, &doors).await);
    assert_eq!(log[1].1, "“one” set its status to “completed”.");
    assert_eq!(
        second_words(&film).await,
        json!("0 % of the video was watched; the activity asks for 90 %.")
    );
    let two = json!({"item": "two", "changes": [{"element": "cmi.core.lesson_status", "value": "completed", "seq": 9}], "ended": true});
    doors.commit(two).await.assert_status(200);
    assert_eq!(
        second_words(&doors).await,
        json!("The course is not completed. These modules are missing: “Doors”.")
    );
    ana.post(&format!("{enrollment}/withdrawal"), json!({}))
        .await
        .assert_status(200);
    let withdrawn = report(&admin, &doors).await;
    assert_eq!(withdrawn.at("/verdict/counts"), json!(false));
    assert!(
        withdrawn.text().contains("The enrollment was withdrawn on "),
        "{}",
        withdrawn.text()
    );
    // A window that is still open is refused, and the log tells of it.
    doors
        .set(10, &[("cmi.core.lesson_location", "1")])
        .await
        .assert_problem(410, "launch_ended");
    let log = told(&report(&admin, &doors).await);
    assert!(log.iter().any(|(kind, _)| kind == "refused"), "{log:?}");
}
