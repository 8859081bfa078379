//! Open issues of rules: decided by kind, in bulk and by those who may; and what else begins by itself. The cases in `cases/` show what
//! follows from each decision.

use provost::{authz::Permission::*, enrollment::new_days::RecordRequirementDays};
use serde_json::{Value, json};

use super::fixture::{
    activate, course, in_days, operation, outline, pass_days, person, plan, requirements, targets,
};
use crate::{
    access::form,
    support::{Client, TestApp},
};

const OPEN: &str =
    "/v1/rule-issues?expand=user,rule,course&filter=choice%20eq%20null%20and%20closed_at%20eq%20null";

/// A rule of production that counts from the first day of work, as a draft.
async fn counting_from_hire(admin: &Client, course: uuid::Uuid) -> String {
    let body = json!({"code": "hire", "name": "Hire", "audience": {"filter": "department eq \"Production\""},
        "targets": targets(&[course]), "due": {"kind": "after_hire", "offset": "P30D"}});
    admin.post("/v1/rules", body).await.assert_status(201).id()
}

async fn open_issues(client: &Client) -> Vec<Value> {
    let page = client.get(OPEN).await.assert_status(200);
    page.at("/data").as_array().unwrap().clone()
}

#[actix_web::test]
async fn issues_are_planned_listed_and_decided_by_kind_within_the_scope_of_the_caller() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let unit = json!({"code": "plant", "name": "Plant"});
    let unit = admin.post("/v1/org-units", unit).await.assert_status(201).id();
    let (ana, bea) = (
        person(&admin, "ana", "Production").await,
        person(&admin, "bea", "Production").await,
    );
    let moved = json!({"org_unit_id": unit});
    admin
        .patch(&format!("/v1/users/{ana}"), moved)
        .await
        .assert_status(200);
    let rule = counting_from_hire(&admin, fire).await;
    let path = format!("/v1/rules/{rule}");

    let planned = plan(&app, &admin, &path, json!({})).await;
    assert_eq!((&planned["opens"], &planned["issues"]), (&json!(2), &json!(2)));
    activate(&app, &admin, &rule).await;
    assert_eq!(outline(&admin, ana).await, [("open".to_owned(), None)]);
    let open = open_issues(&admin).await;
    assert_eq!(open.len(), 2);
    assert_eq!(
        (
            &open[0]["kind"],
            &open[0]["user"]["username"],
            &open[0]["rule"]["code"],
            &open[0]["course"]["code"]
        ),
        (
            &json!("missing_date"),
            &json!("ana"),
            &json!("hire"),
            &json!("fire")
        )
    );
    let explained = format!("/v1/users/{ana}/requirement-explanations/{fire}");
    let explained = admin.get(&explained).await.assert_status(200);
    assert_eq!(explained.at("/rules/0/issues/0/id"), open[0]["id"]);
    assert_eq!(explained.at("/rules/0/issues/0/choice"), Value::Null);

    for (typed, found) in [("ana", 1), ("hire", 2), ("fire%20bea", 1), ("nobody", 0)] {
        let page = admin
            .get(&format!("/v1/rule-issues?q={typed}"))
            .await
            .assert_status(200);
        assert_eq!(page.at("/data").as_array().unwrap().len(), found, "{typed}");
    }
    let exported = admin.get("/v1/rule-issues?format=csv").await.assert_status(200);
    assert_eq!(exported.text().lines().count(), 3, "{}", exported.text());

    // A keeper of the plant sees and decides about its people alone.
    let keeper = app.holding(
        &[RequirementsRead, RequirementsWrite, RulesRead, UsersRead],
        "org_unit",
        Some(unit.parse().unwrap()),
    );
    assert_eq!(open_issues(&keeper).await.len(), 1);
    let issue = |index: usize| format!("/v1/rule-issues/{}", open[index]["id"].as_str().unwrap());
    let decision = json!({"choice": "no_due_date"});
    keeper
        .patch(&issue(1), decision.clone())
        .await
        .assert_problem(404, "not_found");
    let rows = [
        json!({"id": open[0]["id"], "update": {"choice": "waive"}}),
        json!({"id": open[1]["id"], "update": decision}),
    ];
    let answer = keeper.bulk("/v1/rule-issues", rows).await;
    assert_eq!(
        answer.row_outcomes(),
        ["422 validation_failed /update/choice", "404 not_found"],
        "{}",
        answer.text()
    );
    let all =
        json!({"kind": "missing_date", "choice": "due_on", "due_on": "2031-01-31", "note": "As agreed."});
    let unseen = keeper
        .post(&format!("{path}/issue-resolutions"), all.clone())
        .await;
    unseen.assert_problem(404, "not_found");
    let reader = app.holding(&[RequirementsRead, RulesRead], "everything", None);
    reader
        .post(&format!("{path}/issue-resolutions"), all.clone())
        .await
        .assert_problem(403, "forbidden");

    // Who sees the rule, and writes for the plant, decides for the plant alone.
    let boss = json!({"username": "boss", "given_name": "Bo", "family_name": "Ss"});
    let boss = admin.post("/v1/users", boss).await.assert_status(201).id();
    for (code, permissions, scope) in [
        ("rules", json!(["rules.read"]), ("everything", None)),
        (
            "plant",
            json!(["requirements.read", "requirements.write", "users.read"]),
            ("org_unit", Some(unit.parse().unwrap())),
        ),
    ] {
        let role = json!({"code": code, "name": code, "permissions": permissions});
        admin.post("/v1/roles", role).await.assert_status(201);
        app.grant("user", boss.parse().unwrap(), code, &[scope]);
    }
    let boss = app.client_of(boss.parse().unwrap());
    let plant = json!({"kind": "missing_date", "choice": "no_due_date"});
    let done = operation(&app, &boss, &path, "issue-resolutions", plant).await;
    assert_eq!(done.at("/result/resolved"), json!(1));

    let done = operation(&app, &admin, &path, "issue-resolutions", all).await;
    assert_eq!(done.at("/result/resolved"), json!(1));
    assert_eq!(outline(&admin, bea).await[0].1.as_deref(), Some("2031-01-31"));
    assert_eq!(open_issues(&admin).await, Vec::<Value>::new());

    // A fact takes the place of a decision, and closed issues stay as they were.
    let hired = json!({"hired_on": in_days(&app, 0)});
    admin
        .patch(&format!("/v1/users/{bea}"), hired)
        .await
        .assert_status(200);
    assert_eq!(outline(&admin, bea).await[0].1, Some(in_days(&app, 30)));
    admin
        .patch(&issue(1), json!({"note": "Too late."}))
        .await
        .assert_problem(409, "conflict");
    let again = json!({"choice": null, "due_on": null});
    admin.patch(&issue(0), again).await.assert_status(200);
    assert_eq!(
        outline(&admin, ana).await[0].1,
        None,
        "a decision can be taken back"
    );
}

