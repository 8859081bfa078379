//! Launches on the content origin: what is opened, what is stored, and when it ends.

use std::io::Read;

use chrono::TimeDelta;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::{activity, contents, course, learner};
use crate::support::{Answer, Client, TestApp, count};

/// The browser of a launch: a client of the content origin without tokens, and the path of the launch.
pub struct Browser {
    pub client: Client,
    pub path: String,
    pub opened: Answer,
}

impl Browser {
    pub async fn launch(caller: &Client, activity: &str, body: Value) -> Browser {
        let opened = caller
            .post(&format!("{activity}/launches"), body)
            .await
            .assert_status(201);
        let url = opened.at("/url").as_str().unwrap().to_owned();
        let at = url.find("/l/").unwrap();
        Browser {
            client: Client::new(&url[..at], None),
            path: url[at..].to_owned(),
            opened,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.client.get(&format!("{}{path}", self.path)).await
    }

    pub async fn commit(&self, body: Value) -> Answer {
        self.client.post(&format!("{}_/commit", self.path), body).await
    }

    pub async fn set(&self, seq: i64, elements: &[(&str, &str)]) -> Answer {
        self.commit(json!({"item": "one", "changes": changes(seq, elements)}))
            .await
    }

    pub async fn end(&self, seq: i64, elements: &[(&str, &str)]) -> Answer {
        self.commit(json!({"item": "one", "changes": changes(seq, elements), "ended": true}))
            .await
    }
}

pub fn changes(seq: i64, elements: &[(&str, &str)]) -> Vec<Value> {
    let changes = elements.iter().zip(seq..);
    changes
        .map(|((element, value), seq)| json!({"element": element, "value": value, "seq": seq}))
        .collect()
}

pub fn shows(version: uuid::Uuid, more: Value) -> Value {
    let mut activity = json!({"title": "Doors & more", "kind": "content", "content_version_id": version});
    activity
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!([{"title": "Doors", "activities": [activity]}])
}

#[actix_web::test]
async fn a_package_is_left_resumed_and_completes_the_course() {
    let app = super::start().await;
    let admin = app.admin().await;
    let version = contents::package(&app, &["one"]);
    let fire = course(&admin, "fire", shows(version, json!({}))).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;

    let first = Browser::launch(&ana, &doors, json!({})).await;
    assert_eq!(first.opened.at("/mode"), json!("normal"));
    let page = first.get("").await.assert_status(200);
    assert!(
        page.text().contains("<title>Doors &amp; more</title>"),
        "{}",
        page.text()
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("sandbox allow-scripts")
            && policy.ends_with("frame-ancestors 'self' https://learn.example.com"),
        "{policy}"
    );
    assert_eq!(
        first.get("_/state").await.assert_status(200).at("/items"),
        json!({})
    );
    first
        .set(
            1,
            &[
                ("cmi.core.lesson_status", "incomplete"),
                ("cmi.core.lesson_location", "5"),
            ],
        )
        .await
        .assert_status(200);
    first
        .set(
            3,
            &[
                ("cmi.core.session_time", "0000:10:00"),
                ("cmi.suspend_data", "a\u{1f525}"),
            ],
        )
        .await
        .assert_status(200);
    // What arrives late never wins.
    first
        .set(2, &[("cmi.core.session_time", "0000:01:00")])
        .await
        .assert_status(200);

    // It never said that it ended: it goes on where it was left, and the older window is told.
    let second = Browser::launch(&ana, &doors, json!({})).await;
    assert_eq!(second.opened.at("/attempt_id"), first.opened.at("/attempt_id"));
    first
        .set(9, &[("cmi.core.lesson_location", "1")])
        .await
        .assert_problem(409, "launch_superseded");
    first
        .get("_/state")
        .await
        .assert_problem(409, "launch_superseded");
    let state = second.get("_/state").await.assert_status(200);
    assert_eq!(
        (
            state.at("/items/one/elements"),
            state.at("/items/one/total_seconds"),
            state.at("/seq")
        ),
        (
            json!({"cmi.core.lesson_status": "incomplete", "cmi.core.lesson_location": "5", "cmi.suspend_data": "a\u{1f525}"}),
            json!(600),
            // Numbers of a second launch, above all of the first.
            json!(2_i64 << 32)
        )
    );
    let done = second
        .end(
            10,
            &[
                ("cmi.core.score.raw", "80"),
                ("cmi.core.lesson_status", "passed"),
                ("cmi.core.session_time", "0000:02:00"),
            ],
        )
        .await
        .assert_status(200);
    assert_eq!(
        (done.at("/state"), done.at("/report/seconds")),
        (json!("completed"), json!(720))
    );
    let taken = ana.get(&enrollment).await;
    assert_eq!(
        (taken.at("/state"), taken.at("/progress_percent")),
        (json!("completed"), json!(100))
    );
    let completion = ana.get("/v1/completions").await;
    assert_eq!(
        (completion.at("/data/0/source"), completion.at("/data/0/score")),
        (json!("content"), json!(80.0))
    );
    app.run_jobs();
    assert_eq!(
        ana.get("/v1/certificates").await.at("/data/0/state"),
        json!("issued")
    );
    // What the page says late changes nothing.
    second
        .set(20, &[("cmi.core.lesson_status", "failed")])
        .await
        .assert_problem(410, "launch_ended");
    assert_eq!(ana.get(&doors).await.at("/state"), json!("completed"));

    let review = Browser::launch(&ana, &doors, json!({})).await;
    assert_eq!(review.opened.at("/mode"), json!("review"));
    let refused = review
        .set(99, &[("cmi.core.lesson_location", "99")])
        .await
        .assert_status(200);
    assert_eq!(refused.at("/stored"), json!(false));
    assert_eq!(
        review
            .get("_/state")
            .await
            .at("/items/one/elements/cmi.core.lesson_location"),
        json!("5")
    );
}

#[actix_web::test]
async fn files_of_packages_come_as_they_were() {
    let app = super::start().await;
    let admin = app.admin().await;
    let version = contents::package(&app, &["one"]);
    let fire = course(&admin, "fire", shows(version, json!({}))).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    let path = |file: &str| format!("{}p/{file}", browser.path);

    let plain = browser.get("p/index.html").await.assert_status(200);
    assert!(plain.text().ends_with("stay shut. ") && plain.bytes.len() == 6 + 22 * 400);
    let packed = browser
        .client
        .with("accept-encoding", "gzip, br")
        .get(&path("index.html"))
        .await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut read = Vec::new();
    GzDecoder::new(&*packed.bytes).read_to_end(&mut read).unwrap();
    assert_eq!(read, plain.bytes);
    let part = browser
        .client
        .with("range", "bytes=28-49")
        .get(&path("index.html?x=1"))
        .await
        .assert_status(206);
    assert_eq!(part.bytes, plain.bytes[28..50]);
    let film = browser.get("p/film.mp4").await.assert_status(200);
    let part = browser
        .client
        .with("range", "bytes=-500")
        .get(&path("film.mp4"))
        .await
        .assert_status(206);
    assert_eq!(
        (&part.bytes[..], part.header("content-range")),
        (&film.bytes[8500..], Some("bytes 8500-8999/9000"))
    );
    browser
        .client
        .with("range", "bytes=9000-")
        .get(&path("film.mp4"))
        .await
        .assert_status(416);
    let tag = film.header("etag").unwrap().to_owned();
    browser
        .client
        .with("if-none-match", &tag)
        .get(&path("film.mp4"))
        .await
        .assert_status(304);
    assert_eq!(film.header("x-content-type-options"), Some("nosniff"));
    assert!(
        film.header("content-security-policy")
            .unwrap()
            .starts_with("sandbox")
    );
    browser
        .client
        .with("service-worker", "script")
        .get(&path("index.html"))
        .await
        .assert_problem(403, "forbidden");
    for written in [
        "50%25%20off/a%2520b+c%2525.html",
        "50%25%20off%2Fa%2520b%2Bc%2525.html",
    ] {
        let named = browser.get(&format!("p/{written}")).await.assert_status(200);
        assert_eq!(named.bytes, plain.bytes);
    }
    for missing in [
        "INDEX.html",
        "..%2findex.html",
        "imsmanifest.xml",
        "",
        "%FF",
        "50%25%20off/a%20b+c%25.html",
    ] {
        browser
            .client
            .get(&path(missing))
            .await
            .assert_problem(404, "not_found");
    }
    let forged = browser.path.replacen("/l/", "/l/A", 1);
    browser
        .client
        .get(&format!("{forged}p/index.html"))
        .await
        .assert_problem(410, "launch_ended");
    for asset in [
        "player.css",
        "package.js",
        "transport.js",
        "text.js",
        "journal.js",
        "scorm12.min.js",
        "scorm2004.min.js",
    ] {
        browser.get(&format!("_/{asset}")).await.assert_status(200);
    }
}

#[actix_web::test]
async fn each_content_version_may_have_an_origin_of_its_own() {
    let url = "https://{package}.content.example.net";
    let app = TestApp::start_with(|config| config.content_url = Some(url.to_owned())).await;
    let admin = app.admin().await;
    let version = contents::package(&app, &["one"]);
    let fire = course(&admin, "fire", shows(version, json!({}))).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;

    let host = format!("{}.content.example.net", version.simple());
    let opened = browser.opened.at("/url");
    let origin = format!("https://{host}/l/");
    assert!(opened.as_str().unwrap().starts_with(&origin), "{opened}");
    let listener = format!("http://{}", app.app.config.content_listen());
    let other = format!("{}.content.example.net", uuid::Uuid::now_v7().simple());
    for (host, status) in [(host.as_str(), 200), ("proxy.internal", 404), (&other, 404)] {
        // Anybody may write the host of a proxy.
        let client = Client::new(&listener, None)
            .with("host", host)
            .with("x-forwarded-host", &other);
        for path in ["", "p/index.html", "_/state"] {
            client
                .get(&format!("{}{path}", browser.path))
                .await
                .assert_status(status);
        }
    }
}

#[actix_web::test]
async fn a_launch_dies_with_the_enrollment_the_account_and_the_day() {
    let app = super::start().await;
    let admin = app.admin().await;
    let version = contents::package(&app, &["one"]);
    let fire = course(&admin, "fire", shows(version, json!({}))).await;
    let (ana, hers) = learner(&app, &admin, "ana", fire).await;
    let (bea, his) = learner(&app, &admin, "bea", fire).await;
    let first = Browser::launch(&ana, &activity(&ana, &hers, 0, 0).await, json!({})).await;
    let second = Browser::launch(&bea, &activity(&bea, &his, 0, 0).await, json!({})).await;
    for browser in [&first, &second] {
        browser.get("p/index.html").await.assert_status(200);
    }

    ana.post(&format!("{hers}/withdrawal"), json!({}))
        .await
        .assert_status(200);
    first
        .get("p/index.html")
        .await
        .assert_problem(410, "launch_ended");
    first
        .set(1, &[("cmi.core.lesson_location", "1")])
        .await
        .assert_problem(410, "launch_ended");
    let user = admin.get(&his).await.at("/user_id");
    let user = format!("/v1/users/{}", user.as_str().unwrap());
    admin
        .patch(&user, json!({"status": "suspended"}))
        .await
        .assert_status(200);
    second
        .get("p/index.html")
        .await
        .assert_problem(410, "launch_ended");
    second.get("_/state").await.assert_problem(410, "launch_ended");
    admin
        .patch(&user, json!({"status": "active"}))
        .await
        .assert_status(200);
    second.get("p/index.html").await.assert_status(200);
    app.app.clock.advance(TimeDelta::hours(12));
    assert!(
        second
            .get("")
            .await
            .assert_status(410)
            .text()
            .contains("no longer valid")
    );
}

#[actix_web::test]
async fn hostile_commits_are_refused_and_store_nothing() {
    let app = super::start().await;
    let admin = app.admin().await;
    let version = contents::package(&app, &["one"]);
    let fire = course(&admin, "fire", shows(version, json!({}))).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let browser = Browser::launch(&ana, &activity(&ana, &enrollment, 0, 0).await, json!({})).await;
    let one = |element: &str, value: &str| json!({"element": element, "value": value, "seq": 1});
    let large = "x".repeat((1 << 20) + 1);
    let many: Vec<Value> = (0..2_001)
        .map(|at| json!({"element": "cmi.suspend_data", "value": "", "seq": at + 1}))
        .collect();
    let hostile = [
        json!({"item": "two", "changes": []}),
        json!({"item": "one' OR 1=1 --", "changes": []}),
        json!({"item": "one", "changes": [one("cmi.core.student_id", "x")]}),
        json!({"item": "one", "changes": [one("cmi.core.lesson_status", "PASSED")]}),
        json!({"item": "one", "changes": [one("cmi.suspend_data", &large)]}),
        json!({"item": "one", "changes": [one("cmi.suspend_data", "\0")]}),
        json!({"item": "one", "changes": [one("cmi.core.lesson_location", "1"), one("__proto__", "1")]}),
        json!({"item": "one", "changes": many}),
    ];
    for body in hostile {
        browser
            .commit(body)
            .await
            .assert_problem(422, "validation_failed");
    }
    let unreadable = [
        json!(null),
        json!([]),
        json!({"item": 1}),
        json!({"item": "one", "changes": {}}),
        json!({"item": "one", "changes": [{"element": "cmi.suspend_data", "value": 1, "seq": 1}]}),
        json!({"item": "one", "changes": [{"element": "cmi.suspend_data", "value": "1", "seq": 1.5}]}),
        json!({"item": "one", "changes": [], "completed": true}),
    ];
    for body in unreadable {
        browser
            .commit(body)
            .await
            .assert_problem(400, "malformed_request");
    }
    let endless = "x".repeat(9 << 20);
    browser
        .commit(json!({"item": "one", "changes": [one("cmi.suspend_data", &endless)]}))
        .await
        .assert_problem(413, "payload_too_large");
    assert_eq!(count(&app, "SELECT count(*) FROM runtime_states"), 0);
    let whole = "x".repeat(1 << 20);
    browser
        .commit(json!({"item": "one", "changes": [one("cmi.suspend_data", &whole)]}))
        .await
        .assert_status(200);
    assert_eq!(
        browser
            .get("_/state")
            .await
            .at("/items/one/elements/cmi.suspend_data"),
        json!(whole)
    );
}

#[actix_web::test]
async fn attempts_are_counted_granted_and_scored_by_policy() {
    let app = super::start().await;
    let admin = app.admin().await;
    let version = contents::package(&app, &["one"]);
    let limits = json!({"attempts": 2, "score_of": "last", "criterion": {"kind": "passed", "score": 80}});
    let fire = course(&admin, "fire", shows(version, limits)).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;
    let failed = [("cmi.core.score.raw", "70"), ("cmi.core.lesson_status", "failed")];
    for attempt in 1..=2 {
        let browser = Browser::launch(&ana, &doors, json!({})).await;
        assert_eq!(
            browser.end(1, &failed).await.assert_status(200).at("/state"),
            json!("failed")
        );
        assert_eq!(ana.get(&doors).await.at("/attempts_left"), json!(2 - attempt));
    }
    ana.post(&format!("{doors}/launches"), json!({}))
        .await
        .assert_problem(409, "attempts_used_up");
    admin
        .post(
            &format!("{doors}/attempt-grants"),
            json!({"count": 1, "reason": "Fair."}),
        )
        .await
        .assert_status(200);
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    // Left without a word about the end: the same attempt goes on.
    browser
        .set(
            1,
            &[
                ("cmi.core.score.raw", "60"),
                ("cmi.core.lesson_status", "incomplete"),
            ],
        )
        .await
        .assert_status(200);
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    browser
        .end(
            9,
            &[
                ("cmi.core.score.raw", "85"),
                ("cmi.core.lesson_status", "completed"),
            ],
        )
        .await
        .assert_status(200);

    let attempts = ana
        .get(&format!("{doors}/attempts"))
        .await
        .assert_status(200)
        .at("/data");
    let told: Vec<_> = attempts
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["number"], &one["score"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!(1), &json!(70.0)),
            (&json!(2), &json!(70.0)),
            (&json!(3), &json!(85.0))
        ]
    );
    let now = ana.get(&doors).await;
    assert_eq!(
        (now.at("/state"), now.at("/score")),
        (json!("completed"), json!(85.0))
    );
    app.run_jobs();
    let events = admin
        .get("/v1/events?filter=object_kind%20eq%20%22activity%22")
        .await
        .at("/data");
    let told: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        told,
        [
            "activity.started",
            "activity.failed",
            "activity.failed",
            "activity.attempts_granted",
            "activity.completed"
        ]
    );
}

