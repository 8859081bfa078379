use diesel::{Connection, PgConnection, connection::SimpleConnection};
use provost::{
    db::sql::uuid_v7,
    enrollment::rules::plan_job::ApplyRuleJob,
    jobs::{self, Handler, Worker},
    sql,
};
use serde_json::{Value, json};

use super::fixture::{
    course, in_days, operation, outline, pass_days, person, plan, requirements, rule, run_jobs, transfer,
};
use crate::support::{Client, TestApp, WAITING_FOR_LOCKS, count, process::Process, wait_until};

async fn draft(admin: &Client, department: &str, course: uuid::Uuid) -> String {
    let body = json!({
        "code": department, "name": department, "audience": {"filter": format!("department eq \"{department}\"")},
        "targets": [{"kind": "course", "id": course}], "due": {"kind": "after_joining", "offset": "P30D"},
    });
    let rule = admin.post("/v1/rules", body).await.assert_status(201).id();
    format!("/v1/rules/{rule}")
}

#[actix_web::test]
async fn a_plan_shows_what_applying_it_does_and_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    let bea = person(&admin, "bea", "Production").await;
    admin
        .post("/v1/completions", json!({"user_id": bea, "course_id": fire}))
        .await
        .assert_status(201);
    let path = draft(&admin, "Production", fire).await;

    let planned = plan(&app, &admin, &path, json!({})).await;
    assert_eq!(
        (&planned["opens"], &planned["satisfied"], &planned["joins"]),
        (&json!(1), &json!(1), &json!(2))
    );
    assert_eq!(
        (&planned["changes"][0]["user_id"], &planned["changes"][0]["kind"]),
        (&json!(ana), &json!("opens"))
    );
    assert_eq!(requirements(&admin, ana).await, Vec::<Value>::new());
    assert_eq!(admin.get(&path).await.at("/status"), json!("draft"));
    let again = plan(&app, &admin, &path, json!({})).await;
    assert_eq!(again["plan_hash"], planned["plan_hash"]);

    let wish = json!({"plan_hash": planned["plan_hash"]});
    let done = operation(&app, &admin, &path, "applications", wish).await;
    assert_eq!(
        (done.at("/status"), done.at("/result/opened")),
        (json!("succeeded"), json!(2))
    );
    assert_eq!(done.at("/progress"), done.at("/total"));
    assert_eq!(outline(&admin, ana).await[0].0, "open");
    assert_eq!(outline(&admin, bea).await[0].0, "satisfied");
}

/// More people than a job settles in a transaction.
const MANY: i64 = 4_100;

/// Many people, every other one in production.
fn many(app: &TestApp) {
    app.write(|tx| {
        sql!(
            "INSERT INTO users (id, username, username_folded, given_name, given_name_folded,
                family_name, family_name_folded, status, department, created_at, updated_at)
             SELECT {new_id}, 'u' || n, 'u' || n, 'Uma', 'uma', n::text, n::text, 'active',
                CASE WHEN n % 2 = 0 THEN 'Production' ELSE 'Sales' END, {tx.now}, {tx.now}
             FROM generate_series(1::bigint, {MANY}) AS n",
            new_id = uuid_v7(tx.now),
        )
        .execute(tx.conn)?;
        Ok(())
    });
}

/// Fault 27: what the attempts of an operation do, adds up. Fault 30: nobody waits for the lease of a dead process.
#[actix_web::test]
async fn the_result_of_an_application_counts_what_a_worker_did_before_it_was_killed() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let path = draft(&admin, "Production", fire).await;
    many(&app);
    let planned = plan(&app, &admin, &path, json!({})).await;
    let wish = json!({"plan_hash": planned["plan_hash"]});
    let begun = admin
        .post(&format!("{path}/applications"), wish)
        .await
        .assert_status(202);
    let operation = begun.header("location").unwrap().to_owned();
    Worker::drain(&app.app, &[Handler::of::<ApplyRuleJob>()]).unwrap();

    // Somebody's row that another transaction holds stops the worker among the last people.
    let mut other = PgConnection::establish(&app.database.url).unwrap();
    other
        .batch_execute(
            "BEGIN; SELECT FROM users WHERE department = 'Production' ORDER BY id DESC LIMIT 1 FOR UPDATE",
        )
        .unwrap();
    let worker = Process::start(&app.database.url, &["worker"]);
    let opened = "SELECT count(*) FROM requirements";
    wait_until("some requirements are open", || count(&app, opened) > 0);
    worker.kill();
    let before = count(&app, opened);
    assert!(before < MANY / 2, "it was killed in the middle");
    other.batch_execute("ROLLBACK").unwrap();
    app.write(|tx| {
        sql!("UPDATE jobs SET lease_until = 'infinity' WHERE state = 'running'").execute(tx.conn)?;
        Ok(())
    });
    wait_until("PostgreSQL sees that the worker is gone", || {
        app.write(|tx| Ok(jobs::store::recover(tx.conn, tx.now)?)) > 0
    });
    app.run_jobs();

    let done = admin.get(&operation).await.assert_status(200);
    assert_eq!(done.at("/status"), json!("succeeded"));
    assert_eq!(done.at("/result/opened"), json!(MANY / 2));
    assert_eq!(done.at("/result/joined"), json!(MANY / 2));
    assert_eq!(done.at("/progress"), done.at("/total"));
    assert_eq!(count(&app, opened), MANY / 2);
}

