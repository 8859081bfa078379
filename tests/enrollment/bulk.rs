//! Bulk requests about facts: each row is answered as it would be by itself.

use chrono::TimeDelta;
use provost::{authz::Permission, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{course, draft, in_days, outline, person, requirements, rule, today};
use crate::support::{Answer, Client, TestApp};

const NOBODY: &str = "0199d1c2-7e5b-7cc0-8f3a-5d1f0a6b7c8d";

/// The row `index` as it is answered.
fn resource(answer: &Answer, index: usize) -> Value {
    answer.at(&format!("/results/{index}/resource"))
}

/// An academy with people and courses of every kind, and callers of every reach.
struct Academy {
    app: TestApp,
    people: Vec<Uuid>,
    courses: Vec<Uuid>,
    callers: Vec<Client>,
}

impl Academy {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let admin = app.admin().await;
        let id = |answer: Answer| -> Uuid { answer.assert_status(201).id().parse().unwrap() };
        let unit = id(admin
            .post("/v1/org-units", json!({"code": "u", "name": "U"}))
            .await);
        let fenced = json!({"code": "fenced", "name": "F", "visibility": "restricted"});
        let category = id(admin.post("/v1/categories", fenced).await);
        let mut people = Vec::new();
        for name in ["in_unit", "outside", "reader", "left", "learner"] {
            people.push(person(&admin, name, "Production").await);
        }
        let patch = json!({"org_unit_id": unit});
        admin
            .patch(&format!("/v1/users/{}", people[0]), patch)
            .await
            .assert_status(200);
        let (open, closed, gone) = (
            course(&app, "open", None),
            course(&app, "closed", None),
            course(&app, "gone", None),
        );
        let courses = vec![open, closed, draft(&app, "draft"), gone, NOBODY.parse().unwrap()];
        app.write(|tx| {
            sql!("UPDATE courses SET category_id = {category} WHERE id = {closed}").execute(tx.conn)?;
            sql!("UPDATE courses SET status = 'retired' WHERE id = {gone}").execute(tx.conn)?;
            Ok(())
        });
        // The restricted course concerns the learner, and a role shows it to the reader.
        let taken = json!({"user_id": people[4], "course_id": closed});
        admin.post("/v1/enrollments", taken).await.assert_status(201);
        app.grant("user", people[2], "auditor", &[("category", Some(category))]);
        let left = json!({"status": "archived"});
        admin
            .patch(&format!("/v1/users/{}", people[3]), left)
            .await
            .assert_status(200);
        people.push(NOBODY.parse().unwrap());
        let all = &[
            Permission::EnrollmentsWrite,
            Permission::RequirementsWrite,
            Permission::CompletionsWrite,
        ];
        let callers = vec![
            app.holding(all, "everything", None),
            app.holding(all, "org_unit", Some(unit)),
            app.holding(all, "category", Some(category)),
            app.holding(all, "course", Some(open)),
            app.holding(&[], "everything", None),
        ];
        Academy {
            app,
            people,
            courses,
            callers,
        }
    }

    /// What can be said of every person and every course, and of some twice.
    fn bodies(&self, path: &str) -> Vec<Value> {
        let (today, before) = (today(&self.app), in_days(&self.app, -1));
        let pairs = self
            .people
            .iter()
            .flat_map(|user| self.courses.iter().map(move |course| (user, course)));
        let mut bodies = Vec::new();
        for (number, (user, course)) in pairs.enumerate() {
            let mut body = match path {
                "requirements" => json!({"user_id": user, "target": {"kind": "course", "id": course}}),
                _ => json!({"user_id": user, "course_id": course}),
            };
            if path == "completions" {
                let ahead = number % 7 == 3;
                let hour = if ahead {
                    "2099-01-01".into()
                } else {
                    today.to_string()
                };
                body["occurred_at"] = json!(format!("{hour}T00:00:00Z"));
            }
            if path == "requirements" && number % 7 == 3 {
                body["due_on"] = json!(before);
            }
            bodies.push(body.clone());
            if number % 5 == 0 {
                if path == "completions" && number % 2 == 0 {
                    body["score"] = json!(50);
                }
                bodies.push(body);
            }
        }
        bodies
    }
}

#[actix_web::test]
async fn each_row_is_answered_as_it_would_be_by_itself() {
    let (one_by_one, at_once) = (Academy::open().await, Academy::open().await);
    for path in ["enrollments", "requirements", "completions"] {
        for (caller, callers) in one_by_one.callers.iter().zip(&at_once.callers).enumerate() {
            let mut singly = Vec::new();
            for body in one_by_one.bodies(path) {
                let answer = callers.0.post(&format!("/v1/{path}"), body).await;
                singly.push(answer.outcome());
            }
            let rows = at_once
                .bodies(path)
                .into_iter()
                .map(|body| json!({"create": body}));
            let answer = callers.1.bulk(&format!("/v1/{path}"), rows).await;
            if answer.status == 403 {
                assert!(
                    singly.iter().all(|one| one == "403 forbidden"),
                    "{path} {caller}: {singly:?}"
                );
                continue;
            }
            assert_eq!(
                answer.assert_status(200).row_outcomes(),
                singly,
                "{path} {caller}"
            );
        }
    }
    assert_eq!(events(&one_by_one.app), events(&at_once.app));
}

