use provost::period::Period;
use serde_json::json;

use super::fixture::{
    activate, archive_rule, change_rule, course, draft, events, in_days, outline, pass_days, person,
    requirements, rule, run_jobs, targets, today, transfer,
};
use crate::support::{TestApp, count};

#[actix_web::test]
async fn moving_between_departments_changes_requirements_in_the_same_request() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, food) = (course(&app, "fire", None), course(&app, "food", None));
    rule(&app, &admin, "Production", "P30D", &[fire]).await;
    rule(&app, &admin, "Canteen", "P14D", &[food]).await;

    let ana = person(&admin, "ana", "Production").await;
    assert_eq!(
        outline(&admin, ana).await,
        [("open".into(), Some(in_days(&app, 30)))]
    );

    transfer(&admin, ana, "Canteen").await;

    let after = requirements(&admin, ana).await;
    assert_eq!(
        (&after[0]["status"], &after[0]["end_reason"]),
        (&json!("ended"), &json!("left_audience"))
    );
    assert_eq!(
        (
            &after[1]["status"],
            &after[1]["target"]["id"],
            &after[1]["due_on"]
        ),
        (&json!("open"), &json!(food), &json!(in_days(&app, 14)))
    );
}

#[actix_web::test]
async fn of_two_reasons_the_earliest_due_date_counts_and_the_last_one_ends_the_requirement() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let slow = rule(&app, &admin, "Production", "P60D", &[fire]).await;
    let quick = rule(&app, &admin, "Production", "P7D", &[fire]).await;

    let ana = person(&admin, "ana", "Production").await;
    let requirement = requirements(&admin, ana).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let read = admin.get(&format!("/v1/requirements/{requirement}")).await;
    assert_eq!(read.at("/reasons").as_array().unwrap().len(), 2);
    assert_eq!(read.at("/due_on"), json!(in_days(&app, 7)));

    admin
        .post(&format!("/v1/rules/{quick}/pause"), json!({}))
        .await
        .assert_status(200);
    run_jobs(&app);
    assert_eq!(
        outline(&admin, ana).await,
        [("open".into(), Some(in_days(&app, 7)))],
        "the reasons of a paused rule count"
    );
    archive_rule(&app, &admin, &format!("/v1/rules/{quick}")).await;
    assert_eq!(
        outline(&admin, ana).await,
        [("open".into(), Some(in_days(&app, 60)))]
    );

    let path = format!("/v1/rules/{slow}");
    admin
        .post(&format!("{path}/archival"), json!({}))
        .await
        .assert_problem(409, "plan_required");
    archive_rule(&app, &admin, &path).await;
    let told = "SELECT count(*) FROM events WHERE action = 'rule.archived'";
    assert_eq!(count(&app, told), 2);
    let ended = requirements(&admin, ana).await;
    assert_eq!(
        (&ended[0]["status"], &ended[0]["end_reason"]),
        (&json!("ended"), &json!("rule_archived"))
    );
}

#[actix_web::test]
async fn a_completion_satisfies_and_its_validity_opens_the_next_cycle() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P1Y"));
    rule(&app, &admin, "Production", "P30D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;

    admin
        .post("/v1/completions", json!({"user_id": ana, "course_id": fire}))
        .await
        .assert_status(201);
    let valid_until = "P1Y".parse::<Period>().unwrap().after(today(&app)).to_string();
    let before = requirements(&admin, ana).await;
    assert_eq!(
        (&before[0]["status"], &before[0]["valid_until"]),
        (&json!("satisfied"), &json!(valid_until))
    );

    let admin = pass_days(&app, 340).await;
    run_jobs(&app);
    let after = requirements(&admin, ana).await;
    assert_eq!(after[0], before[0], "the old row is untouched");
    assert_eq!(
        (&after[1]["cycle"], &after[1]["status"], &after[1]["due_on"]),
        (&json!(2), &json!("open"), &json!(valid_until))
    );

    let admin = pass_days(&app, 40).await;
    let late = outline(&admin, ana).await;
    assert_eq!((late[0].0.as_str(), late[1].0.as_str()), ("expired", "overdue"));

    admin
        .post("/v1/completions", json!({"user_id": ana, "course_id": fire}))
        .await
        .assert_status(201);
    assert_eq!(outline(&admin, ana).await[1].0, "satisfied");
}