#[actix_web::test]
async fn a_plan_and_its_application_reach_everybody_however_many() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let path = draft(&admin, "Production", fire).await;
    many(&app);

    let planned = plan(&app, &admin, &path, json!({})).await;
    assert_eq!(planned["opens"], json!(MANY / 2));
    assert_eq!(planned["changes"].as_array().map(Vec::len), Some(100));
    let again = plan(&app, &admin, &path, json!({})).await;
    assert_eq!(again["plan_hash"], planned["plan_hash"]);

    let wish = json!({"plan_hash": planned["plan_hash"]});
    let done = operation(&app, &admin, &path, "applications", wish).await;
    assert_eq!(done.at("/result/opened"), json!(MANY / 2));
    assert_eq!(done.at("/progress"), done.at("/total"));
    let after = plan(&app, &admin, &path, json!({})).await;
    assert_eq!((&after["opens"], &after["moves"]), (&json!(0), &json!(0)));
}

#[actix_web::test]
async fn a_plan_is_stale_where_another_came_first_while_it_was_looked_at() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    person(&admin, "ana", "Production").await;
    let path = draft(&admin, "Production", fire).await;
    let planned = plan(&app, &admin, &path, json!({})).await;
    let wish = json!({"plan_hash": planned["plan_hash"]});
    let application = admin.post(&format!("{path}/applications"), wish).await;
    let application = application.assert_status(202).id();

    let mut other = app.app.db.dedicated_connection().unwrap();
    other
        .batch_execute("BEGIN; LOCK TABLE rule_members IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    std::thread::scope(|threads| {
        let jobs = threads.spawn(|| app.run_jobs());
        while count(&app, WAITING_FOR_LOCKS) == 0 {
            assert!(!jobs.is_finished(), "it waits to see who is a member");
            std::thread::yield_now();
        }
        other
            .batch_execute("UPDATE rules SET version = version + 1; COMMIT")
            .unwrap();
    });

    let refused = admin.get(&format!("/v1/operations/{application}")).await;
    assert_eq!(
        (refused.at("/status"), refused.at("/problem/code")),
        (json!("failed"), json!("plan_stale"))
    );
    assert_eq!(admin.get(&path).await.at("/status"), json!("draft"));
}

#[actix_web::test]
async fn a_stale_plan_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    let path = draft(&admin, "Production", fire).await;
    let planned = plan(&app, &admin, &path, json!({})).await;

    transfer(&admin, ana, "Sales").await;

    let wish = json!({"plan_hash": planned["plan_hash"]});
    let refused = operation(&app, &admin, &path, "applications", wish).await;
    assert_eq!(
        (refused.at("/status"), refused.at("/problem/code")),
        (json!("failed"), json!("plan_stale"))
    );
    assert_eq!(admin.get(&path).await.at("/status"), json!("draft"));
    let dead = admin.get("/v1/jobs?filter=state%20eq%20%22dead%22").await;
    assert_eq!(dead.at("/data"), json!([]));

    let simulated = plan(&app, &admin, &path, json!({"day": in_days(&app, 30)})).await;
    let wish = json!({"plan_hash": simulated["plan_hash"]});
    admin
        .post(&format!("{path}/applications"), wish)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/plan_hash");
}

#[actix_web::test]
async fn a_text_that_cannot_be_in_force_is_refused_before_anything_is_planned() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let path = draft(&admin, "Production", fire).await;
    for what in ["plans", "applications"] {
        let mut wish = json!({"changes": {"audience": {"filter": "department eq"}}});
        if what == "applications" {
            wish["plan_hash"] = json!("0");
        }
        admin
            .post(&format!("{path}/{what}"), wish.clone())
            .await
            .assert_problem(422, "validation_failed");
        wish["changes"] = json!({"targets": []});
        admin
            .post(&format!("{path}/{what}"), wish)
            .await
            .assert_problem(409, "rule_not_ready");
    }
    assert_eq!(admin.get("/v1/operations").await.at("/data"), json!([]));
}

