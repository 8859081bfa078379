//! The changes of a plan: listed, counted by org unit, and forgotten.

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query,
    sql_types,
};
use provost::{authz::Permission, enrollment::rules::plan_changes::PurgePlans, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{course, in_days, pass_days, person, targets};
use crate::support::{Client, TestApp, count};

const KEPT: &str = "SELECT count(*) FROM requirement_changes";

async fn unit(admin: &Client, code: &str) -> Uuid {
    let body = json!({"code": code, "name": code});
    let unit = admin.post("/v1/org-units", body).await.assert_status(201);
    unit.id().parse().unwrap()
}

async fn person_in(admin: &Client, username: &str, unit: Uuid) -> Uuid {
    let user = person(admin, username, "Production").await;
    admin
        .patch(&format!("/v1/users/{user}"), json!({"org_unit_id": unit}))
        .await
        .assert_status(200);
    user
}

async fn draft(admin: &Client, code: &str, courses: &[Uuid]) -> String {
    let body = json!({"code": code, "name": code, "audience": {"filter": "department eq \"Production\""},
        "targets": targets(courses), "due": {"kind": "after_joining", "offset": "P30D"}});
    let rule = admin.post("/v1/rules", body).await.assert_status(201).id();
    format!("/v1/rules/{rule}")
}

/// Begins a plan, and answers its id.
async fn begin(admin: &Client, rule: &str) -> String {
    admin
        .post(&format!("{rule}/plans"), json!({}))
        .await
        .assert_status(202)
        .id()
}

async fn rows(client: &Client, path: &str) -> Vec<Value> {
    let page = client.get(path).await.assert_status(200);
    page.at("/data").as_array().unwrap().clone()
}

fn outline(rows: &[Value]) -> Vec<(Uuid, &str)> {
    let of = |row: &Value| row["user_id"].as_str().unwrap().parse().unwrap();
    rows.iter()
        .map(|row| (of(row), row["kind"].as_str().unwrap()))
        .collect()
}

#[actix_web::test]
async fn a_plan_lists_its_changes_for_a_day_and_counts_them_by_org_unit() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let (north, south) = (unit(&admin, "north").await, unit(&admin, "south").await);
    let ana = person_in(&admin, "ana", north).await;
    let bea = person_in(&admin, "bea", north).await;
    let cem = person_in(&admin, "cem", south).await;
    admin
        .post("/v1/completions", json!({"user_id": bea, "course_id": fire}))
        .await
        .assert_status(201);
    let rule = draft(&admin, "fire", &[fire]).await;
    let other = draft(&admin, "other", &[fire]).await;
    let plan = begin(&admin, &rule).await;
    let changes = format!("{rule}/plans/{plan}/changes");
    admin.get(&changes).await.assert_problem(404, "not_found");
    app.run_jobs();

    let result = admin.get(&format!("/v1/operations/{plan}")).await.at("/result");
    let counts: Vec<_> = result["org_units"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unit| ["code", "opens", "satisfied", "ends"].map(|name| unit[name].clone()))
        .collect();
    assert_eq!(
        counts,
        [
            [json!("north"), json!(1), json!(1), json!(0)],
            [json!("south"), json!(1), json!(0), json!(0)],
        ]
    );
    let all = rows(&admin, &changes).await;
    assert_eq!(
        outline(&all),
        [(ana, "opens"), (bea, "satisfied"), (cem, "opens")],
        "in the order of the users"
    );
    assert_eq!(all[0]["target"], json!({"kind": "course", "id": fire}));
    assert_eq!(
        [&all[0]["cycle"], &all[0]["due_on"]],
        [&json!(1), &json!(in_days(&app, 30))]
    );
    for (filter, expected) in [
        (format!("user_id eq \"{bea}\""), vec![bea]),
        ("kind eq \"opens\"".to_owned(), vec![ana, cem]),
        ("org_unit eq \"south\"".to_owned(), vec![cem]),
        (format!("due_on gt \"{}\"", in_days(&app, 30)), vec![]),
    ] {
        let path = format!(
            "{changes}?filter={}",
            filter.replace(' ', "%20").replace('"', "%22")
        );
        let found = rows(&admin, &path).await;
        assert_eq!(
            outline(&found).iter().map(|(user, _)| *user).collect::<Vec<_>>(),
            expected,
            "{filter}"
        );
    }
    let shown = rows(&admin, &format!("{changes}?expand=user,course&limit=1")).await;
    assert_eq!(
        [&shown[0]["user"]["username"], &shown[0]["course"]["code"]],
        ["ana", "fire"]
    );
    let first = admin.get(&format!("{changes}?limit=2")).await;
    let cursor = first.at("/next_cursor");
    let next = rows(
        &admin,
        &format!("{changes}?limit=2&cursor={}", cursor.as_str().unwrap()),
    )
    .await;
    assert_eq!(outline(&next), [(cem, "opens")]);
    admin
        .get(&format!("{changes}?cursor=x&sort=kind"))
        .await
        .assert_status(400);

    let reader = app.holding(&[Permission::RulesRead], "everything", None);
    assert_eq!(rows(&reader, &changes).await, Vec::<Value>::new());
    admin
        .get(&format!("{other}/plans/{plan}/changes"))
        .await
        .assert_problem(404, "not_found");
    let admin = pass_days(&app, 1).await;
    admin.get(&changes).await.assert_problem(404, "not_found");
    assert_eq!(count(&app, KEPT), 3);
    app.write(|tx| tx.enqueue(&PurgePlans {}));
    app.run_jobs();
    assert_eq!(count(&app, KEPT), 0);
}

