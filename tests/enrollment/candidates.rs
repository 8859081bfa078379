//! Candidates: frozen versions that testers take before they are published.

use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::person;
use crate::support::{Answer, Client, TestApp};

async fn fire(admin: &Client) -> Answer {
    let modules = json!([{"title": "Doors", "activities": [{"title": "Practise", "kind": "task"}]}]);
    let course = json!({"code": "FIRE", "title": "Fire", "language": "en", "modules": modules});
    admin.post("/v1/courses", course).await.assert_status(201)
}

async fn freeze(admin: &Client, course: &Answer, testers: &[Uuid]) -> Answer {
    let path = format!("/v1/courses/{}/candidates", course.id());
    admin
        .post(&path, json!({"note": "Try it", "tester_ids": testers}))
        .await
        .assert_status(201)
}

fn of(course: &Answer, candidate: &Answer, part: &str) -> String {
    format!(
        "/v1/courses/{}/candidates/{}{part}",
        course.id(),
        candidate.at("/number")
    )
}

#[actix_web::test]
async fn what_testers_approved_is_published_as_it_was_frozen() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", "Production").await;
    let course = fire(&admin).await;
    let candidate = freeze(&admin, &course, &[ana]).await;
    assert_eq!(
        (
            candidate.at("/state"),
            candidate.at("/modules"),
            candidate.at("/testers/0/verdict")
        ),
        (json!("open"), course.at("/modules"), json!(null))
    );
    let outline = format!("/v1/courses/{}/outline", course.id());
    admin
        .put(&outline, json!({"modules": [{"title": "Other"}]}))
        .await
        .assert_status(200);

    let publication = of(&course, &candidate, "/publication");
    admin
        .post(&publication, json!({}))
        .await
        .assert_problem(409, "candidate_not_approved");
    let test = candidate.at("/testers/0/enrollment_id");
    let verdicts = format!("/v1/enrollments/{}/verdicts", test.as_str().unwrap());
    let verdict = json!({"verdict": "approved", "note": "Works"});
    admin
        .post(&verdicts, verdict.clone())
        .await
        .assert_problem(403, "forbidden");
    let tester = app.client_of(ana);
    let decided = tester.post(&verdicts, verdict.clone()).await.assert_status(200);
    assert_eq!(decided.at("/verdict"), json!("approved"));
    tester
        .post(&verdicts, verdict)
        .await
        .assert_problem(409, "verdict_given");

    let version = admin.post(&publication, json!({})).await.assert_status(201);
    assert_eq!(
        (version.at("/id"), version.at("/number"), version.at("/modules")),
        (
            candidate.at("/id"),
            candidate.at("/number"),
            course.at("/modules")
        )
    );
    let path = format!("/v1/enrollments/{}", test.as_str().unwrap());
    let ended = admin.get(&path).await.assert_status(200);
    assert_eq!(
        (ended.at("/kind"), ended.at("/state")),
        (json!("test"), json!("withdrawn"))
    );
    admin
        .post(&publication, json!({}))
        .await
        .assert_problem(409, "candidate_closed");
}

#[actix_web::test]
async fn a_test_stands_beside_a_live_enrollment_and_counts_nowhere() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", "Production").await;
    let course = fire(&admin).await;
    let publications = format!("/v1/courses/{}/publications", course.id());
    admin.post(&publications, json!({})).await.assert_status(201);
    let required = json!({"user_id": ana, "target": {"kind": "course", "id": course.id()}});
    let requirement = admin.post("/v1/requirements", required).await.assert_status(201);
    let live = admin.get("/v1/enrollments").await.at("/data/0/id");
    let outline = format!("/v1/courses/{}/outline", course.id());
    let changed = json!({"modules": [{"title": "New"}]});
    admin.put(&outline, changed).await.assert_status(200);

    let candidate = freeze(&admin, &course, &[ana]).await;
    let test = candidate.at("/testers/0/enrollment_id");
    let path = format!("/v1/enrollments/{}", test.as_str().unwrap());
    let done = app
        .client_of(ana)
        .patch(&path, json!({"progress_percent": 100}))
        .await;
    assert_eq!(done.assert_status(200).at("/state"), json!("completed"));

    let completions = admin.get("/v1/completions").await;
    assert_eq!(completions.at("/data"), json!([]));
    let requirement = admin.get(&format!("/v1/requirements/{}", requirement.id())).await;
    assert_eq!(requirement.at("/satisfied_at"), Value::Null);
    let transcript = admin
        .get(&format!("/v1/reports/transcripts/{ana}"))
        .await
        .assert_status(200);
    assert!(
        !transcript.text().contains(test.as_str().unwrap()),
        "{}",
        transcript.text()
    );
    let live = admin
        .get(&format!("/v1/enrollments/{}", live.as_str().unwrap()))
        .await;
    assert_eq!(
        (live.at("/kind"), live.at("/state")),
        (json!("normal"), json!("enrolled"))
    );
}