/// How many events of each kind the ledger holds. Of a single completion the certificate is left to a job.
fn events(app: &TestApp) -> Vec<(String, i64)> {
    use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, dsl};
    use provost::db::schema::events::dsl::{action, events};
    app.write(|tx| {
        let counts = events
            .filter(action.ne("certificate.issued"))
            .group_by(action)
            .order(action.asc());
        Ok(counts.select((action, dsl::count_star())).load(tx.conn)?)
    })
}

#[actix_web::test]
async fn requests_about_the_same_users_wait_for_each_other_and_are_all_answered() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, first_aid) = (course(&app, "fire", None), course(&app, "first-aid", None));
    let mut rows = Vec::new();
    let mut people = Vec::new();
    for number in 0..8 {
        let user = person(&admin, &format!("p{number}"), "P").await;
        rows.push(json!({"create": {"user_id": user, "course_id": fire}}));
        people.push(user);
    }
    let enrolled = admin.bulk("/v1/enrollments", rows).await.assert_status(200);

    // Each withdraws some and enrolls the others, so that facts and users come in another order in each.
    let requests = (0..8).map(|shift| {
        let rows = (0..8).map(|number| {
            let index = (number + shift) % 8;
            match number < 4 {
                true => json!({"id": resource(&enrolled, index)["id"], "withdraw": {}}),
                false => json!({"create": {"user_id": people[index], "course_id": first_aid}}),
            }
        });
        admin.bulk("/v1/enrollments", rows.collect::<Vec<_>>())
    });
    for answer in futures_util::future::join_all(requests).await {
        answer.assert_status(200);
    }

    let live = admin
        .get("/v1/enrollments?filter=state%20ne%20%22withdrawn%22")
        .await;
    assert_eq!(live.at("/data").as_array().unwrap().len(), 8, "{}", live.text());
}

#[actix_web::test]
async fn enrollments_are_withdrawn_and_made_in_one_request() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let (ana, bea) = (person(&admin, "ana", "P").await, person(&admin, "bea", "P").await);
    let body = |user: Uuid| json!({"user_id": user, "course_id": fire});
    let enrolled = admin
        .post("/v1/enrollments", body(ana))
        .await
        .assert_status(201)
        .id();
    let rows = vec![
        json!({"create": body(ana)}),
        json!({"create": body(bea)}),
        json!({"create": body(bea)}),
        json!({"id": enrolled, "version": 1, "withdraw": {"reason": "Another team."}}),
        json!({"id": enrolled, "withdraw": {}}),
        json!({"id": NOBODY, "withdraw": {}}),
        json!({"id": enrolled, "withdraw": {"reason": 5}}),
        json!({"id": enrolled}),
    ];
    let once = admin.with("Idempotency-Key", "k");
    let answer = once
        .bulk("/v1/enrollments", rows.clone())
        .await
        .assert_status(200);
    let expected = [
        "201",
        "201",
        "409 already_enrolled",
        "200",
        "409 conflict",
        "404 not_found",
        "422 validation_failed /withdraw/reason",
        "422 validation_failed",
    ];
    let told: Vec<String> = answer
        .row_outcomes()
        .iter()
        .map(|row| row.trim().to_owned())
        .collect();
    assert_eq!(told, expected);
    assert_eq!(resource(&answer, 3)["state"], json!("withdrawn"));
    assert_eq!(once.bulk("/v1/enrollments", rows).await.json(), answer.json());
    let stored = admin.get(&format!("/v1/enrollments/{enrolled}")).await;
    assert_eq!(stored.json(), resource(&answer, 3));
    app.run_jobs();
    let why = admin
        .get("/v1/events?filter=action%20eq%20%22enrollment.withdrawn%22")
        .await;
    assert_eq!(why.at("/data/0/reason"), json!("Another team."), "{}", why.text());
}