#[actix_web::test]
async fn a_completion_that_counts_still_spares_needless_training() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P1Y"));
    let ana = person(&admin, "ana", "Production").await;
    admin
        .post("/v1/completions", json!({"user_id": ana, "course_id": fire}))
        .await
        .assert_status(201);

    rule(&app, &admin, "Production", "P30D", &[fire]).await;

    assert_eq!(outline(&admin, ana).await[0].0, "satisfied");
    let enrollments = admin.get("/v1/enrollments").await;
    assert_eq!(enrollments.at("/data"), json!([]));
}

#[actix_web::test]
async fn a_second_reconcile_changes_nothing_and_writes_no_event() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, food) = (course(&app, "fire", Some("P6M")), course(&app, "food", None));
    for name in ["ana", "bea", "cid"] {
        person(&admin, name, "Production").await;
    }
    rule(&app, &admin, "Production", "P30D", &[fire, food]).await;
    pass_days(&app, 200).await;
    run_jobs(&app);

    let before = events(&app);
    run_jobs(&app);
    assert_eq!(events(&app), before);
}

#[actix_web::test]
async fn what_a_rule_wants_is_enrolled_once_and_a_withdrawal_stands() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    rule(&app, &admin, "Production", "P30D", &[fire]).await;
    person(&admin, "ana", "Production").await;

    let enrolled = admin.get("/v1/enrollments").await;
    assert_eq!(
        (
            enrolled.at("/data/0/source"),
            enrolled.at("/data/0/state"),
            enrolled.at("/data/1")
        ),
        (json!("rule"), json!("enrolled"), json!(null))
    );

    let path = format!(
        "/v1/enrollments/{}/withdrawal",
        enrolled.at("/data/0/id").as_str().unwrap()
    );
    admin
        .post(&path, json!({"reason": "on leave"}))
        .await
        .assert_status(200);
    run_jobs(&app);
    assert_eq!(admin.get("/v1/enrollments").await.at("/data/1"), json!(null));
}

#[actix_web::test]
async fn people_who_leave_lose_their_requirements_and_those_who_come_back_resume_them() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    rule(&app, &admin, "Production", "P30D", &[fire]).await;
    let ana = person(&admin, "ana", "Production").await;
    let path = format!("/v1/users/{ana}");

    admin
        .patch(&path, json!({"status": "archived"}))
        .await
        .assert_status(200);
    assert_eq!(
        requirements(&admin, ana).await[0]["end_reason"],
        json!("user_left")
    );

    let admin = pass_days(&app, 10).await;
    admin
        .patch(&path, json!({"status": "active"}))
        .await
        .assert_status(200);
    let back = requirements(&admin, ana).await;
    assert_eq!(
        (
            &back[0]["cycle"],
            &back[0]["status"],
            &back[0]["due_on"],
            back.len()
        ),
        (&json!(1), &json!("open"), &json!(in_days(&app, 30)), 1)
    );
}

#[actix_web::test]
async fn a_rule_that_keeps_lets_people_finish_what_they_began_elsewhere() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", Some("P1Y"));
    let kept = rule(&app, &admin, "Production", "P30D", &[fire]).await;
    let keeping = json!({"on_leave": "keep_until_satisfied"});
    change_rule(&app, &admin, &format!("/v1/rules/{kept}"), keeping).await;
    let ana = person(&admin, "ana", "Production").await;

    transfer(&admin, ana, "Sales").await;
    assert_eq!(outline(&admin, ana).await[0].0, "open");

    admin
        .post("/v1/completions", json!({"user_id": ana, "course_id": fire}))
        .await
        .assert_status(201);
    run_jobs(&app);
    let in_a_year = "P1Y".parse::<Period>().unwrap().after(today(&app));
    let certificate = admin.get("/v1/certificates").await.at("/data/0");
    assert_eq!(
        certificate["valid_until"],
        json!(in_a_year),
        "what it shows stays true"
    );

    let admin = pass_days(&app, 400).await;
    run_jobs(&app);
    let statuses: Vec<_> = outline(&admin, ana)
        .await
        .into_iter()
        .map(|(status, _)| status)
        .collect();
    assert_eq!(
        statuses,
        ["satisfied"],
        "no further cycle opens, and nothing expires"
    );
}