#[actix_web::test]
async fn a_reset_ends_the_attempt_and_fences_its_window_off() {
    let app = super::start().await;
    let admin = app.admin().await;
    let version = contents::package(&app, &["one"]);
    let fire = course(&admin, "fire", shows(version, json!({}))).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;
    let old = Browser::launch(&ana, &doors, json!({})).await;
    old.set(1, &[("cmi.core.lesson_location", "7")])
        .await
        .assert_status(200);

    admin
        .post(&format!("{doors}/resets"), json!({"reason": "Again."}))
        .await
        .assert_status(200);

    old.set(2, &[("cmi.core.lesson_location", "8")])
        .await
        .assert_problem(409, "launch_superseded");
    let new = Browser::launch(&ana, &doors, json!({})).await;
    assert_ne!(new.opened.at("/attempt_id"), old.opened.at("/attempt_id"));
    assert_eq!(new.get("_/state").await.at("/items"), json!({}));
}

#[actix_web::test]
async fn videos_count_what_was_watched_once_and_no_faster_than_time() {
    let app = super::start().await;
    let admin = app.admin().await;
    let version = contents::video(&app);
    let criterion = json!({"criterion": {"kind": "watched", "percent": 90}});
    let fire = course(&admin, "fire", shows(version, criterion)).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;
    assert!(browser.get("").await.assert_status(200).text().contains("<video"));
    let part = browser
        .client
        .with("range", "bytes=10-19")
        .get(&format!("{}_/file", browser.path))
        .await;
    assert_eq!((part.status, part.bytes.len()), (206, 10));
    let watch = async |ranges: &[(i32, i32)], position: i32| {
        let ranges: Vec<_> = ranges
            .iter()
            .map(|(from, to)| json!({"from": from, "to": to}))
            .collect();
        let body = json!({"ranges": ranges, "position": position, "duration": 100});
        browser
            .client
            .post(&format!("{}_/watched", browser.path), body)
            .await
    };
    let ahead = watch(&[(0, 60)], 60).await.assert_status(200);
    assert_eq!(
        (ahead.at("/percent"), ahead.at("/is_counted")),
        (json!(0), json!(false))
    );
    app.app.clock.advance(TimeDelta::seconds(60));
    let half = watch(&[(0, 30), (20, 50)], 50).await.assert_status(200);
    assert_eq!(
        (half.at("/percent"), half.at("/state")),
        (json!(50), json!("in_progress"))
    );
    for wrong in [(5, 5), (9, 3), (-1, 3), (90, 999)] {
        watch(&[wrong], 1).await.assert_fault("/ranges");
    }
    let again = Browser::launch(&ana, &doors, json!({})).await;
    assert!(again.get("").await.text().contains("data-position=\"50\""));
    app.app.clock.advance(TimeDelta::seconds(60));
    let done = watch(&[(40, 95)], 95).await.assert_status(200);
    assert_eq!(
        (done.at("/percent"), done.at("/state")),
        (json!(95), json!("completed"))
    );
    assert_eq!(ana.get(&enrollment).await.at("/state"), json!("completed"));
}

#[actix_web::test]
async fn pages_are_completed_by_opening_them() {
    let app = super::start().await;
    let admin = app.admin().await;
    let version = contents::page(&app);
    let fire = course(&admin, "fire", shows(version, json!({}))).await;
    let (ana, enrollment) = learner(&app, &admin, "ana", fire).await;
    let doors = activity(&ana, &enrollment, 0, 0).await;
    let browser = Browser::launch(&ana, &doors, json!({})).await;

    let page = browser
        .get("?return=https%3A%2F%2Flearn.example.com%2Fmine")
        .await
        .assert_status(200);
    assert!(
        page.text().contains("Leave by the <b>doors</b>."),
        "{}",
        page.text()
    );
    assert!(
        page.text().contains("href=\"https://learn.example.com/mine\""),
        "{}",
        page.text()
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("script-src 'self'") && policy.ends_with("'self' https://learn.example.com"),
        "{policy}"
    );
    let elsewhere = browser
        .get("?return=https%3A%2F%2Fevil.example.com%2F")
        .await
        .assert_status(200);
    assert!(!elsewhere.text().contains("evil"), "{}", elsewhere.text());
    assert_eq!(ana.get(&enrollment).await.at("/state"), json!("completed"));
}
