//! Rules, many at once, and the courses inside them.

use provost::authz::Permission::{RulesRead, RulesWrite};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{course, draft, person, rule, targets};
use crate::support::TestApp;

fn new_rule(code: &str, more: Value) -> Value {
    let mut rule = json!({"code": code, "name": code, "audience": {"filter": "department pr"},
        "due": {"kind": "after_joining", "offset": "P30D"}});
    for (name, value) in more.as_object().unwrap() {
        rule[name] = value.clone();
    }
    rule
}

#[actix_web::test]
async fn each_rule_of_many_is_written_or_says_what_is_wrong_with_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, food, unpublished) = (
        course(&app, "fire", None),
        course(&app, "food", None),
        draft(&app, "not-yet"),
    );
    let active = rule(&app, &admin, "Production", "P30D", &[fire]).await;
    person(&admin, "ana", "Production").await;
    let gone = admin.post("/v1/rules", new_rule("gone", json!({}))).await.id();
    let archival = format!("/v1/rules/{gone}/archival");
    admin.post(&archival, json!({})).await.assert_status(200);
    let rows = [
        (
            json!({"create": new_rule("new", json!({"targets": [{"kind": "course", "id": food}, {"kind": "course", "id": fire}, {"kind": "course", "id": food}]}))}),
            201,
            "",
        ),
        (
            json!({"create": new_rule("NEW", json!({}))}),
            409,
            "already_exists",
        ),
        (
            json!({"create": new_rule("lost", json!({"audience": {"filter": "zz eq 1"}, "targets": [{"kind": "course", "id": fire}, {"kind": "course", "id": Uuid::now_v7()}]}))}),
            422,
            "validation_failed",
        ),
        (
            json!({"create": {"code": "x", "due": {"kind": "on"}}}),
            422,
            "validation_failed",
        ),
        (
            json!({"id": active, "update": {"targets": [{"kind": "course", "id": unpublished}]}}),
            409,
            "plan_required",
        ),
        (
            json!({"id": active, "update": {"name": "Twice"}}),
            409,
            "conflict",
        ),
        (
            json!({"id": gone, "update": {"name": "Back"}}),
            409,
            "rule_archived",
        ),
        (
            json!({"id": Uuid::now_v7(), "update": {"name": "X"}}),
            404,
            "not_found",
        ),
    ];
    let answer = admin
        .bulk("/v1/rules", rows.iter().map(|(row, ..)| row.clone()))
        .await;
    assert_eq!(
        answer.row_codes(),
        rows.map(|(_, status, code)| (status, code.into())),
        "{}",
        answer.text()
    );
    let new = answer.at("/results/0/resource");
    let mut asked = [fire, food];
    asked.sort();
    assert_eq!(
        (&new["status"], &new["targets"]),
        (&json!("draft"), &targets(&asked))
    );
    let faults = answer.at("/results/2/problem/errors").as_array().unwrap().len();
    assert_eq!(faults, 2, "{}", answer.text());

    let sooner = json!({"name": "Sooner"});
    let rows = [
        json!({"id": active, "version": 2, "update": sooner}),
        json!({"id": new["id"], "version": 2, "update": {"name": "Stale"}}),
    ];
    let answer = admin.bulk("/v1/rules", rows).await;
    let stale = (412, "precondition_failed".to_owned());
    assert_eq!(
        answer.row_codes(),
        [(200, String::new()), stale],
        "{}",
        answer.text()
    );
    app.run_jobs();
    let actions = admin
        .get("/v1/events?filter=object_kind%20eq%20%22rule%22&limit=200&sort=position")
        .await;
    let actions = actions.at("/data").as_array().cloned().unwrap();
    let actions: Vec<_> = actions
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    let expected = [
        "created",
        "activated",
        "created",
        "archived",
        "created",
        "updated",
    ];
    assert_eq!(actions, expected.map(|action| format!("rule.{action}")));
}