#[actix_web::test]
async fn due_dates_count_from_hire_from_activation_and_never_come_too_soon() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let body = json!({
        "code": "r", "name": "r", "audience": {"filter": "department eq \"Production\""}, "targets": [{"kind": "course", "id": fire}],
        "due": {"kind": "after_hire", "offset": "P1M", "minimum_lead": "P7D"},
    });
    let rule = admin.post("/v1/rules", body).await.assert_status(201).id();
    activate(&app, &admin, &rule).await;

    let ana = person(&admin, "ana", "Production").await;
    let path = format!("/v1/users/{ana}");
    let due = [
        (json!("2100-01-31"), json!("2100-02-28")),
        (json!("2001-05-05"), json!(in_days(&app, 7))),
    ];
    for (hired_on, due_on) in due {
        admin
            .patch(&path, json!({"hired_on": hired_on}))
            .await
            .assert_status(200);
        assert_eq!(requirements(&admin, ana).await[0]["due_on"], due_on);
    }
}

#[actix_web::test]
async fn a_renewal_window_is_shorter_than_the_period_of_its_rule() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let with = |kind: &str, window: &str| {
        json!({"code": "r", "name": "r", "audience": {"filter": "department pr"}, "due": {"kind": "after_joining", "offset": "P7D"},
            "repeat": {"kind": kind, "period": "P30D"}, "renewal_window": window})
    };
    for (kind, window) in [
        ("after_completion", "P30D"),
        ("after_due_date", "P1M"),
        ("after_due_date", "P2Y"),
    ] {
        admin
            .post("/v1/rules", with(kind, window))
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault("/renewal_window");
    }
    let mut patient = with("after_completion", "P5D");
    patient["minimum_gap"] = json!("P31D");
    admin
        .post("/v1/rules", patient)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/minimum_gap");
    admin
        .post("/v1/rules", with("after_due_date", "P29D"))
        .await
        .assert_status(201);
}

#[actix_web::test]
async fn a_rule_is_activated_with_published_courses_only() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let secret = draft(&app, "not-yet");
    let body = json!({
        "code": "r", "name": "r", "audience": {"filter": "department pr"}, "targets": [{"kind": "course", "id": secret}],
        "due": {"kind": "on", "date": "2030-01-01"},
    });
    let rule = admin.post("/v1/rules", body).await.assert_status(201).id();

    let refused = admin
        .post(&format!("/v1/rules/{rule}/activation"), json!({}))
        .await;
    assert!(refused.text().contains("not-yet"), "{}", refused.text());
    refused.assert_problem(409, "rule_not_ready");
    admin
        .post(&format!("/v1/rules/{rule}/pause"), json!({}))
        .await
        .assert_problem(409, "conflict");

    admin
        .post(&format!("/v1/rules/{rule}/archival"), json!({}))
        .await
        .assert_status(200);
    admin
        .patch(&format!("/v1/rules/{rule}"), json!({"name": "other"}))
        .await
        .assert_problem(409, "rule_archived");
}

#[actix_web::test]
async fn a_bad_rule_names_all_its_faults() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let body =
        |audience: &str, due| json!({"code": "r", "name": "r", "audience": {"filter": audience}, "due": due});

    let refused = admin
        .post(
            "/v1/rules",
            json!({"code": "r", "name": "r", "audience": {"filter": "shoe_size gt 3"}, "due": {"kind": "on", "date": "2030-01-01"},
                "targets": [{"kind": "course", "id": "0198a000-0000-7000-8000-000000000000"}]}),
        )
        .await
        .assert_problem(422, "validation_failed");
    refused
        .assert_fault("/audience/filter")
        .assert_fault("/targets/0/id");
    let fire = course(&app, "fire", None);
    let mut circular = body(
        "department pr",
        json!({"kind": "after_completion", "course_id": fire, "offset": "P7D"}),
    );
    circular["targets"] = targets(&[fire]);
    admin
        .post("/v1/rules", circular)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/due/course_id");

    for due in [
        json!({"kind": "after_hire", "offset": "30 days"}),
        json!({"kind": "someday"}),
        json!({"kind": "on"}),
    ] {
        admin
            .post("/v1/rules", body("department pr", due))
            .await
            .assert_problem(422, "validation_failed");
    }
}