#[actix_web::test]
async fn a_draft_becomes_active_on_its_day_and_nobody_activates_it_before() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    let rule = counting_from_hire(&admin, fire).await;
    let path = format!("/v1/rules/{rule}");
    let shoes = json!({"due": {"kind": "after_attribute", "attribute": "shoe_size", "offset": "P1D"}});
    let refused = admin
        .patch(&path, shoes)
        .await
        .assert_problem(422, "validation_failed");
    refused.assert_fault("/due/attribute");
    let past = json!({"activates_on": in_days(&app, 0)});
    let refused = admin
        .patch(&path, past)
        .await
        .assert_problem(422, "validation_failed");
    refused.assert_fault("/activates_on");
    let day = in_days(&app, 3);
    admin
        .patch(&path, json!({"activates_on": day}))
        .await
        .assert_status(200);

    for (days, requirements_then) in [(2, 0), (1, 1), (1, 1)] {
        let admin = pass_days(&app, days).await;
        app.write(|tx| tx.enqueue(&RecordRequirementDays {}));
        app.run_jobs();
        assert_eq!(requirements(&admin, ana).await.len(), requirements_then);
    }
    let admin = app.admin().await;
    let active = admin.get(&path).await.assert_status(200);
    assert_eq!(
        (active.at("/status"), active.at("/activates_on")),
        (json!("active"), Value::Null)
    );
    // What it asks for changes by plan from now on; what it is called does not.
    let later = json!({"due": {"kind": "after_joining", "offset": "P5D"}});
    admin
        .patch(&path, later)
        .await
        .assert_problem(409, "plan_required");
    admin
        .patch(&path, json!({"name": "Hired"}))
        .await
        .assert_status(200);
    admin
        .post(&format!("{path}/pause"), json!({}))
        .await
        .assert_status(200);
    admin
        .post(&format!("{path}/activation"), json!({}))
        .await
        .assert_problem(409, "plan_required");
}

#[actix_web::test]
async fn what_counts_from_the_first_sign_in_is_due_once_the_user_signed_in() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let body = json!({"code": "welcome", "name": "Welcome", "audience": {"filter": "department eq \"Production\""},
        "targets": targets(&[fire]), "due": {"kind": "after_first_sign_in", "offset": "P7D"}});
    let rule = admin.post("/v1/rules", body).await.assert_status(201).id();
    activate(&app, &admin, &rule).await;
    let ana = person(&admin, "ana", "Production").await;
    assert_eq!(outline(&admin, ana).await, [("open".to_owned(), None)]);
    assert_eq!(open_issues(&admin).await, Vec::<Value>::new(), "that is no issue");

    let password = json!({"password": "a long password"});
    let path = format!("/v1/users/{ana}/password");
    admin
        .with("If-Match", "*")
        .put(&path, password)
        .await
        .assert_status(204);
    sign_in(&app).await;
    let due = Some(in_days(&app, 7));
    assert_eq!(outline(&admin, ana).await[0].1, due);
    pass_days(&app, 2).await;
    sign_in(&app).await;
    let admin = app.admin().await;
    assert_eq!(outline(&admin, ana).await[0].1, due, "the first one counts");
}

async fn sign_in(app: &TestApp) {
    let parameters = [
        ("grant_type", "password"),
        ("username", "ana"),
        ("password", "a long password"),
    ];
    let answer = form(&app.anonymous(), "/oauth/token", &parameters).await;
    answer.assert_status(200);
}
