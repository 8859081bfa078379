//! What the tests of this domain arrange: people through HTTP, courses beneath it.

use chrono::{NaiveDate, TimeDelta};
use provost::{enrollment::rules::comparison::SettleEverybody, sql, text::fold};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Client, TestApp};

/// A published course whose completions count for `validity`.
pub fn course(app: &TestApp, code: &str, validity: Option<&str>) -> Uuid {
    let course = draft(app, code);
    let version = Uuid::now_v7();
    app.write(|tx| {
        sql!(
            "INSERT INTO course_versions (id, course_id, number, title, summary, description, language,
                validity_period, modules, frozen_at, published_at)
             VALUES ({version}, {course}, 1, {code}, '', '', 'en', {validity}, '[]', {tx.now}, {tx.now})",
            validity = validity.map(str::to_owned),
        )
        .execute(tx.conn)?;
        sql!("UPDATE courses SET status = 'published', current_version_id = {version} WHERE id = {course}")
            .execute(tx.conn)?;
        Ok(())
    });
    course
}

/// A course that nobody can take yet.
pub fn draft(app: &TestApp, code: &str) -> Uuid {
    let course = Uuid::now_v7();
    app.write(|tx| {
        sql!(
            "INSERT INTO courses (id, code, code_folded, status, title, language, created_at,
                updated_at)
             VALUES ({course}, {code}, {folded}, 'draft', {code}, 'en', {tx.now}, {tx.now})",
            folded = fold(code),
        )
        .execute(tx.conn)?;
        Ok(())
    });
    course
}

/// A person of a department.
pub async fn person(admin: &Client, username: &str, department: &str) -> Uuid {
    let body = json!({"username": username, "given_name": username, "family_name": "Test", "department": department});
    admin
        .post("/v1/users", body)
        .await
        .assert_status(201)
        .id()
        .parse()
        .unwrap()
}

/// Courses as targets.
pub fn targets(courses: &[Uuid]) -> Value {
    courses
        .iter()
        .map(|id| json!({"kind": "course", "id": id}))
        .collect()
}

/// Moves a person to a department.
pub async fn transfer(admin: &Client, user: Uuid, department: &str) {
    admin
        .patch(&format!("/v1/users/{user}"), json!({"department": department}))
        .await
        .assert_status(200);
}

/// An active rule of a department: its courses are due so long after joining.
pub async fn rule(app: &TestApp, admin: &Client, department: &str, offset: &str, courses: &[Uuid]) -> String {
    let body = json!({
        "code": format!("{department}-{offset}"),
        "name": department,
        "audience": {"filter": format!("department eq \"{department}\"")},
        "targets": targets(courses),
        "due": {"kind": "after_joining", "offset": offset},
    });
    let rule = admin.post("/v1/rules", body).await.assert_status(201).id();
    activate(app, admin, &rule).await;
    rule
}

pub async fn activate(app: &TestApp, admin: &Client, rule: &str) {
    admin
        .post(&format!("/v1/rules/{rule}/activation"), json!({}))
        .await
        .assert_status(200);
    run_jobs(app);
}

/// Asks for `what` of a rule, lets the worker do it, and answers the operation.
pub async fn operation(app: &TestApp, admin: &Client, path: &str, what: &str, wish: Value) -> Answer {
    let begun = admin
        .post(&format!("{path}/{what}"), wish)
        .await
        .assert_status(202);
    app.run_jobs();
    admin
        .get(begun.header("location").unwrap())
        .await
        .assert_status(200)
}

/// The plan of a rule.
pub async fn plan(app: &TestApp, admin: &Client, path: &str, wish: Value) -> Value {
    let operation = operation(app, admin, path, "plans", wish).await;
    assert_eq!(operation.at("/status"), json!("succeeded"));
    operation.at("/result")
}

/// Changes an active or paused rule as that is done: by a plan that is applied. An empty change resumes a paused one.
pub async fn change_rule(app: &TestApp, admin: &Client, path: &str, changes: Value) {
    let planned = plan(app, admin, path, json!({"changes": changes})).await;
    let wish = json!({"plan_hash": planned["plan_hash"], "changes": changes, "allow_removals_percent": 100});
    let applied = operation(app, admin, path, "applications", wish).await;
    assert_eq!(applied.at("/status"), json!("succeeded"), "{}", applied.text());
}

/// Archives an active or paused rule as that is done: by a plan that is applied.
pub async fn archive_rule(app: &TestApp, admin: &Client, path: &str) {
    let planned = plan(app, admin, path, json!({"becomes": "archived"})).await;
    let wish =
        json!({"plan_hash": planned["plan_hash"], "becomes": "archived", "allow_removals_percent": 100});
    let applied = operation(app, admin, path, "applications", wish).await;
    assert_eq!(applied.at("/status"), json!("succeeded"), "{}", applied.text());
}

/// Does what changed rules left for later, and what a new day brings.
pub fn run_jobs(app: &TestApp) {
    app.write(|tx| tx.enqueue(&SettleEverybody { operation: None }));
    app.run_jobs();
}

/// Every requirement of a person, oldest first.
pub async fn requirements(client: &Client, user: Uuid) -> Vec<Value> {
    let path = format!("/v1/requirements?filter=user_id%20eq%20%22{user}%22");
    let page = client.get(&path).await.assert_status(200);
    page.at("/data").as_array().unwrap().clone()
}

/// Statuses and due dates of a person's requirements, oldest first.
pub async fn outline(client: &Client, user: Uuid) -> Vec<(String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    requirements(client, user)
        .await
        .iter()
        .map(|one| (text(&one["status"]).unwrap(), text(&one["due_on"])))
        .collect()
}

/// Lets days pass; answers the administrator with a token that is still good.
pub async fn pass_days(app: &TestApp, days: i64) -> Client {
    app.app.clock.advance(TimeDelta::days(days));
    app.admin().await
}

/// The day so many days from the app's today.
pub fn in_days(app: &TestApp, days: i64) -> String {
    (today(app) + TimeDelta::days(days)).to_string()
}

pub fn today(app: &TestApp) -> NaiveDate {
    app.app.clock.now().date_naive()
}

/// How many events there are.
pub fn events(app: &TestApp) -> i64 {
    use diesel::{QueryDsl, RunQueryDsl};
    app.write(|tx| Ok(provost::db::schema::events::table.count().get_result(tx.conn)?))
}