#[actix_web::test]
async fn completions_complete_and_satisfy_and_a_correction_takes_their_place() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P365D"));
    rule(&app, &admin, "Production", "P30D", &[fire]).await;
    let mut people = Vec::new();
    for name in ["ana", "bea", "cem"] {
        people.push(person(&admin, name, "Production").await);
    }
    let at = (app.app.clock.now() - TimeDelta::days(10)).to_rfc3339();
    let body = |user: Uuid| json!({"user_id": user, "course_id": fire, "occurred_at": at});
    let rows: Vec<Value> = people.iter().map(|user| json!({"create": body(*user)})).collect();
    let mut differing = body(people[0]);
    differing["score"] = json!(70);
    let more = vec![json!({"create": body(people[0])}), json!({"create": differing})];
    let rows: Vec<Value> = rows.into_iter().chain(more).collect();
    let answer = admin.bulk("/v1/completions", rows).await.assert_status(200);
    assert_eq!(
        answer.row_outcomes(),
        ["201", "201", "201", "200", "409 completion_exists"]
    );
    assert_eq!(resource(&answer, 3), resource(&answer, 0));
    for user in &people {
        assert_eq!(outline(&admin, *user).await[0].0, "satisfied");
    }
    let states = admin
        .get("/v1/enrollments?filter=state%20eq%20%22completed%22")
        .await;
    assert_eq!(states.at("/data").as_array().unwrap().len(), 3);

    let correct = |index: usize, days: i64| {
        let occurred_at = (app.app.clock.now() - TimeDelta::days(days)).to_rfc3339();
        json!({"id": resource(&answer, index)["id"], "correct": {"occurred_at": occurred_at, "reason": "Typed wrong."}})
    };
    let rows = vec![correct(0, 20), correct(1, 900), correct(0, 30)];
    let corrected = admin.bulk("/v1/completions", rows).await.assert_status(200);
    assert_eq!(corrected.row_outcomes(), ["201", "201", "409 conflict"]);
    assert_eq!(
        resource(&corrected, 0)["supersedes_id"],
        resource(&answer, 0)["id"]
    );
    let ana = &requirements(&admin, people[0]).await[0];
    assert_eq!(ana["completion_id"], resource(&corrected, 0)["id"]);
    let bea: Vec<String> = outline(&admin, people[1])
        .await
        .into_iter()
        .map(|row| row.0)
        .collect();
    assert_eq!(bea, ["open"], "what never counted satisfies nothing");
    let stored = admin
        .get(&format!(
            "/v1/completions/{}",
            resource(&corrected, 0)["id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(stored.json(), resource(&corrected, 0));
}

#[actix_web::test]
async fn requirements_get_reasons_and_lose_them() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    rule(&app, &admin, "Production", "P30D", &[fire]).await;
    let (ana, bea) = (
        person(&admin, "ana", "Production").await,
        person(&admin, "bea", "Sales").await,
    );
    let create = |user: Uuid, days: i64| json!({"create": {"user_id": user, "target": {"kind": "course", "id": fire}, "due_on": in_days(&app, days)}});
    let rows = vec![create(ana, 5), create(bea, 9), create(bea, 7), create(bea, -1)];
    let answer = admin.bulk("/v1/requirements", rows).await.assert_status(200);
    assert_eq!(
        answer.row_outcomes(),
        ["201", "201", "201", "422 validation_failed /due_on"]
    );
    assert_eq!(resource(&answer, 0)["reasons"].as_array().unwrap().len(), 2);
    assert_eq!(resource(&answer, 1), resource(&answer, 2));
    assert_eq!(resource(&answer, 1)["due_on"], json!(in_days(&app, 7)));

    let remove = |index: usize, reason: usize| {
        let requirement = resource(&answer, index);
        json!({"id": requirement["id"], "remove_reason": {"reason_id": requirement["reasons"][reason]["id"]}})
    };
    let rows = vec![remove(0, 1), remove(1, 0)];
    let removed = admin.bulk("/v1/requirements", rows).await.assert_status(200);
    assert_eq!(removed.row_outcomes(), ["200", "200"]);
    assert_eq!(
        outline(&admin, ana).await,
        [("open".into(), Some(in_days(&app, 30)))]
    );
    assert_eq!(
        outline(&admin, bea).await,
        [("open".into(), Some(in_days(&app, 7)))]
    );
    let rows = vec![remove(0, 0), remove(1, 1)];
    let removed = admin.bulk("/v1/requirements", rows).await.assert_status(200);
    assert_eq!(removed.row_outcomes(), ["409 conflict", "200"]);
    assert_eq!(resource(&removed, 1)["end_reason"], json!("withdrawn"));
}

/// However many rows there are, the statements are the same.
#[actix_web::test]
async fn a_thousand_rows_are_one_transaction() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let rows = (0..1_000).map(|number| {
        json!({"row_key": number.to_string(),
            "create": {"username": format!("u{number}"), "given_name": "U", "family_name": "V"}})
    });
    let people = json!({"rows": rows.collect::<Vec<_>>()});
    let people = admin
        .post("/v1/users/bulk", people)
        .await
        .assert_status(200)
        .at("/results");
    for path in ["requirements", "enrollments", "completions"] {
        let asked = match path {
            "requirements" => json!({"target": {"kind": "course", "id": fire}}),
            _ => json!({"course_id": fire}),
        };
        let rows = (0..1_000).map(|number| {
            let mut body = asked.clone();
            body["user_id"] = people[number]["resource"]["id"].clone();
            json!({"create": body})
        });
        let answer = admin.bulk(&format!("/v1/{path}"), rows).await.assert_status(200);
        // Who must take a course is enrolled in it already.
        let expected = if path == "enrollments" {
            "409 already_enrolled"
        } else {
            "201"
        };
        let told = answer.row_outcomes();
        assert!(told.iter().all(|row| row == expected), "{path}: {}", told[0]);
    }
}
