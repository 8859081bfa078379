//! What requirements were on a past day, as it was known then or as it is known now; and that what is compares with what should be.

use chrono::TimeDelta;
use provost::{
    db::Fixed,
    enrollment::{new_days, rules::comparison},
    sql,
};
use serde_json::{Value, json};

use super::fixture::{
    change_rule, course, in_days, pass_days, person, requirements, rule, run_jobs, targets,
};
use crate::support::{Answer, Client, TestApp};

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

/// Begins an operation, runs it, and answers it.
async fn finished(app: &TestApp, admin: &Client, path: &str, body: Value) -> Answer {
    let begun = admin.post(path, body).await;
    app.run_jobs();
    let path = format!("/v1/operations/{}", begun.assert_status(202).id());
    admin.get(&path).await.assert_status(200)
}

/// Lets the worker compare, and answers what it found.
async fn compare(app: &TestApp, admin: &Client) -> Value {
    let compared = finished(app, admin, "/v1/requirements/comparisons", json!({})).await;
    compared.at("/result")
}

/// Has put right what a comparison found, however much that ends.
async fn put_right(app: &TestApp, admin: &Client, found: &Value) -> Answer {
    let wish = json!({"plan_hash": found["plan_hash"], "allow_removals_percent": 100});
    finished(app, admin, "/v1/requirements/applications", wish).await
}

#[actix_web::test]
async fn a_comparison_finds_what_nothing_brought_about_and_puts_it_right() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P1Y"));
    rule(&app, &admin, "Production", "P10D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;
    let compare = async || compare(&app, &admin).await;
    let all_is_well = compare().await;
    assert_eq!(
        (&all_is_well["changes"], &all_is_well["differences"]["moved"]),
        (&json!([]), &json!(0))
    );

    app.write(|tx| {
        sql!("UPDATE requirements SET due_on = due_on + 5").execute(tx.conn)?;
        Ok(())
    });
    let found = compare().await;
    assert_eq!(found["differences"]["moved"], json!(1));
    assert_eq!(
        (&found["changes"][0]["user_id"], &found["changes"][0]["kind"]),
        (&json!(ana), &json!("moves"))
    );
    assert_eq!(
        requirements(&admin, ana).await[0]["due_on"],
        json!(in_days(&app, 15))
    );

    let stale = json!({"plan_hash": all_is_well["plan_hash"]});
    let refused = finished(&app, &admin, "/v1/requirements/applications", stale).await;
    assert_eq!(refused.at("/problem/code"), json!("plan_stale"));
    let applied = put_right(&app, &admin, &found).await;
    assert_eq!(applied.at("/result/differences/moved"), json!(1));
    assert_eq!(applied.at("/result/broken"), json!([]));
    assert_eq!(
        requirements(&admin, ana).await[0]["due_on"],
        json!(in_days(&app, 10))
    );
    assert_eq!(compare().await["changes"], json!([]));
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
    let found = compare(&app, &admin).await;
    let applied = put_right(&app, &admin, &found).await;
    for result in [found, applied.at("/result")] {
        assert_eq!(
            (&result["differences"]["left"], &result["differences"]["joined"]),
            (&json!(1), &json!(1))
        );
    }
    assert_eq!(compare(&app, &admin).await["differences"]["left"], json!(0));
}

#[actix_web::test]
async fn putting_right_what_a_comparison_found_ends_no_more_than_was_allowed() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    rule(&app, &admin, "Production", "P10D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;
    app.write(|tx| {
        sql!("UPDATE users SET department = 'Sales' WHERE username = 'ana'").execute(tx.conn)?;
        Ok(())
    });
    let found = compare(&app, &admin).await;
    assert_eq!(
        (&found["live_requirements"], &found["removals_percent"]),
        (&json!(1), &json!(100.0))
    );
    let careful = json!({"plan_hash": found["plan_hash"]});
    let refused = finished(&app, &admin, "/v1/requirements/applications", careful).await;
    assert_eq!(refused.at("/problem/code"), json!("plan_removes_too_much"));
    app.write(comparison::begin_weekly);
    app.run_jobs();
    assert_eq!(requirements(&admin, ana).await[0]["status"], "open");
    put_right(&app, &admin, &found).await;
    assert_eq!(requirements(&admin, ana).await[0]["status"], "ended");

    let lead = app.client_of(person(&admin, "lead", "Sales").await);
    for path in ["comparisons", "applications"] {
        let body = if path == "comparisons" {
            json!({})
        } else {
            json!({"plan_hash": "x"})
        };
        let refused = lead.post(&format!("/v1/requirements/{path}"), body).await;
        refused.assert_problem(403, "forbidden");
    }
}

#[actix_web::test]
async fn the_comparison_of_the_week_puts_right_a_little() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    rule(&app, &admin, "Production", "P10D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;
    app.write(|tx| {
        sql!("UPDATE requirements SET due_on = due_on + 5").execute(tx.conn)?;
        Ok(())
    });
    app.write(comparison::begin_weekly);
    app.run_jobs();
    let due_on = &requirements(&admin, ana).await[0]["due_on"];
    assert_eq!(due_on, &json!(in_days(&app, 10)));
    let told = admin
        .get("/v1/operations?filter=kind%20eq%20%22requirement.comparison%22")
        .await;
    assert_eq!(told.at("/data/0/result/differences/moved"), json!(1));
}

/// Corrects a completion, and answers the correction's id.
async fn corrected(admin: &Client, completion: &str, changes: Value) -> String {
    let mut body = json!({"reason": "Looked at again."});
    body.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    let path = format!("/v1/completions/{completion}/corrections");
    admin.post(&path, body).await.assert_status(201).id()
}