#[actix_web::test]
async fn a_withdrawn_or_overtaken_candidate_is_never_published() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = fire(&admin).await;
    let withdrawn = freeze(&admin, &course, &[]).await;
    let overtaken = freeze(&admin, &course, &[]).await;
    let gone = admin
        .post(&of(&course, &withdrawn, "/withdrawal"), json!({}))
        .await;
    assert_eq!(gone.assert_status(200).at("/state"), json!("withdrawn"));
    admin
        .post(&of(&course, &withdrawn, "/publication"), json!({}))
        .await
        .assert_problem(409, "candidate_closed");
    let publications = format!("/v1/courses/{}/publications", course.id());
    admin.post(&publications, json!({})).await.assert_status(201);

    admin
        .post(&of(&course, &overtaken, "/publication"), json!({}))
        .await
        .assert_problem(409, "candidate_outdated");
    let versions = admin.get(&format!("/v1/courses/{}/versions", course.id())).await;
    assert_eq!(versions.at("/data/0/number"), json!(3));
    assert_eq!(versions.at("/data/1"), Value::Null);
    let candidates = admin
        .get(&format!("/v1/courses/{}/candidates", course.id()))
        .await;
    assert_eq!(candidates.at("/data").as_array().map(Vec::len), Some(2));
}

#[actix_web::test]
async fn an_earlier_version_is_published_once_more() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = fire(&admin).await;
    let publications = format!("/v1/courses/{}/publications", course.id());
    admin.post(&publications, json!({})).await.assert_status(201);
    let outline = format!("/v1/courses/{}/outline", course.id());
    let modules = course.at("/modules");
    let longer = json!([modules[0], {"title": "More", "after": [modules[0]["id"]]}]);
    let kept = admin
        .put(&outline, json!({"modules": longer}))
        .await
        .assert_status(200);
    assert_eq!(kept.at("/modules/0"), modules[0]);
    admin.post(&publications, json!({})).await.assert_status(201);

    let back = admin
        .post(&publications, json!({"version_number": 1}))
        .await
        .assert_status(201);

    assert_eq!((back.at("/number"), back.at("/modules")), (json!(3), modules));
    let course = admin.get(&format!("/v1/courses/{}", course.id())).await;
    assert_eq!(course.at("/current_version_number"), json!(3));
    admin
        .post(&publications, json!({"version_number": 9}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/version_number");
}

#[actix_web::test]
async fn an_outline_tells_all_its_faults_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = fire(&admin).await;
    let outline = format!("/v1/courses/{}/outline", course.id());
    let id = Uuid::now_v7();
    let bad = json!({"modules": [
    {"title": "A", "after": [id], "complete_when": {"kind": "at_least", "count": 3}, "activities": [
        {"id": id, "title": "Link", "kind": "link"},
        {"id": id, "title": "Task", "kind": "task", "criterion": {"kind": "watched", "percent": 90}},
        {"title": "Content", "kind": "content"},
    ]}]});

    let answer = admin
        .put(&outline, bad)
        .await
        .assert_problem(422, "validation_failed");

    for pointer in [
        "/modules/0/after/0",
        "/modules/0/activities/0/url",
        "/modules/0/activities/1/criterion",
        "/modules/0/activities/1/id",
        "/modules/0/activities/2/content_version_id",
    ] {
        answer.clone().assert_fault(pointer);
    }
}