#[actix_web::test]
async fn only_who_writes_everything_writes_rules_and_their_courses_are_shown_to_who_may_see_them() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let present = new_rule("present", json!({"targets": [{"kind": "course", "id": fire}]}));
    let present = admin.post("/v1/rules", present).await.id();
    let unit = admin
        .post("/v1/org-units", json!({"code": "u", "name": "U"}))
        .await
        .id();
    let narrow = app.holding(&[RulesRead, RulesWrite], "org_unit", Some(unit.parse().unwrap()));
    let rows = [
        json!({"create": new_rule("mine", json!({}))}),
        json!({"id": present, "update": {"name": "Mine"}}),
    ];
    let answer = narrow.bulk("/v1/rules", rows).await;
    let refused = [
        (422, "validation_failed".to_owned()),
        (404, "not_found".to_owned()),
    ];
    assert_eq!(answer.row_codes(), refused, "{}", answer.text());

    for path in [
        "/v1/rules?expand=courses".to_owned(),
        format!("/v1/rules/{present}?expand=courses"),
    ] {
        let reader = app.holding(&[RulesRead], "everything", None);
        for (client, shown) in [(&admin, json!("fire")), (&reader, Value::Null)] {
            let answer = client.get(&path).await.assert_status(200);
            let rule = answer
                .json()
                .get("data")
                .map_or(answer.json(), |rules| rules[0].clone());
            assert_eq!(rule["courses"][0]["title"], shown, "{path}: {rule}");
            assert!(
                rule["courses"].is_array() && rule["targets"] == targets(&[fire]),
                "{rule}"
            );
        }
    }
}

#[actix_web::test]
async fn courses_that_the_caller_may_not_see_are_no_courses_to_them() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let [hidden, later, own] = ["hidden", "later", "own"].map(|code| draft(&app, code));
    let keeper = app.holding(&[RulesRead, RulesWrite], "everything", None);
    let asking = new_rule(
        "a",
        json!({"targets": [{"kind": "course", "id": own}, {"kind": "course", "id": hidden}]}),
    );
    let own_only = new_rule("a", json!({"targets": [{"kind": "course", "id": own}]}));
    keeper
        .post("/v1/rules", own_only.clone())
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/targets/0/id");
    let account = keeper.get("/v1/me").await.id().parse().unwrap();
    app.grant("service_account", account, "lms_admin", &[("course", Some(own))]);

    let refused = "422 validation_failed /targets/1/id";
    let answer = keeper.post("/v1/rules", asking.clone()).await;
    assert_eq!(answer.outcome(), refused, "{}", answer.text());
    let answer = keeper.bulk("/v1/rules", [json!({"create": asking})]).await;
    assert_eq!(answer.row_outcomes(), [refused], "{}", answer.text());
    let rule = keeper.post("/v1/rules", own_only).await.assert_status(201).id();
    let path = format!("/v1/rules/{rule}");

    // What another caller added stays, and is called by its id alone.
    let both = json!({"targets": [{"kind": "course", "id": own}, {"kind": "course", "id": hidden}]});
    admin.patch(&path, both).await.assert_status(200);
    let renamed =
        json!({"name": "B", "targets": [{"kind": "course", "id": hidden}, {"kind": "course", "id": own}]});
    keeper.patch(&path, renamed).await.assert_status(200);
    let answer = keeper
        .patch(
            &path,
            json!({"targets": [{"kind": "course", "id": own}, {"kind": "course", "id": later}]}),
        )
        .await;
    assert_eq!(answer.outcome(), refused, "{}", answer.text());
    let answer = keeper
        .post(&format!("{path}/activation"), json!({}))
        .await
        .assert_problem(409, "rule_not_ready");
    let detail = answer.at("/detail").as_str().unwrap().to_owned();
    assert!(detail.contains(&format!("own ({own}, draft)")), "{detail}");
    assert!(
        detail.contains(&format!("{hidden} (draft)")) && !detail.contains("hidden"),
        "{detail}"
    );
}