#[actix_web::test]
async fn a_plan_names_nobody_whom_its_maker_may_not_see() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let (north, south) = (unit(&admin, "north").await, unit(&admin, "south").await);
    let ana = person_in(&admin, "ana", north).await;
    let bea = person_in(&admin, "bea", north).await;
    let body = json!({"code": "fire", "name": "Fire", "audience": {"filter": "department eq \"Production\""},
        "org_unit_id": north, "on_leave": "keep", "targets": targets(&[fire]), "due": {"kind": "after_joining", "offset": "P30D"}});
    let rule = admin.post("/v1/rules", body).await.assert_status(201).id();
    let rule = format!("/v1/rules/{rule}");
    admin
        .post(&format!("{rule}/activation"), json!({}))
        .await
        .assert_status(200);
    app.run_jobs();
    admin
        .patch(&format!("/v1/users/{ana}"), json!({"org_unit_id": south}))
        .await
        .assert_status(200);

    let permissions = [
        Permission::RulesRead,
        Permission::RulesWrite,
        Permission::UsersRead,
    ];
    let owner = app.holding(&permissions, "org_unit", Some(north));
    let plan = owner
        .post(&format!("{rule}/plans"), json!({"becomes": "archived"}))
        .await
        .assert_status(202)
        .id();
    app.run_jobs();

    let result = owner.get(&format!("/v1/operations/{plan}")).await.at("/result");
    let named = result["changes"].as_array().unwrap();
    assert_eq!(outline(named), [(bea, "ends")]);
    let units = result["org_units"].as_array().unwrap();
    assert_eq!(
        units.iter().map(|unit| &unit["code"]).collect::<Vec<_>>(),
        ["north"]
    );
    assert_eq!(result["ends"], json!(2), "counts name nobody");
}

#[actix_web::test]
async fn a_plan_that_comes_to_nothing_leaves_no_changes() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    let rule = draft(&admin, "fire", &[fire]).await;

    let cancelled = begin(&admin, &rule).await;
    admin
        .post(&format!("/v1/operations/{cancelled}/cancellation"), json!({}))
        .await
        .assert_status(202);
    app.run_jobs();
    // An attempt that was cut short left a row; the next one finds that there is no such rule.
    let failed = begin(&admin, &rule).await;
    let run: Uuid = failed.parse().unwrap();
    app.write(|tx| {
        sql!("INSERT INTO requirement_changes (user_id, run_id, id, change) VALUES ({ana}, {run}, {run}, 'opens')")
            .execute(tx.conn)?;
        sql!("UPDATE jobs SET payload = payload || jsonb_build_object('rule_id', {run}) WHERE kind = 'rule.plan'")
            .execute(tx.conn)?;
        Ok(())
    });
    app.run_jobs();

    for (plan, status) in [(cancelled, "cancelled"), (failed, "failed")] {
        let operation = admin.get(&format!("/v1/operations/{plan}")).await;
        assert_eq!(operation.at("/status"), json!(status));
        admin
            .get(&format!("{rule}/plans/{plan}/changes"))
            .await
            .assert_problem(404, "not_found");
    }
    assert_eq!(count(&app, KEPT), 0);
}

/// What PostgreSQL plans for any run, as the statements that settle one user are planned.
fn planned_for_any_run(app: &TestApp) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Text, column_name = "QUERY PLAN")]
        line: String,
    }
    let mut conn = PgConnection::establish(&app.database.url).unwrap();
    conn.batch_execute(
        "SET plan_cache_mode = force_generic_plan;
         PREPARE moves (uuid) AS UPDATE rule_members m SET left_on = c.opens_on FROM requirement_changes c
            WHERE c.run_id = $1 AND c.change = 'leaves' AND m.user_id = c.user_id AND m.rule_id = c.rule_id",
    )
    .unwrap();
    let plan = sql_query("EXPLAIN EXECUTE moves ('00000000-0000-0000-0000-000000000000')");
    let lines: Vec<Row> = plan.load(&mut conn).unwrap();
    lines.iter().map(|row| format!("{}\n", row.line)).collect()
}

#[actix_web::test]
async fn kept_changes_of_a_plan_do_not_slow_changes_of_one_user() {
    let app = TestApp::start().await;
    let mut conn = PgConnection::establish(&app.database.url).unwrap();
    conn.batch_execute(
        "INSERT INTO requirement_changes (user_id, run_id, id, change)
         SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000001', gen_random_uuid(), 'leaves' FROM generate_series(1, 20000);
         ANALYZE requirement_changes",
    )
    .unwrap();
    let planned = planned_for_any_run(&app);
    assert!(!planned.contains("Seq Scan on requirement_changes"), "{planned}");

    // Once the plan is forgotten, the table is empty until the next run.
    conn.batch_execute("DELETE FROM requirement_changes").unwrap();
    conn.batch_execute("VACUUM ANALYZE requirement_changes").unwrap();
    let planned = planned_for_any_run(&app);
    assert!(!planned.contains("Seq Scan on requirement_changes"), "{planned}");
}
