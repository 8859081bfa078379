//! Whom rules are for: the union of what their audiences name, without their exceptions.

use provost::authz::Permission::{
    CoursesRead, OrgUnitsRead, OverridesRead, OverridesWrite, RequirementsRead, RulesRead, RulesWrite,
    UsersRead,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{
    activate, change_rule, course, outline, pass_days, person, requirements, run_jobs, targets,
};
use crate::support::{Client, TestApp};

async fn unit(admin: &Client, code: &str, parent: Option<&str>) -> String {
    let body = json!({"code": code, "name": code, "parent_id": parent});
    admin.post("/v1/org-units", body).await.assert_status(201).id()
}

async fn place(admin: &Client, user: Uuid, unit: &str) {
    let path = format!("/v1/users/{user}");
    admin
        .patch(&path, json!({"org_unit_id": unit}))
        .await
        .assert_status(200);
}

async fn archive(admin: &Client, user: Uuid) {
    let path = format!("/v1/users/{user}");
    admin
        .patch(&path, json!({"status": "archived"}))
        .await
        .assert_status(200);
}

async fn group(admin: &Client, code: &str, members: &[Uuid]) -> String {
    let body = json!({"code": code, "name": code});
    let id = admin.post("/v1/groups", body).await.assert_status(201).id();
    let path = format!("/v1/groups/{id}/members");
    admin
        .post(&path, json!({"add": members}))
        .await
        .assert_status(200);
    id
}

fn new_rule(code: &str, audience: &Value, courses: &[Uuid]) -> Value {
    json!({"code": code, "name": code, "audience": audience, "targets": targets(courses),
        "due": {"kind": "after_joining", "offset": "P30D"}})
}

/// Whether something is required of the user, and whether the rule's explanation says so.
async fn is_asked(admin: &Client, rule: &str, user: Uuid) -> bool {
    let is_open = outline(admin, user)
        .await
        .iter()
        .any(|(status, _)| status == "open");
    let path = format!("/v1/rules/{rule}/explanations/{user}");
    let why = admin.get(&path).await.assert_status(200);
    assert_eq!(why.at("/audience/holds"), json!(is_open), "{}", why.text());
    is_open
}

#[actix_web::test]
async fn an_audience_is_what_its_four_members_name_without_its_exceptions() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let mut people = Vec::new();
    for name in ["filtered", "grouped", "placed", "below", "named", "other"] {
        people.push(person(&admin, name, name).await);
    }
    let [filtered, grouped, placed, below, named, other] = people[..] else {
        unreachable!()
    };
    let north = unit(&admin, "north", None).await;
    let coast = unit(&admin, "coast", Some(&north)).await;
    place(&admin, placed, &north).await;
    place(&admin, below, &coast).await;
    let aiders = group(&admin, "aiders", &[grouped]).await;

    let audience = json!({"filter": "department eq \"filtered\"", "group_ids": [aiders], "org_unit_ids": [north],
        "user_ids": [named]});
    let rule = admin.post("/v1/rules", new_rule("r", &audience, &[fire])).await;
    let rule = rule.assert_status(201).id();
    activate(&app, &admin, &rule).await;
    let mut asked = Vec::new();
    for user in &people {
        asked.push(is_asked(&admin, &rule, *user).await);
    }
    assert_eq!(asked, [true, true, true, true, true, false]);

    // Facts are followed as those of filters are.
    let members = format!("/v1/groups/{aiders}/members");
    admin
        .post(&members, json!({"add": [other], "remove": [grouped]}))
        .await
        .assert_status(200);
    place(&admin, other, &coast).await;
    let west = unit(&admin, "west", None).await;
    admin
        .patch(&format!("/v1/org-units/{coast}"), json!({"parent_id": west}))
        .await
        .assert_status(200);
    run_jobs(&app);
    for (user, expected) in [(grouped, false), (other, true), (below, false), (placed, true)] {
        assert_eq!(is_asked(&admin, &rule, user).await, expected);
    }

    let mut but = audience.clone();
    but["except"] =
        json!({"filter": "username eq \"filtered\"", "org_unit_ids": [west], "user_ids": [named]});
    let path = format!("/v1/rules/{rule}");
    change_rule(&app, &admin, &path, json!({"audience": but})).await;
    let changed = admin.get(&path).await.assert_status(200);
    assert_eq!(changed.at("/audience/except/group_ids"), json!([]));
    run_jobs(&app);
    for (user, expected) in [(filtered, false), (other, false), (named, false), (placed, true)] {
        assert_eq!(is_asked(&admin, &rule, user).await, expected);
    }
}

