//! What filters tell: nothing of groups and people that the caller may not see.

use provost::authz::Permission;
use serde_json::{Value, json};

use super::{names, person, unit, uuid};
use crate::{
    catalog::encoded,
    support::{Client, TestApp},
};

/// Ana is in a unit, leads Bea who is in none, and both are in a group; the client may see the unit, its people, another
/// group that both are in, and all that has no scope of its own.
struct Academy {
    app: TestApp,
    admin: Client,
    client: Client,
    ana: String,
    bea: String,
    open: String,
}

async fn academy() -> Academy {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = unit(&admin, "partners", None).await;
    let ana = person(&admin, "ana", json!({"org_unit_id": unit})).await;
    let bea = person(&admin, "bea", json!({"manager_id": ana})).await;
    let mut groups = Vec::new();
    for code in ["secret", "open"] {
        let group = json!({"code": code, "name": code});
        let id = admin.post("/v1/groups", group).await.assert_status(201).id();
        let members = format!("/v1/groups/{id}/members");
        let body = json!({"add": [ana, bea]});
        admin.post(&members, body).await.assert_status(200);
        groups.push(id);
    }
    let open = groups.remove(1);
    let scopes = [("org_unit", Some(uuid(&unit))), ("group", Some(uuid(&open)))];
    let seen = [
        Permission::UsersRead,
        Permission::OrgUnitsRead,
        Permission::ReportsRun,
    ];
    let client = app.holding(&seen, scopes[0].0, scopes[0].1);
    let me = client.get("/v1/me").await.id();
    let role = json!({"code": "groups", "name": "Groups", "permissions": ["groups.read"]});
    admin.post("/v1/roles", role).await.assert_status(201);
    app.grant("service_account", uuid(&me), "groups", &scopes[1..]);
    Academy {
        app,
        admin,
        client,
        ana,
        bea,
        open,
    }
}

fn filtered(path: &str, filter: &str) -> String {
    format!("{path}?filter={}", filter.replace(' ', "%20").replace('"', "%22"))
}

#[actix_web::test]
async fn lists_of_people_are_not_filtered_by_groups_that_the_caller_may_not_see() {
    let academy = academy().await;
    let Academy {
        admin, client, open, ..
    } = &academy;
    for path in ["/v1/users".to_owned(), format!("/v1/groups/{open}/members")] {
        for (filter, for_admin, for_client) in [
            ("groups eq \"open\"", vec!["ana", "bea"], vec!["ana"]),
            ("groups eq \"secret\"", vec!["ana", "bea"], vec![]),
            ("groups sw \"s\"", vec!["ana", "bea"], vec![]),
            ("groups pr and not (groups sw \"s\")", vec![], vec!["ana"]),
            ("report_id pr", vec!["ana"], vec![]),
        ] {
            let path = filtered(&path, filter);
            assert_eq!(names(admin, &path).await, for_admin, "{path}");
            assert_eq!(names(client, &path).await, for_client, "{path}");
        }
    }
}

#[actix_web::test]
async fn groups_are_not_filtered_by_members_whom_the_caller_may_not_see() {
    let academy = academy().await;
    let Academy { client, ana, bea, .. } = &academy;
    for (member, groups) in [(ana, vec!["open"]), (bea, vec![])] {
        let path = filtered("/v1/groups", &format!("member_id eq \"{member}\""));
        assert_eq!(names(client, &path).await, groups);
    }
}

#[actix_web::test]
async fn reports_are_not_filtered_by_groups_that_the_caller_may_not_see() {
    let academy = academy().await;
    let client = &academy.client;
    for (filter, people) in [("groups eq \"open\"", 1), ("groups eq \"secret\"", 0)] {
        let report = client
            .get(&filtered("/v1/reports/compliance", filter))
            .await
            .assert_status(200);
        assert_eq!(report.at("/total/people"), json!(people), "{filter}");
    }
}

#[actix_web::test]
async fn a_rules_explanation_shows_the_groups_that_the_caller_may_see() {
    let academy = academy().await;
    let Academy {
        app,
        admin,
        client,
        ana,
        ..
    } = &academy;
    let rule = json!({"code": "all", "name": "All", "audience": {"filter": "groups sw \"s\""}, "targets": [],
        "due": {"kind": "after_activation", "offset": "P30D"}});
    let rule = admin.post("/v1/rules", rule).await.assert_status(201).id();
    let me = client.get("/v1/me").await.id();
    let role = json!({"code": "rules", "name": "Rules", "permissions": ["rules.read"]});
    admin.post("/v1/roles", role).await.assert_status(201);
    app.grant("service_account", uuid(&me), "rules", &[("everything", None)]);

    let path = format!("/v1/rules/{rule}/explanations/{ana}");
    for (client, shown) in [(admin, json!(["open", "secret"])), (client, json!(["open"]))] {
        let explanation = client.get(&path).await.assert_status(200);
        assert_eq!(explanation.at("/audience/holds"), json!(true));
        let mut values = explanation.at("/audience/fact/values");
        values.as_array_mut().unwrap().sort_by_key(Value::to_string);
        assert_eq!(values, shown);
    }
}

#[actix_web::test]
async fn reports_on_a_course_tell_nothing_of_people_out_of_sight() {
    let academy = academy().await;
    let Academy { app, admin, ana, .. } = &academy;
    let course = json!({"code": "FIRE", "title": "Fire", "language": "en", "modules": [{"title": "One"}]});
    let course = admin.post("/v1/courses", course).await.assert_status(201).id();
    let publications = format!("/v1/courses/{course}/publications");
    admin.post(&publications, json!({})).await.assert_status(201);
    let body = json!({"user_id": ana, "target": {"kind": "course", "id": course}, "opens_on": "2020-01-01", "due_on": "2020-02-01"});
    admin.post("/v1/requirements", body).await.assert_status(201);

    let keeper = app.holding(&[Permission::ReportsRun], "course", Some(uuid(&course)));
    for (filter, found) in [(None, 1), (Some("username eq \"ana\""), 0)] {
        let path = |report: &str| {
            let path = format!("/v1/reports/{report}");
            filter.map_or(path.clone(), |filter| filtered(&path, filter))
        };
        let report = keeper.get(&path("compliance")).await.assert_status(200);
        assert_eq!(report.at("/total/required"), json!(found), "{filter:?}");
        let report = keeper.get(&path("overdue")).await.assert_status(200);
        let overdue = report.at("/data").as_array().map(Vec::len);
        assert_eq!(overdue, Some(found), "{filter:?}");
    }
}

/// Fault 10.
#[actix_web::test]
async fn each_example_of_the_guide_is_a_filter() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (name, kind) in [("badge_number", "string"), ("is_first_aider", "boolean")] {
        let definition = json!({"name": name, "label": name, "kind": kind});
        admin
            .post("/v1/attribute-definitions", definition)
            .await
            .assert_status(201);
    }
    let guide = include_str!("../../docs/filters.md");
    let (_, block) = guide.split_once("```filter\n").unwrap();
    let (examples, _) = block.split_once("```").unwrap();
    assert!(examples.lines().count() >= 12);

    for example in examples.lines() {
        admin
            .get(&format!("/v1/users?filter={}", encoded(example)))
            .await
            .assert_status(200);
    }
}
