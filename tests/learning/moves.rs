//! Moves of enrollments from earlier versions of a course to another one.

use provost::{authz::Permission::*, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{activity, contents, course, launches::Browser, learner};
use crate::support::{Answer, Client, TestApp, count};

/// Replaces the modules of a course by these activities in one module, and publishes it.
async fn publish(admin: &Client, course: Uuid, activities: &[Value]) {
    let outline = json!({"modules": [{"title": "Doors", "activities": activities}]});
    let path = format!("/v1/courses/{course}");
    admin
        .put(&format!("{path}/outline"), outline)
        .await
        .assert_status(200);
    let publications = format!("{path}/publications");
    admin.post(&publications, json!({})).await.assert_status(201);
}

async fn plan(caller: &Client, course: Uuid, moves: Value) -> Answer {
    let path = format!("/v1/courses/{course}/enrollment-move-plans");
    caller.post(&path, moves).await.assert_status(200)
}

/// Plans moves and makes them.
async fn apply(app: &TestApp, caller: &Client, course: Uuid, moves: Value) -> Value {
    let hash = plan(caller, course, moves.clone()).await.at("/plan_hash");
    let path = format!("/v1/courses/{course}/enrollment-moves");
    let begun = caller
        .post(&path, json!({"moves": moves, "plan_hash": hash}))
        .await;
    let begun = begun.assert_status(202).id();
    app.run_jobs();
    let operation = caller.get(&format!("/v1/operations/{begun}")).await;
    assert_eq!(
        operation.at("/status"),
        json!("succeeded"),
        "{}",
        operation.text()
    );
    operation.at("/result")
}

fn shows(version: Uuid) -> Value {
    json!({"id": Uuid::now_v7(), "title": "Doors", "kind": "content", "content_version_id": version})
}

/// The activity with other content.
fn with(activity: &Value, more: Value) -> Value {
    let mut activity = activity.clone();
    let members = activity.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    activity
}

/// The number of the version that an enrollment has.
async fn version(admin: &Client, enrollment: &str, course: Uuid) -> Value {
    let id = admin.get(enrollment).await.at("/course_version_id");
    let filter = format!("id%20eq%20{id}").replace('"', "%22");
    let versions = format!("/v1/courses/{course}/versions?filter={filter}");
    admin.get(&versions).await.assert_status(200).at("/data/0/number")
}

#[actix_web::test]
async fn learners_who_move_keep_what_both_versions_have() {
    let app = super::start().await;
    let admin = app.admin().await;
    let page = shows(contents::page(&app));
    let kept = with(
        &shows(contents::package(&app, &["one"])),
        json!({"is_required": false}),
    );
    let replaced = with(&shows(contents::package(&app, &["one"])), json!({"attempts": 1}));
    let film = with(
        &shows(contents::video(&app)),
        json!({"criterion": {"kind": "watched", "percent": 90}, "is_required": false}),
    );
    let dropped = json!({"id": Uuid::now_v7(), "title": "Practice", "kind": "task", "criterion": {"kind": "confirmed"}});
    let first = [&page, &kept, &replaced, &film, &dropped].map(Value::clone);
    let fire = course(&admin, "fire", json!([{"title": "Doors"}])).await;
    publish(&admin, fire, &first).await;

    let (_, new) = learner(&app, &admin, "new", fire).await;
    let (ana, hers) = learner(&app, &admin, "ana", fire).await;
    let (bea, done) = learner(&app, &admin, "bea", fire).await;
    let opened = async |learner: &Client, of: &str, place| {
        Browser::launch(learner, &activity(learner, of, 0, place).await, json!({})).await
    };
    for (learner, of) in [(&ana, &hers), (&bea, &done)] {
        opened(learner, of, 0).await;
    }
    let (going_on, leaving, watching) = (
        opened(&ana, &hers, 1).await,
        opened(&ana, &hers, 2).await,
        opened(&ana, &hers, 3).await,
    );
    going_on
        .set(1, &[("cmi.core.lesson_location", "5")])
        .await
        .assert_status(200);
    leaving
        .set(1, &[("cmi.suspend_data", "old")])
        .await
        .assert_status(200);
    let all = opened(&bea, &done, 2).await;
    all.end(1, &[("cmi.core.lesson_status", "passed")])
        .await
        .assert_status(200);

    // The new version shows other content, and has no practice.
    let package = contents::package(&app, &["one"]);
    let second = [
        page.clone(),
        kept.clone(),
        with(&replaced, json!({"content_version_id": package})),
        with(&film, json!({"content_version_id": contents::video(&app)})),
    ];
    publish(&admin, fire, &second).await;

    let planned = plan(&admin, fire, json!({})).await;
    assert_eq!(
        (
            planned.at("/to_version"),
            planned.at("/moves"),
            planned.at("/versions")
        ),
        (
            json!(3),
            json!(1),
            json!([{"from_version": 2, "not_started": 1, "in_progress": 0, "kept_activities": 4,
                "replaced_activities": 2, "new_activities": 0, "dropped_activities": 1}])
        )
    );
    assert_eq!(
        apply(&app, &admin, fire, json!({})).await,
        json!({"moved": 1, "completed": 0})
    );
    assert_eq!(version(&admin, &new, fire).await, json!(3));
    assert_eq!(version(&admin, &hers, fire).await, json!(2));
    leaving
        .set(2, &[("cmi.suspend_data", "stays")])
        .await
        .assert_status(200);

    let everybody = json!({"in_progress": "move"});
    let stale = plan(&admin, fire, everybody.clone()).await.at("/plan_hash");
    let moves = format!("/v1/courses/{fire}/enrollment-moves");
    let practice = activity(&ana, &hers, 0, 4).await;
    let confirmed = admin.post(&format!("{practice}/confirmations"), json!({})).await;
    confirmed.assert_status(200);
    let body = json!({"moves": everybody, "plan_hash": stale});
    admin
        .post(&moves, body.clone())
        .await
        .assert_problem(409, "plan_stale");
    let result = apply(&app, &admin, fire, everybody.clone()).await;
    assert_eq!(result, json!({"moved": 2, "completed": 1}));
    assert_eq!(admin.get(&done).await.at("/state"), json!("completed"));
    let completions = admin.get("/v1/completions").await;
    assert_eq!(completions.at("/data/0/source"), json!("content"));
    let now = ana.get(&format!("{hers}/activities")).await;
    assert_eq!(
        (
            now.at("/progress_percent"),
            now.at("/modules/0/activities/0/state")
        ),
        (json!(50), json!("completed"))
    );

    // What shows the same goes on; what shows something else ends, and begins again.
    going_on
        .set(2, &[("cmi.core.lesson_location", "6")])
        .await
        .assert_status(200);
    leaving
        .set(9, &[("cmi.suspend_data", "late")])
        .await
        .assert_problem(410, "launch_ended");
    let watched = json!({"ranges": [], "position": 1, "duration": 100});
    let watched = watching
        .client
        .post(&format!("{}_/watched", watching.path), watched)
        .await;
    watched.assert_problem(410, "launch_ended");
    let again = opened(&ana, &hers, 2).await;
    assert_ne!(again.opened.at("/attempt_id"), leaving.opened.at("/attempt_id"));
    assert_eq!(again.get("_/state").await.at("/items"), json!({}));
    let same = opened(&ana, &hers, 1).await;
    assert_eq!(same.opened.at("/attempt_id"), going_on.opened.at("/attempt_id"));

    // To roll back is to publish the earlier version again, and to move.
    let again = json!({"version_number": 2});
    admin
        .post(&format!("/v1/courses/{fire}/publications"), again)
        .await
        .assert_status(201);
    let result = apply(&app, &admin, fire, everybody).await;
    assert_eq!(result, json!({"moved": 2, "completed": 0}));
    assert_eq!(version(&admin, &hers, fire).await, json!(4));
    assert_eq!(
        ana.get(&format!("{hers}/activities"))
            .await
            .at("/progress_percent"),
        json!(66)
    );
    let told = admin
        .get("/v1/events?filter=action%20eq%20%22enrollment.moved%22")
        .await;
    let numbers = |at: &str| told.at(&format!("/data/{at}/course_version_number"));
    assert_eq!((numbers("0/before"), numbers("0/after")), (json!(2), json!(3)));
}

#[actix_web::test]
async fn callers_move_only_enrollments_in_their_scope_and_learners_none() {
    let app = super::start().await;
    let admin = app.admin().await;
    let fire = course(&admin, "fire", json!([{"title": "Doors"}])).await;
    let (ana, hers) = learner(&app, &admin, "ana", fire).await;
    let (_, other) = learner(&app, &admin, "bea", fire).await;
    let body = json!({"code": "plant", "name": "Plant"});
    let plant = admin.post("/v1/org-units", body).await.assert_status(201).id();
    let user = admin.get(&hers).await.at("/user_id");
    let user = format!("/v1/users/{}", user.as_str().unwrap());
    admin
        .patch(&user, json!({"org_unit_id": plant}))
        .await
        .assert_status(200);
    publish(&admin, fire, &[]).await;
    let plans = format!("/v1/courses/{fire}/enrollment-move-plans");
    ana.post(&plans, json!({})).await.assert_problem(403, "forbidden");
    for wrong in [json!({"to_version": 9}), json!({"to_version": 0})] {
        admin.post(&plans, wrong).await.assert_fault("/to_version");
    }

    let unit = Some(plant.parse().unwrap());
    let manager = app.holding(
        &[CoursesRead, EnrollmentsRead, EnrollmentsWrite],
        "org_unit",
        unit,
    );
    assert_eq!(
        apply(&app, &manager, fire, json!({})).await,
        json!({"moved": 1, "completed": 0})
    );

    assert_eq!(version(&admin, &hers, fire).await, json!(2));
    assert_eq!(version(&admin, &other, fire).await, json!(1));
}

/// A part that fails is what a part is that was never begun: those before it stay, and the next attempt goes on.
#[actix_web::test]
async fn an_attempt_that_ends_between_two_parts_leaves_its_count_to_the_next() {
    let app = super::start().await;
    let admin = app.admin().await;
    let fire = course(&admin, "fire", json!([{"title": "Doors"}])).await;
    let people = (0..130).map(|at| {
        let name = format!("l{at}");
        json!({"create": {"username": name, "given_name": name, "family_name": "Test"}})
    });
    let people = admin
        .bulk("/v1/users", people)
        .await
        .assert_status(200)
        .at("/results");
    let enrolled = people
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!({"create": {"user_id": row["resource"]["id"], "course_id": fire}}));
    admin.bulk("/v1/enrollments", enrolled).await.assert_status(200);
    app.write(|tx| {
        sql!(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.user_id::text = (SELECT max(user_id::text) FROM enrollments) THEN RAISE EXCEPTION 'killed'; END IF;
                RETURN NEW; END $$"
        )
        .execute(tx.conn)?;
        sql!("CREATE TRIGGER fail BEFORE UPDATE ON enrollments FOR EACH ROW EXECUTE FUNCTION fail()")
            .execute(tx.conn)?;
        Ok(())
    });
    publish(&admin, fire, &[]).await;
    let hash = plan(&admin, fire, json!({})).await.at("/plan_hash");
    let body = json!({"moves": {}, "plan_hash": hash});
    let begun = admin
        .post(&format!("/v1/courses/{fire}/enrollment-moves"), body)
        .await;
    let operation = format!("/v1/operations/{}", begun.assert_status(202).id());
    let moved = "SELECT count(*) FROM enrollments e JOIN course_versions v ON v.id = e.course_version_id WHERE v.number = 2";

    app.run_jobs();
    assert_eq!(count(&app, moved), 100);
    assert_eq!(admin.get(&operation).await.at("/status"), json!("running"));
    app.write(|tx| Ok(sql!("DROP TRIGGER fail ON enrollments").execute(tx.conn)?));
    app.app.clock.advance(chrono::TimeDelta::hours(1));
    app.run_jobs();

    let admin = app.admin().await;
    assert_eq!(count(&app, moved), 130);
    assert_eq!(
        admin.get(&operation).await.at("/result"),
        json!({"moved": 130, "completed": 0})
    );
}