#[actix_web::test]
async fn faults_of_an_audience_are_told_where_they_stand() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let [ana, gone] = [
        person(&admin, "ana", "d").await,
        person(&admin, "gone", "d").await,
    ];
    archive(&admin, gone).await;
    let nobody = Uuid::now_v7();
    let lost = json!({"filter": "zz eq 1", "group_ids": [nobody], "user_ids": [ana, nobody],
        "except": {"filter": "department", "org_unit_ids": [nobody], "user_ids": [gone]}});
    let answer = admin.post("/v1/rules", new_rule("r", &lost, &[fire])).await;
    assert_eq!(
        answer.outcome(),
        "422 validation_failed /audience/except/filter /audience/except/org_unit_ids/0 /audience/except/user_ids/0 \
         /audience/filter /audience/group_ids/0 /audience/user_ids/1"
    );
    let many: Vec<Uuid> = (0..1_001).map(Uuid::from_u128).collect();
    let answer = admin
        .post("/v1/rules", new_rule("r", &json!({"user_ids": many}), &[fire]))
        .await;
    assert_eq!(answer.outcome(), "422 validation_failed /audience/user_ids");

    // A draft may be for nobody yet, an active rule not; what it names stays, though it is archived later.
    let empty = json!({"except": {"user_ids": [ana]}});
    let rule = admin
        .post("/v1/rules", new_rule("r", &empty, &[fire]))
        .await
        .assert_status(201)
        .id();
    let path = format!("/v1/rules/{rule}");
    let activation = format!("{path}/activation");
    admin
        .post(&activation, json!({}))
        .await
        .assert_problem(409, "rule_not_ready");
    admin
        .patch(&path, json!({"audience": {"user_ids": [ana]}}))
        .await
        .assert_status(200);
    admin.post(&activation, json!({})).await.assert_status(200);
    run_jobs(&app);
    assert_eq!(requirements(&admin, ana).await.len(), 1);
    archive(&admin, ana).await;
    let both = json!({"filter": "department eq \"x\"", "user_ids": [ana]});
    change_rule(&app, &admin, &path, json!({"audience": both})).await;
    assert_eq!(outline(&admin, ana).await[0].0, "ended");

    let keeper = app.holding(&[RulesRead, RulesWrite], "everything", None);
    let answer = keeper
        .post("/v1/rules", new_rule("s", &json!({"user_ids": [gone]}), &[]))
        .await;
    assert_eq!(answer.outcome(), "422 validation_failed /audience/user_ids/0");
}

/// Holds all that administrators of a unit need, in the scope of that unit.
fn keeper(app: &TestApp, unit: &str) -> Client {
    let permissions = [
        RulesRead,
        RulesWrite,
        UsersRead,
        OrgUnitsRead,
        CoursesRead,
        RequirementsRead,
        OverridesRead,
        OverridesWrite,
    ];
    app.holding(&permissions, "org_unit", Some(unit.parse().unwrap()))
}

async fn planned(app: &TestApp, client: &Client, rule: &str, what: &str, wish: Value) -> Value {
    let begun = client
        .post(&format!("{rule}/{what}"), wish)
        .await
        .assert_status(202);
    app.run_jobs();
    let operation = client
        .get(begun.header("location").unwrap())
        .await
        .assert_status(200);
    assert_eq!(
        operation.at("/status"),
        json!("succeeded"),
        "{}",
        operation.text()
    );
    operation.at("/result")
}

