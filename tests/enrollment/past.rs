//! What requirements were on a past day, as it was known then or as it is known now; and that what is compares with what should be.

use chrono::TimeDelta;
use provost::sql;
use serde_json::{Value, json};

use super::fixture::{
    change_rule, course, in_days, pass_days, person, requirements, rule, run_jobs, targets,
};
use crate::support::{Client, TestApp};

async fn states(client: &Client, query: &str) -> Vec<(String, Value)> {
    let page = client
        .get(&format!("/v1/requirements?{query}"))
        .await
        .assert_status(200);
    let rows = page.at("/data").as_array().unwrap().clone();
    rows.iter()
        .map(|one| (one["status"].as_str().unwrap().to_owned(), one["due_on"].clone()))
        .collect()
}

#[actix_web::test]
async fn requirements_are_shown_as_of_a_day_and_as_they_were_known() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P1Y"));
    let asking = rule(&app, &admin, "Production", "P10D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;
    let (first_due, began) = (json!(in_days(&app, 10)), in_days(&app, 0));

    let admin = pass_days(&app, 20).await;
    let late = in_days(&app, -5);
    let before_change = app.app.clock.now();
    app.app.clock.advance(TimeDelta::seconds(1));
    let due = json!({"due": {"kind": "after_joining", "offset": "P40D"}});
    change_rule(&app, &admin, &format!("/v1/rules/{asking}"), due).await;
    let later_due = requirements(&admin, ana).await[0]["due_on"].clone();
    assert_ne!(later_due, first_due);
    let done = json!({"user_id": ana, "course_id": fire});
    admin.post("/v1/completions", done).await.assert_status(201);

    let open = |due: &Value| vec![("open".to_owned(), due.clone())];
    let known = before_change.format("%Y-%m-%dT%H:%M:%S%.6fZ");
    assert_eq!(states(&admin, "").await[0].0, "satisfied");
    assert_eq!(states(&admin, &format!("as_of={late}")).await, open(&later_due));
    assert_eq!(
        states(&admin, &format!("as_of={late}&known_at={known}")).await,
        [("overdue".to_owned(), first_due.clone())]
    );
    assert_eq!(
        states(&admin, &format!("known_at={known}")).await,
        [("overdue".to_owned(), first_due.clone())]
    );
    assert_eq!(
        states(&admin, &format!("as_of={began}&known_at={known}")).await,
        open(&first_due)
    );
    let overdue =
        format!("as_of={late}&known_at={known}&filter=status%20eq%20%22overdue%22&sort=-created_at&limit=1");
    assert_eq!(states(&admin, &overdue).await.len(), 1);
    let day_before = (app.app.clock.now() - TimeDelta::days(30)).date_naive();
    assert_eq!(states(&admin, &format!("as_of={day_before}")).await, []);
    admin
        .get("/v1/requirements?as_of=soon")
        .await
        .assert_problem(400, "invalid_parameter");
    let stranger = app.client_of(person(&admin, "bea", "Sales").await);
    assert_eq!(states(&stranger, &format!("as_of={late}")).await, []);
}

/// Lets the worker compare, and answers what it found.
async fn compare(app: &TestApp, admin: &Client, apply: bool) -> Value {
    let begun = admin
        .post("/v1/requirements/comparisons", json!({"apply": apply}))
        .await;
    app.run_jobs();
    let path = format!("/v1/operations/{}", begun.assert_status(202).id());
    admin.get(&path).await.assert_status(200).at("/result")
}

#[actix_web::test]
async fn a_comparison_finds_what_nothing_brought_about_and_puts_it_right() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P1Y"));
    rule(&app, &admin, "Production", "P10D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;
    let compare = async |apply: bool| compare(&app, &admin, apply).await;
    let all_is_well = compare(false).await;
    assert_eq!(
        (&all_is_well["changes"], &all_is_well["differences"]["moved"]),
        (&json!([]), &json!(0))
    );

    app.write(|tx| {
        sql!("UPDATE requirements SET due_on = due_on + 5").execute(tx.conn)?;
        Ok(())
    });
    let found = compare(false).await;
    assert_eq!(found["differences"]["moved"], json!(1));
    assert_eq!(
        (&found["changes"][0]["user_id"], &found["changes"][0]["kind"]),
        (&json!(ana), &json!("moves"))
    );
    assert_eq!(
        requirements(&admin, ana).await[0]["due_on"],
        json!(in_days(&app, 15))
    );

    assert_eq!(compare(true).await["is_applied"], json!(true));
    assert_eq!(
        requirements(&admin, ana).await[0]["due_on"],
        json!(in_days(&app, 10))
    );
    assert_eq!(compare(false).await["changes"], json!([]));
}

#[actix_web::test]
async fn a_comparison_under_many_rules_finds_who_left_an_audience_and_who_joined_one() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let departments = (0..30).map(|number| format!("department-{number}"));
    for department in departments {
        let body = json!({"code": department, "name": department, "targets": targets(&[fire]),
            "audience": {"filter": format!("department eq \"{department}\"")},
            "due": {"kind": "after_joining", "offset": "P10D"}});
        let rule = admin.post("/v1/rules", body).await.assert_status(201).id();
        let path = format!("/v1/rules/{rule}/activation");
        admin.post(&path, json!({})).await.assert_status(200);
    }
    run_jobs(&app);
    person(&admin, "ana", "department-1").await;
    person(&admin, "bea", "department-2").await;

    app.write(|tx| {
        sql!("UPDATE users SET department = 'department-3' WHERE username = 'ana'").execute(tx.conn)?;
        Ok(())
    });
    for apply in [false, true] {
        let found = compare(&app, &admin, apply).await;
        assert_eq!(
            (&found["differences"]["left"], &found["differences"]["joined"]),
            (&json!(1), &json!(1))
        );
    }
    assert_eq!(
        compare(&app, &admin, false).await["differences"]["left"],
        json!(0)
    );
}