#[actix_web::test]
async fn earlier_cycles_keep_their_dates_when_words_are_corrected_and_come_back_when_a_void_is_taken_back() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let body = json!({"code": "yearly", "name": "Yearly", "targets": targets(&[fire]),
        "audience": {"filter": "department eq \"Production\""}, "due": {"kind": "after_joining", "offset": "P10D"},
        "repeat": {"kind": "after_completion", "period": "P1Y"}});
    let yearly = admin.post("/v1/rules", body).await.assert_status(201).id();
    let path = format!("/v1/rules/{yearly}");
    admin
        .post(&format!("{path}/activation"), json!({}))
        .await
        .assert_status(200);
    let ana = person(&admin, "ana", "Production").await;
    run_jobs(&app);
    let done = json!({"user_id": ana, "course_id": fire});
    let completion = admin.post("/v1/completions", done).await.assert_status(201).id();
    app.write(|tx| new_days::begin(tx).map(drop));
    let admin = pass_days(&app, 360).await;
    // Nobody has done yet what the days between brought.
    let found = compare(&app, &admin).await;
    assert_eq!(
        (&found["differences"]["opened"], &found["changes"]),
        (&json!(0), &json!([]))
    );
    let before = requirements(&admin, ana).await;
    assert_eq!(before.len(), 2);
    // Until when an earlier cycle counted was said by the rule as it was then.
    let longer = json!({"repeat": {"kind": "after_completion", "period": "P2Y"}});
    change_rule(&app, &admin, &path, longer).await;
    let states_now = async || {
        let all = requirements(&admin, ana).await;
        let states = all
            .iter()
            .map(|one| [one["status"].clone(), one["valid_until"].clone()]);
        states.collect::<Vec<_>>()
    };
    let kept = states_now().await;
    let completion = corrected(&admin, &completion, json!({"evidence": "A typo less"})).await;
    assert_eq!(states_now().await, kept);
    let all = requirements(&admin, ana).await;
    assert_eq!(all[0]["completion_id"], json!(completion));

    let void = corrected(&admin, &completion, json!({"is_void": true})).await;
    let all = requirements(&admin, ana).await;
    assert_eq!(
        (&all[0]["status"], &all[0]["end_reason"]),
        (&json!("ended"), &json!("evidence_gone"))
    );
    assert_eq!(all[1]["status"], json!("overdue"));
    let as_of = format!("filter=user_id%20eq%20%22{ana}%22&as_of={}", in_days(&app, -100));
    assert_eq!(states(&admin, &as_of).await[0].0, "overdue");
    let back = corrected(&admin, &void, json!({"is_void": false})).await;
    let all = requirements(&admin, ana).await;
    assert_eq!(
        (&all[0]["status"], &all[0]["completion_id"]),
        (&json!("satisfied"), &json!(back))
    );
    assert_eq!(compare(&app, &admin).await["broken"], json!([]));
}

/// Rows changed by hand break every invariant that Provost can put right, and one that it cannot.
#[actix_web::test]
async fn what_must_hold_and_does_not_is_found_and_put_right() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P1Y"));
    rule(&app, &admin, "Production", "P10D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;
    let done = json!({"user_id": ana, "course_id": fire});
    admin.post("/v1/completions", done).await.assert_status(201);
    let admin = pass_days(&app, 360).await;
    run_jobs(&app);
    let before = requirements(&admin, ana).await;
    assert_eq!(before.len(), 2);
    let mut absences = Vec::new();
    for (from, to) in [(400, 410), (420, 430)] {
        let (starts_on, ends_on) = (in_days(&app, from), in_days(&app, to));
        let body = json!({"user_id": ana, "kind": "sickness", "starts_on": starts_on, "ends_on": ends_on});
        absences.push(admin.post("/v1/absences", body).await.assert_status(201).id());
    }

    app.write(|tx| {
        let statements = [
            "UPDATE requirements SET valid_until = '2040-01-01' WHERE cycle = 1",
            "UPDATE requirements SET due_on = due_on + 5 WHERE cycle = 2",
            "UPDATE requirement_history SET superseded_at = superseded_at + interval '1 day'",
            "UPDATE absences SET starts_on = starts_on - 15 WHERE starts_on = (SELECT max(starts_on) FROM absences)",
            "UPDATE rule_members SET left_on = joined_on - 1",
        ];
        for statement in statements {
            sql!("{statement}", statement = Fixed(statement)).execute(tx.conn)?;
        }
        Ok(())
    });
    let found = compare(&app, &admin).await;
    let names: Vec<_> = found["broken"].as_array().unwrap().iter().collect();
    let names: Vec<_> = names.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["due dates", "validity", "histories", "absences", "audiences"]
    );
    assert_eq!(found["broken"][1]["ids"], json!([before[0]["id"]]));
    assert_eq!(found["broken"][3]["ids"], json!([absences[1]]));

    let applied = put_right(&app, &admin, &found).await;
    assert_eq!(applied.at("/result/broken"), json!([]), "{}", applied.text());
    let all = requirements(&admin, ana).await;
    assert_eq!(all[0]["valid_until"], before[0]["valid_until"]);
    let archived = admin.get(&format!("/v1/absences/{}", absences[1])).await;
    assert!(!archived.at("/archived_at").is_null());
    assert_eq!(compare(&app, &admin).await["broken"], json!([]));

    app.write(|tx| {
        sql!("UPDATE requirements SET cycle = 3 WHERE cycle = 2").execute(tx.conn)?;
        Ok(())
    });
    let found = compare(&app, &admin).await;
    assert_eq!(
        (&found["broken"][0]["name"], &found["broken"][0]["is_repairable"]),
        (&json!("cycles"), &json!(false))
    );
}