#[actix_web::test]
async fn administrators_of_a_unit_keep_its_rules_which_reach_its_users_only() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let north = unit(&admin, "north", None).await;
    let coast = unit(&admin, "coast", Some(&north)).await;
    let south = unit(&admin, "south", None).await;
    let mut people = Vec::new();
    for (name, unit) in [("nora", &north), ("cleo", &coast), ("sam", &south)] {
        let user = person(&admin, name, "d").await;
        place(&admin, user, unit).await;
        people.push(user);
    }
    let [nora, cleo, sam] = people[..] else {
        unreachable!()
    };
    let [norths, souths] = [&north, &south].map(|unit| keeper(&app, unit));
    let everybody = json!({"filter": "username pr"});

    let mut new = new_rule("north", &everybody, &[fire]);
    for (unit, outcome) in [
        (Value::Null, "422 validation_failed /org_unit_id"),
        (json!(south), "403 forbidden"),
    ] {
        new["org_unit_id"] = unit;
        assert_eq!(norths.post("/v1/rules", new.clone()).await.outcome(), outcome);
        let rows = norths.bulk("/v1/rules", [json!({"create": new})]).await;
        assert_eq!(rows.row_outcomes(), [outcome]);
    }
    new["org_unit_id"] = json!(coast);
    let probe = json!({"filter": "groups eq \"g\" or group_ids pr or report_id pr"});
    let mut probing = new.clone();
    probing["audience"] = probe.clone();
    let answer = norths.post("/v1/rules", probing).await;
    assert_eq!(answer.outcome(), "422 validation_failed /audience/filter");
    new["org_unit_id"] = json!(north);
    let rule = norths.post("/v1/rules", new).await.assert_status(201).id();
    let path = format!("/v1/rules/{rule}");
    let answer = norths.patch(&path, json!({"audience": probe})).await;
    assert_eq!(answer.status, 422, "{}", answer.text());
    admin
        .patch(&path, json!({"org_unit_id": null}))
        .await
        .assert_fault("/org_unit_id");

    let plan = planned(&app, &norths, &path, "plans", json!({})).await;
    assert_eq!((&plan["joins"], &plan["opens"]), (&json!(2), &json!(2)));
    let wish = json!({"plan_hash": plan["plan_hash"]});
    planned(&app, &norths, &path, "applications", wish).await;
    for (user, count) in [(nora, 1), (cleo, 1), (sam, 0)] {
        assert_eq!(requirements(&admin, user).await.len(), count);
    }
    let why = async |client: &Client, user: Uuid| client.get(&format!("{path}/explanations/{user}")).await;
    assert_eq!(why(&norths, nora).await.at("/applies"), json!(true));
    assert_eq!(why(&norths, sam).await.outcome(), "404 not_found");
    let not_sam = why(&admin, sam).await.assert_status(200);
    assert_eq!(not_sam.at("/obstacles"), json!(["outside_audience"]));
    assert_eq!(not_sam.at("/audience/children/0/holds"), json!(false));
    assert_eq!(not_sam.at("/audience/children/1/holds"), json!(true));

    // The rules of others, and those without a unit, are out of sight.
    let wide = admin
        .post("/v1/rules", new_rule("wide", &everybody, &[fire]))
        .await
        .assert_status(201)
        .id();
    for (client, rule, user) in [(&souths, &rule, sam), (&norths, &wide, nora)] {
        let path = format!("/v1/rules/{rule}");
        let list = client.get("/v1/rules").await.assert_status(200);
        assert!(!list.text().contains(rule.as_str()), "{}", list.text());
        for answer in [
            client.get(&path).await,
            client.get(&format!("{path}/explanations/{user}")).await,
            client.patch(&path, json!({"name": "Mine"})).await,
            client.post(&format!("{path}/plans"), json!({})).await,
            client
                .post(&format!("{path}/applications"), json!({"plan_hash": "0"}))
                .await,
            client.post(&format!("{path}/pause"), json!({})).await,
        ] {
            assert_eq!(answer.outcome(), "404 not_found");
        }
        let given = json!({"rule_id": rule, "user_id": user, "effect": "released", "reason": "Why not?"});
        let answer = client.post("/v1/rule-overrides", given).await;
        assert_eq!(answer.outcome(), "422 validation_failed /rule_id");
    }

    // Overrides stay within the unit, and leaving the unit is leaving the audience.
    let released =
        json!({"rule_id": rule, "user_id": nora, "effect": "released", "reason": "Trained elsewhere."});
    norths
        .post("/v1/rule-overrides", released)
        .await
        .assert_status(201);
    let required = json!({"rule_id": rule, "user_id": sam, "effect": "required", "reason": "Helps out."});
    admin
        .post("/v1/rule-overrides", required)
        .await
        .assert_status(201);
    place(&admin, cleo, &south).await;
    run_jobs(&app);
    for (user, expected) in [(nora, Some("ended")), (cleo, Some("ended")), (sam, None)] {
        let outline = outline(&admin, user).await;
        assert_eq!(outline.first().map(|(status, _)| status.as_str()), expected);
    }
    place(&admin, sam, &coast).await;
    run_jobs(&app);
    assert_eq!(outline(&admin, sam).await[0].0, "open");
}

