//! Explanations of any user and target.

use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{course, in_days, pass_days, person, rule, run_jobs, targets};
use crate::support::{Answer, Client, TestApp};

async fn explain(client: &Client, user: Uuid, course: Uuid) -> Answer {
    client
        .get(&format!("/v1/users/{user}/requirement-explanations/{course}"))
        .await
}

async fn made(admin: &Client, path: &str, body: Value) -> String {
    admin.post(path, body).await.assert_status(201).id()
}

async fn active_rule(app: &TestApp, admin: &Client, fields: Value) -> String {
    let mut body =
        json!({"code": "fire", "name": "Fire", "audience": {"filter": "department eq \"Production\""}});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    let rule = made(admin, "/v1/rules", body).await;
    super::fixture::activate(app, admin, &rule).await;
    rule
}

async fn complete(admin: &Client, user: Uuid, course: Uuid, occurred_at: &str) -> String {
    let body = json!({"user_id": user, "course_id": course, "occurred_at": occurred_at});
    made(admin, "/v1/completions", body).await
}

/// The requirement names the same deciding reasons as its explanation.
async fn requirement_names_them(client: &Client, why: &Answer) {
    let id = why.at("/requirement/id");
    let path = format!("/v1/requirements/{}", id.as_str().unwrap());
    let requirement = client.get(&path).await.assert_status(200);
    assert_eq!(requirement.at("/decides"), why.at("/decides"));
}

#[actix_web::test]
async fn an_explanation_tells_what_moved_a_due_date_and_which_reason_decides() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let target = json!({"kind": "course", "id": fire});
    let ana = person(&admin, "ana", "Production").await;
    admin
        .patch(&format!("/v1/users/{ana}"), json!({"hired_on": "2001-01-01"}))
        .await
        .assert_status(200);
    let due = json!({"kind": "after_hire", "offset": "P30D", "minimum_lead": "P14D"});
    let fields = json!({"targets": targets(&[fire]), "due": due});
    let rule = active_rule(&app, &admin, fields).await;
    let day = |days: i64| in_days(&app, days);
    let assignment = json!({"user_id": ana, "target": target, "due_on": day(20)});
    made(&admin, "/v1/requirements", assignment).await;
    let extension =
        json!({"user_id": ana, "target": target, "due_on": day(40), "reason": "The trainer was ill."});
    let extension = made(&admin, "/v1/extensions", extension).await;
    let absence = json!({"user_id": ana, "kind": "leave", "starts_on": day(35), "ends_on": day(60)});
    let absence = made(&admin, "/v1/absences", absence).await;

    let why = explain(&admin, ana, fire).await.assert_status(200);
    assert_eq!(why.at("/would"), json!([]));
    assert_eq!(
        why.at("/rules/0/due"),
        json!({"policy": due, "scheduled_on": day(14), "due_on": day(74), "moved_by": [
            {"by": "minimum_lead", "id": null, "to": day(14)},
            {"by": "extension", "id": extension, "to": day(40)},
            {"by": "absence", "id": absence, "to": day(74)},
        ]})
    );
    assert_eq!(
        ["rule_id", "applies", "obstacles", "joined_on"].map(|name| why.at(&format!("/rules/0/{name}"))),
        [json!(rule), json!(true), json!([]), json!(day(0))]
    );
    assert_eq!(why.at("/rules/0/audience/holds"), json!(true));
    let decides = why.at("/decides/due_on");
    assert_eq!(
        ["kind", "rule_id", "on"].map(|name| &decides[name]),
        [&json!("person"), &Value::Null, &json!(day(40))]
    );
    let reasons = why.at("/requirement/reasons");
    let by_person = reasons
        .as_array()
        .unwrap()
        .iter()
        .find(|reason| reason["kind"] == "person");
    assert_eq!(decides["reason_id"], by_person.unwrap()["id"]);
    requirement_names_them(&admin, &why).await;
    assert_eq!(why.at("/requirement/due_on"), json!(day(40)));
    assert_eq!(
        why.at("/to_satisfy"),
        json!(format!(
            "A completion of the course or of an equivalent one, by {}, or a waiver.",
            day(40)
        ))
    );

    let own = explain(&app.client_of(ana), ana, fire).await.assert_status(200);
    assert_eq!(own.at("/rules/0/due/due_on"), json!(day(74)));
    for hidden in ["audience", "due/policy", "repeat"] {
        assert_eq!(own.at(&format!("/rules/0/{hidden}")), Value::Null, "{hidden}");
    }
    let bea = person(&admin, "bea", "Sales").await;
    explain(&app.client_of(bea), ana, fire)
        .await
        .assert_problem(404, "not_found");
    explain(&admin, ana, bea).await.assert_problem(404, "not_found");
}

