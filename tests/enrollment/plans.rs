use serde_json::{Value, json};

use super::fixture::{course, outline, person, requirements, rule, transfer};
use crate::support::{Client, TestApp};

async fn draft(admin: &Client, department: &str, course: uuid::Uuid) -> String {
    let body = json!({
        "code": department, "name": department, "audience": format!("department eq \"{department}\""),
        "course_ids": [course], "due": {"kind": "after_joining", "offset": "P30D"},
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

    let plan = admin
        .post(&format!("{path}/plans"), json!({}))
        .await
        .assert_status(200);
    assert_eq!(
        (plan.at("/opens"), plan.at("/satisfied"), plan.at("/joins")),
        (json!(1), json!(1), json!(2))
    );
    assert_eq!(
        (plan.at("/changes/0/user_id"), plan.at("/changes/0/kind")),
        (json!(ana), json!("opens"))
    );
    assert_eq!(requirements(&admin, ana).await, Vec::<Value>::new());
    assert_eq!(admin.get(&path).await.at("/status"), json!("draft"));
    let again = admin.post(&format!("{path}/plans"), json!({})).await;
    assert_eq!(again.at("/plan_hash"), plan.at("/plan_hash"));

    let operation = admin
        .post(
            &format!("{path}/applications"),
            json!({"plan_hash": plan.at("/plan_hash")}),
        )
        .await
        .assert_status(202);
    app.run_jobs();

    let done = admin
        .get(operation.header("location").unwrap())
        .await
        .assert_status(200);
    assert_eq!(
        (done.at("/status"), done.at("/result/opened")),
        (json!("succeeded"), json!(2))
    );
    assert_eq!(outline(&admin, ana).await[0].0, "open");
    assert_eq!(outline(&admin, bea).await[0].0, "satisfied");
}

#[actix_web::test]
async fn a_stale_plan_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    let path = draft(&admin, "Production", fire).await;
    let plan = admin.post(&format!("{path}/plans"), json!({})).await;

    transfer(&admin, ana, "Sales").await;

    admin
        .post(
            &format!("{path}/applications"),
            json!({"plan_hash": plan.at("/plan_hash")}),
        )
        .await
        .assert_problem(409, "plan_stale");
    assert_eq!(admin.get(&path).await.at("/status"), json!("draft"));
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

    let changes = json!({"audience": "department eq \"Sales\""});
    let plan = admin
        .post(&format!("{path}/plans"), json!({"changes": changes}))
        .await
        .assert_status(200);
    assert_eq!(
        (plan.at("/ends"), plan.at("/removals_percent")),
        (json!(1), json!(100.0))
    );
    let mut wish = json!({"plan_hash": plan.at("/plan_hash"), "changes": changes});
    admin
        .post(&format!("{path}/applications"), wish.clone())
        .await
        .assert_problem(409, "plan_removes_too_much");

    wish["allow_removals_percent"] = json!(100);
    admin
        .post(&format!("{path}/applications"), wish)
        .await
        .assert_status(202);
    app.run_jobs();
    assert_eq!(outline(&admin, ana).await[0].0, "ended");
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
    let why_not = admin
        .get(&format!("/v1/rules/{rule}/explanations/{bea}"))
        .await
        .assert_status(200);
    assert_eq!(
        why_not.at("/obstacles"),
        json!(["rule_paused", "outside_audience"])
    );
    assert_eq!(why_not.at("/audience/fact/values"), json!(["Sales"]));
    assert_eq!(why_not.at("/requirements"), json!([]));
}