#[actix_web::test]
async fn a_pilot_group_tries_a_rule_before_all_others() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let fire = course(&app, "fire", None);
    let north = unit(&admin, "north", None).await;
    let mut people = Vec::new();
    for name in ["quick", "slow", "later", "away"] {
        let user = person(&admin, name, "d").await;
        place(&admin, user, &north).await;
        people.push(user);
    }
    let [quick, slow, later, away] = people[..] else {
        unreachable!()
    };
    let stranger = person(&admin, "stranger", "other").await;
    let pilots = group(&admin, "pilots", &[quick, slow, stranger]).await;
    let mut new = new_rule(
        "r",
        &json!({"filter": "department eq \"d\"", "except": {"user_ids": [away]}}),
        &[fire],
    );
    new["pilot_group_id"] = json!(Uuid::now_v7());
    admin
        .post("/v1/rules", new.clone())
        .await
        .assert_fault("/pilot_group_id");
    new["pilot_group_id"] = json!(pilots);
    let rule = admin.post("/v1/rules", new).await.assert_status(201).id();
    activate(&app, &admin, &rule).await;
    let asked = |user: Uuid| is_asked(&admin, &rule, user);
    assert!(asked(quick).await && asked(slow).await && !asked(later).await && !asked(stranger).await);

    let admin = pass_days(&app, 3).await;
    let done = json!({"user_id": quick, "course_id": fire});
    admin.post("/v1/completions", done).await.assert_status(201);
    let path = format!("/v1/rules/{rule}");
    let figures = admin.get(&format!("{path}/figures")).await.assert_status(200);
    let half =
        json!({"users": 2, "required": 2, "satisfied": 1, "satisfied_percent": 50.0, "median_days": 3.0});
    let none =
        json!({"users": 1, "required": 0, "satisfied": 0, "satisfied_percent": null, "median_days": null});
    assert_eq!((figures.at("/pilot"), figures.at("/rest")), (half, none));
    let elsewhere = keeper(&app, &unit(&admin, "south", None).await);
    elsewhere
        .get(&format!("{path}/figures"))
        .await
        .assert_problem(404, "not_found");

    let mut wish = json!({"changes": {"pilot_group_id": null}});
    let plan = planned(&app, &admin, &path, "plans", wish.clone()).await;
    assert_eq!(
        (&plan["joins"], &plan["leaves"], &plan["opens"]),
        (&json!(1), &json!(0), &json!(1))
    );
    wish["plan_hash"] = plan["plan_hash"].clone();
    planned(&app, &admin, &path, "applications", wish).await;
    assert_eq!(outline(&admin, later).await[0].0, "open");
    assert!(outline(&admin, away).await.is_empty());
    let figures = admin.get(&format!("{path}/figures")).await.assert_status(200);
    assert_eq!(
        (figures.at("/pilot"), figures.at("/rest/required")),
        (Value::Null, json!(3))
    );
}