#[actix_web::test]
async fn an_explanation_tells_which_evidence_counts_and_what_would_change() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, similar) = (course(&app, "fire", None), course(&app, "similar", None));
    let ana = person(&admin, "ana", "Production").await;
    let long_ago = complete(&admin, ana, fire, "2001-05-01T10:00:00Z").await;
    let recent = format!("{}T10:00:00Z", in_days(&app, -30));
    let recent = complete(&admin, ana, similar, &recent).await;
    let pair = json!({"course_id": fire, "equivalent_id": similar});
    made(&admin, "/v1/course-equivalences", pair).await;
    let fields = json!({"targets": targets(&[fire]), "due": {"kind": "after_joining", "offset": "P30D"},
        "repeat": {"kind": "after_completion", "period": "P200D"}});
    let rule = active_rule(&app, &admin, fields).await;
    let waiver = json!({"user_id": ana, "target": {"kind": "course", "id": fire}, "begins_on": in_days(&app, 0),
        "expires_on": in_days(&app, 10), "reason": "Serves in the fire brigade."});
    let waiver = made(&admin, "/v1/waivers", waiver).await;

    let why = explain(&admin, ana, fire).await.assert_status(200);
    let evidence = why.at("/evidence");
    let outline: Vec<_> = evidence
        .as_array()
        .unwrap()
        .iter()
        .map(|one| ["id", "counts", "why_not", "equivalent_of", "satisfies"].map(|name| one[name].clone()))
        .collect();
    assert_eq!(
        outline,
        [
            [
                json!(long_ago),
                json!(false),
                json!("expired_before_it_opened"),
                Value::Null,
                json!(false)
            ],
            [
                json!(recent),
                json!(true),
                Value::Null,
                json!(similar),
                json!(true)
            ],
            [json!(waiver), json!(true), Value::Null, Value::Null, json!(false)],
        ]
    );
    let (until, renewal) = (in_days(&app, 170), in_days(&app, 140));
    for (name, on) in [("valid_until", &until), ("renews_on", &renewal)] {
        let decides = why.at(&format!("/decides/{name}"));
        assert_eq!(
            [&decides["rule_id"], &decides["on"]],
            [&json!(rule), &json!(on)],
            "{name}"
        );
        assert_eq!(why.at(&format!("/rules/0/{name}")), json!(on));
    }
    requirement_names_them(&admin, &why).await;
    assert_eq!(
        why.at("/to_satisfy"),
        json!(format!(
            "Nothing: it is satisfied until {until}; the next cycle opens on {renewal}."
        ))
    );

    let admin = pass_days(&app, 150).await;
    let why = explain(&admin, ana, fire).await.assert_status(200);
    assert_eq!(
        ["cycle", "kind", "due_on"].map(|name| why.at(&format!("/would/0/{name}"))),
        [json!(2), json!("opens"), json!(until)]
    );
    assert_eq!(
        why.at("/evidence/1/why_not"),
        json!("not_longer_than_what_it_renews")
    );
    run_jobs(&app);
    let why = explain(&admin, ana, fire).await.assert_status(200);
    assert_eq!(
        [why.at("/would"), why.at("/requirement/cycle")],
        [json!([]), json!(2)]
    );
}

#[actix_web::test]
async fn an_explanation_tells_why_a_rule_asks_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let ana = person(&admin, "ana", "Production").await;
    let bea = person(&admin, "bea", "Sales").await;
    let rule = rule(&app, &admin, "Production", "P30D", &[fire]).await;
    let until = in_days(&app, 90);
    let release = json!({"rule_id": rule, "user_id": ana, "effect": "released", "until": until,
        "reason": "Works on site."});
    let release = made(&admin, "/v1/rule-overrides", release).await;

    let why = explain(&admin, ana, fire).await.assert_status(200);
    assert_eq!(
        [why.at("/rules/0/applies"), why.at("/rules/0/obstacles")],
        [json!(false), json!(["released"])]
    );
    assert_eq!(
        why.at("/rules/0/override_in_force"),
        json!({"id": release, "effect": "released", "until": until})
    );
    assert_eq!(why.at("/requirement/status"), json!("ended"));
    assert_eq!(why.at("/decides/due_on"), Value::Null);
    let path = format!("/v1/rules/{rule}/explanations/{ana}");
    assert_eq!(admin.get(&path).await.at("/obstacles"), json!(["released"]));

    admin
        .post(&format!("/v1/rules/{rule}/pause"), json!({}))
        .await
        .assert_status(200);
    let why = explain(&admin, bea, fire).await.assert_status(200);
    assert_eq!(
        why.at("/rules/0/obstacles"),
        json!(["rule_paused", "outside_audience"])
    );
    assert_eq!(why.at("/rules/0/audience/fact/values"), json!(["Sales"]));
    assert_eq!(why.at("/requirement"), Value::Null);
    assert_eq!(
        why.at("/to_satisfy"),
        json!("Nothing: neither a rule nor a person requires the course of the user.")
    );
    let own = explain(&app.client_of(bea), bea, fire).await.assert_status(200);
    assert_eq!(own.at("/rules"), json!([]));
}