#[actix_web::test]
async fn a_plan_that_ends_too_much_is_refused_unless_that_is_meant() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    let path = format!(
        "/v1/rules/{}",
        rule(&app, &admin, "Production", "P30D", &[fire]).await
    );

    let changes = json!({"audience": {"filter": "department eq \"Sales\""}});
    let planned = plan(&app, &admin, &path, json!({"changes": changes})).await;
    assert_eq!(
        (&planned["ends"], &planned["removals_percent"]),
        (&json!(1), &json!(100.0))
    );
    let mut wish = json!({"plan_hash": planned["plan_hash"], "changes": changes});
    let refused = operation(&app, &admin, &path, "applications", wish.clone()).await;
    assert_eq!(refused.at("/problem/code"), json!("plan_removes_too_much"));

    wish["allow_removals_percent"] = json!(100);
    let done = operation(&app, &admin, &path, "applications", wish).await;
    assert_eq!(done.at("/status"), json!("succeeded"));
    assert_eq!(outline(&admin, ana).await[0].0, "ended");
}

#[actix_web::test]
async fn the_share_that_ends_is_counted_among_open_and_satisfied_requirements_alike() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P1Y"));
    let mut people = Vec::new();
    for n in 0..5 {
        people.push(person(&admin, &format!("u{n}"), "Production").await);
    }
    let path = format!(
        "/v1/rules/{}",
        rule(&app, &admin, "Production", "P30D", &[fire]).await
    );
    for person in &people[..3] {
        admin
            .post("/v1/completions", json!({"user_id": person, "course_id": fire}))
            .await
            .assert_status(201);
    }
    // The first cycle is over and nothing ends it any more: it counts on neither side.
    let admin = pass_days(&app, 350).await;
    run_jobs(&app);
    for person in &people[..3] {
        assert_eq!(requirements(&admin, *person).await.len(), 2);
        admin
            .post("/v1/completions", json!({"user_id": person, "course_id": fire}))
            .await
            .assert_status(201);
    }

    let figures =
        |planned: &Value| ["ends", "live_requirements", "removals_percent"].map(|name| planned[name].clone());
    let without_u0 = json!({"audience": {"filter": "department eq \"Production\" and username ne \"u0\""}});
    let planned = plan(&app, &admin, &path, json!({"changes": without_u0})).await;
    assert_eq!(figures(&planned), [json!(1), json!(5), json!(20.0)]);
    let nobody = json!({"audience": {"filter": "username eq \"nobody\""}});
    let planned = plan(&app, &admin, &path, json!({"changes": nobody})).await;
    assert_eq!(figures(&planned), [json!(5), json!(5), json!(100.0)]);
    let wish = json!({"plan_hash": planned["plan_hash"], "changes": nobody});
    let refused = operation(&app, &admin, &path, "applications", wish).await;
    let detail = refused.at("/problem/detail");
    let begin = "It ends 5 of the 5 requirements that it might, open and satisfied ones: 100.0 percent.";
    assert!(detail.as_str().unwrap().starts_with(begin), "{detail}");
}

#[actix_web::test]
async fn an_explanation_says_why_and_why_not() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let rule = rule(&app, &admin, "Production", "P30D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;
    let bea = person(&admin, "bea", "Sales").await;

    let why = admin
        .get(&format!("/v1/rules/{rule}/explanations/{ana}"))
        .await
        .assert_status(200);
    assert_eq!(
        (why.at("/applies"), why.at("/audience/holds")),
        (json!(true), json!(true))
    );
    assert_eq!(why.at("/requirements/0/due_on"), why.at("/due/due_on"));
    assert!(why.at("/joined_on").is_string());

    admin
        .post(&format!("/v1/rules/{rule}/pause"), json!({}))
        .await
        .assert_status(200);
    let refusal_detail = admin
        .get(&format!("/v1/rules/{rule}/explanations/{bea}"))
        .await
        .assert_status(200);
    assert_eq!(
        refusal_detail.at("/obstacles"),
        json!(["rule_paused", "outside_audience"])
    );
    assert_eq!(refusal_detail.at("/audience/fact/values"), json!(["Sales"]));
    assert_eq!(refusal_detail.at("/requirements"), json!([]));
}
