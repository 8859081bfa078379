//! Overrides, extensions, waivers and equivalent courses, as resources.

use provost::{
    authz::Permission::{self, *},
    sql,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{activate, archive_rule, course, in_days, outline, person, rule, today};
use crate::support::{Client, TestApp};

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

fn of_course(course: Uuid) -> Value {
    json!({"kind": "course", "id": course})
}

async fn ids(client: &Client, path: &str) -> Vec<String> {
    let page = client.get(path).await.assert_status(200);
    let rows = page.at("/data").as_array().cloned().unwrap();
    rows.iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn group(admin: &Client, code: &str, members: &[Uuid]) -> String {
    let body = json!({"code": code, "name": code});
    let group = admin.post("/v1/groups", body).await.assert_status(201).id();
    let path = format!("/v1/groups/{group}/members");
    admin
        .post(&path, json!({"add": members}))
        .await
        .assert_status(200);
    group
}

async fn unit(admin: &Client, code: &str) -> Uuid {
    let body = json!({"code": code, "name": code});
    let unit = admin.post("/v1/org-units", body).await.assert_status(201);
    unit.id().parse().unwrap()
}

async fn person_in(admin: &Client, username: &str, unit: Uuid) -> Uuid {
    let user = person(admin, username, "Sales").await;
    let path = format!("/v1/users/{user}");
    admin
        .patch(&path, json!({"org_unit_id": unit}))
        .await
        .assert_status(200);
    user
}

#[actix_web::test]
async fn a_rule_has_one_override_for_a_user_and_its_archived_ones_are_the_history() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (ana, bea) = (
        person(&admin, "ana", "Sales").await,
        person(&admin, "bea", "Sales").await,
    );
    let fire = course(&app, "fire", None);
    let sales = rule(&app, &admin, "Sales", "P30D", &[fire]).await;
    let released = json!({"rule_id": sales, "user_id": ana, "effect": "released", "until": "2027-06-30",
        "reason": "Works on site until the summer."});
    let made = admin
        .post("/v1/rule-overrides", released.clone())
        .await
        .assert_status(201);
    for (member, value) in released.as_object().unwrap() {
        assert_eq!(&made.at(&format!("/{member}")), value);
    }

    let over = json!({"rule_id": sales, "user_id": bea, "effect": "released", "until": in_days(&app, -2), "reason": "Was ill."});
    admin
        .post("/v1/rule-overrides", over)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/until");

    let mut required = released.clone();
    required["effect"] = json!("required");
    let refused = admin
        .post("/v1/rule-overrides", required.clone())
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/user_id");
    assert!(refused.text().contains(&made.id()), "{}", refused.text());
    let of_bea = json!({"rule_id": sales, "user_id": bea, "effect": "released", "reason": "Is a trainer."});
    let rows = [of_bea.clone(), of_bea, required.clone()].map(|row| json!({"create": row}));
    assert_eq!(
        admin.bulk("/v1/rule-overrides", rows).await.row_outcomes(),
        [
            "201",
            "409 already_exists /user_id",
            "409 already_exists /user_id"
        ]
    );

    let path = format!("/v1/rule-overrides/{}", made.id());
    let shown = admin
        .get(&format!("{path}?expand=rule,user"))
        .await
        .assert_status(200);
    assert_eq!(
        [shown.at("/rule/name"), shown.at("/user/username")],
        ["Sales", "ana"]
    );
    admin
        .patch(&path, json!({"until": null, "reason": "Stays on site."}))
        .await
        .assert_status(200);
    admin
        .patch(&path, json!({"effect": "required"}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/effect");
    let archival = format!("{path}/archival");
    admin.post(&archival, json!({})).await.assert_status(200);
    admin
        .post("/v1/rule-overrides", required)
        .await
        .assert_status(201);
    admin
        .with("If-Match", "*")
        .delete(&archival)
        .await
        .assert_problem(409, "already_exists");
    let history = format!(
        "/v1/rule-overrides?filter=user_id%20eq%20%22{ana}%22%20and%20rule_id%20eq%20%22{sales}%22%20and%20archived_at%20pr"
    );
    assert_eq!(ids(&admin, &history).await, [made.id()]);

    archive_rule(&app, &admin, &format!("/v1/rules/{sales}")).await;
    let cem = person(&admin, "cem", "Sales").await;
    let too_late = json!({"rule_id": sales, "user_id": cem, "effect": "released", "reason": "None."});
    admin
        .post("/v1/rule-overrides", too_late)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/rule_id");
    let nothing = json!({"rule_id": NOBODY, "user_id": NOBODY, "effect": "released", "reason": "None."});
    admin
        .post("/v1/rule-overrides", nothing)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/rule_id")
        .assert_fault("/user_id");
}

#[actix_web::test]
async fn of_overrides_at_the_same_time_one_is_written() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", "Sales").await;
    let sales = rule(&app, &admin, "Sales", "P30D", &[course(&app, "fire", None)]).await;
    let body = json!({"rule_id": sales, "user_id": ana, "effect": "released", "reason": "Is a trainer."});
    let single = |_| async {
        let answer = admin.post("/v1/rule-overrides", body.clone()).await;
        answer.outcome()
    };
    let bulk = |_| async {
        let answer = admin.bulk("/v1/rule-overrides", [json!({"create": body})]).await;
        answer.row_outcomes().join(" ")
    };
    let (singles, bulks) = futures_util::future::join(
        futures_util::future::join_all((0..3).map(single)),
        futures_util::future::join_all((0..3).map(bulk)),
    )
    .await;
    let mut outcomes = [singles, bulks].concat();
    outcomes.sort();
    let refused = "409 already_exists /user_id";
    assert_eq!(outcomes, ["201", refused, refused, refused, refused, refused]);
}

#[actix_web::test]
async fn an_extension_is_for_a_user_or_for_a_group() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", "Sales").await;
    let (team, other) = (
        group(&admin, "team", &[ana]).await,
        group(&admin, "other", &[]).await,
    );
    let (fire, ice) = (course(&app, "fire", None), course(&app, "ice", None));
    let new = |more: Value| {
        let mut body = json!({"target": of_course(fire), "due_on": "2027-06-30", "reason": "Flooded."});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let create = async |client: &Client, more: Value| client.post("/v1/extensions", new(more)).await;

    let of_ana = create(&admin, json!({"user_id": ana})).await.assert_status(201);
    let of_team = create(&admin, json!({"group_id": team})).await.assert_status(201);
    create(&admin, json!({"user_id": ana, "target": of_course(ice)}))
        .await
        .assert_status(201);
    for (more, pointer) in [
        (json!({}), "/user_id"),
        (json!({"user_id": ana, "group_id": team}), "/group_id"),
        (json!({"user_id": NOBODY}), "/user_id"),
        (json!({"group_id": NOBODY}), "/group_id"),
        (
            json!({"user_id": ana, "target": {"kind": "course", "id": NOBODY}}),
            "/target/id",
        ),
        (
            json!({"user_id": ana, "target": {"kind": "planet", "id": fire}}),
            "/target/kind",
        ),
    ] {
        create(&admin, more)
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault(pointer);
    }
    let of_fire = format!("/v1/extensions?sort=due_on&filter=course_id%20eq%20%22{fire}%22");
    assert_eq!(ids(&admin, &of_fire).await, [of_ana.id(), of_team.id()]);
    let path = format!("/v1/extensions/{}", of_team.id());
    let shown = admin
        .get(&format!("{path}?expand=user,group,course"))
        .await
        .assert_status(200);
    assert_eq!(
        ["/user", "/group/code", "/course/code"].map(|pointer| shown.at(pointer)),
        [Value::Null, json!("team"), json!("fire")]
    );

    let keeper = &[ExtensionsRead, ExtensionsWrite, GroupsRead];
    let of_scope = |group: &str| app.holding(keeper, "group", Some(group.parse().unwrap()));
    let (own, foreign) = (of_scope(&team), of_scope(&other));
    admin
        .post(&format!("/v1/groups/{other}/archival"), json!({}))
        .await
        .assert_status(200);
    create(&admin, json!({"group_id": other}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/group_id");
    assert_eq!(ids(&own, "/v1/extensions").await.len(), 3);
    assert!(ids(&foreign, "/v1/extensions").await.is_empty());
    own.patch(&path, json!({"due_on": "2027-07-31"}))
        .await
        .assert_status(200);
    foreign
        .patch(&path, json!({"due_on": "2027-08-31"}))
        .await
        .assert_problem(404, "not_found");
    create(&foreign, json!({"group_id": team}))
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn a_waiver_has_a_period_and_stays_within_the_scope_of_its_user() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (here, there) = (unit(&admin, "here").await, unit(&admin, "there").await);
    let (ana, bea) = (
        person_in(&admin, "ana", here).await,
        person_in(&admin, "bea", there).await,
    );
    let fire = course(&app, "fire", None);
    let new = |user: Uuid| {
        json!({"user_id": user, "target": of_course(fire), "begins_on": "2027-01-01", "expires_on": "2027-12-31",
            "reason": "Serves in the fire brigade.", "evidence": "Licence 4711"})
    };
    let made = admin.post("/v1/waivers", new(ana)).await.assert_status(201);
    let path = format!("/v1/waivers/{}", made.id());
    let shown = admin
        .get(&format!("{path}?expand=user,course"))
        .await
        .assert_status(200);
    assert_eq!(
        [shown.at("/user/username"), shown.at("/course/code")],
        ["ana", "fire"]
    );
    assert_eq!(shown.at("/target"), of_course(fire));
    admin
        .patch(&path, json!({"begins_on": "2028-01-01"}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/expires_on");
    admin
        .patch(&path, json!({"begins_on": "2028-01-01", "expires_on": null}))
        .await
        .assert_status(200);
    admin
        .patch(&path, json!({"target": of_course(fire)}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/target");
    admin
        .post(&format!("/v1/courses/{fire}/retirement"), json!({}))
        .await;

    let both: &[Permission] = &[WaiversRead, WaiversWrite, CoursesRead];
    let keeper = app.holding(both, "org_unit", Some(here));
    keeper.post("/v1/waivers", new(ana)).await.assert_status(201);
    keeper
        .post("/v1/waivers", new(bea))
        .await
        .assert_problem(403, "forbidden");
    let of_bea = admin.post("/v1/waivers", new(bea)).await.assert_status(201);
    assert_eq!(ids(&keeper, "/v1/waivers").await.len(), 2);
    keeper
        .post(&format!("/v1/waivers/{}/archival", of_bea.id()), json!({}))
        .await
        .assert_problem(404, "not_found");
    // A course that the caller may not see is named like one that does not exist.
    let hidden = super::fixture::draft(&app, "hidden");
    let mut about_hidden = new(ana);
    about_hidden["target"] = of_course(hidden);
    keeper
        .post("/v1/waivers", about_hidden)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/target/id");
}

#[actix_web::test]
async fn equivalences_are_written_by_those_who_write_the_courses_that_gain() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, old) = (course(&app, "fire", None), course(&app, "old-fire", None));
    let keeper = app.holding(&[CoursesRead, CoursesWrite], "course", Some(fire));
    let new = |course: Uuid, equivalent: Uuid, is_mutual: bool| json!({"course_id": course, "equivalent_id": equivalent, "is_mutual": is_mutual});
    let create = async |client: &Client, body: Value| client.post("/v1/course-equivalences", body).await;

    let made = create(&keeper, new(fire, old, false)).await.assert_status(201);
    let path = format!("/v1/course-equivalences/{}", made.id());
    for body in [new(fire, old, true), new(old, fire, false)] {
        create(&keeper, body).await.assert_problem(403, "forbidden");
    }
    keeper
        .patch(&path, json!({"is_mutual": true}))
        .await
        .assert_problem(403, "forbidden");
    keeper
        .patch(&path, json!({"note": "The same content."}))
        .await
        .assert_status(200);
    admin
        .patch(&path, json!({"is_mutual": true}))
        .await
        .assert_status(200);
    keeper
        .patch(&path, json!({"note": null}))
        .await
        .assert_problem(403, "forbidden");
    create(&admin, new(fire, fire, false))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/equivalent_id");
    create(&admin, new(fire, NOBODY.parse().unwrap(), false))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/equivalent_id");

    let shown = admin
        .get(&format!("{path}?expand=course,equivalent"))
        .await
        .assert_status(200);
    assert_eq!(
        [shown.at("/course/code"), shown.at("/equivalent/code")],
        ["fire", "old-fire"]
    );
    let draft = super::fixture::draft(&app, "next-fire");
    create(&admin, new(draft, fire, false)).await.assert_status(201);
    assert_eq!(ids(&admin, "/v1/course-equivalences").await.len(), 2);
    // Its draft is out of their sight.
    assert_eq!(ids(&keeper, "/v1/course-equivalences").await, [made.id()]);
}

#[actix_web::test]
async fn of_two_courses_one_equivalence_says_what_counts() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, old) = (course(&app, "fire", None), course(&app, "old-fire", None));
    let new = |course: Uuid, equivalent: Uuid, is_mutual: bool| json!({"course_id": course, "equivalent_id": equivalent, "is_mutual": is_mutual});
    let path = "/v1/course-equivalences";
    let made = admin.post(path, new(fire, old, false)).await.assert_status(201);
    for body in [new(fire, old, false), new(fire, old, true), new(old, fire, true)] {
        let refused = admin.post(path, body).await;
        let refused = refused
            .assert_problem(409, "already_exists")
            .assert_fault("/equivalent_id");
        assert!(refused.text().contains(&made.id()), "{}", refused.text());
    }
    let rows = json!({"rows": [
        {"row_key": "1", "create": new(old, fire, false)},
        {"row_key": "2", "create": new(old, fire, false)},
        {"row_key": "3", "id": made.id(), "update": {"is_mutual": true}},
    ]});
    let written = admin.post(&format!("{path}/bulk"), rows).await.assert_status(200);
    let back = written.at("/results/0/resource/id");
    for other in [1, 2] {
        let code = written.at(&format!("/results/{other}/problem/code"));
        assert_eq!(code, json!("already_exists"), "{}", written.text());
    }

    let of = |id: &str, what: &str| format!("{path}/{id}/{what}");
    let archive = of(back.as_str().unwrap(), "archival");
    admin.post(&archive, json!({})).await.assert_status(200);
    admin
        .patch(&format!("{path}/{}", made.id()), json!({"is_mutual": true}))
        .await
        .assert_status(200);
    admin.delete(&archive).await.assert_problem(409, "already_exists");
}

#[actix_web::test]
async fn an_equivalence_settles_what_is_due_after_its_course() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (fire, old, ice) = (
        course(&app, "fire", None),
        course(&app, "old-fire", None),
        course(&app, "ice", None),
    );
    let body = json!({"code": "ice", "name": "Ice", "audience": {"filter": "department eq \"Lab\""}, "targets": [of_course(ice)],
        "due": {"kind": "after_completion", "course_id": fire, "offset": "P7D"}});
    let rule = admin.post("/v1/rules", body).await.assert_status(201).id();
    activate(&app, &admin, &rule).await;
    let ana = person(&admin, "ana", "Lab").await;
    let done = json!({"user_id": ana, "course_id": old});
    admin.post("/v1/completions", done).await.assert_status(201);
    assert_eq!(outline(&admin, ana).await, [("open".to_owned(), None)]);

    let body = json!({"course_id": fire, "equivalent_id": old});
    admin
        .post("/v1/course-equivalences", body)
        .await
        .assert_status(201);

    assert_eq!(
        outline(&admin, ana).await,
        [("open".to_owned(), Some(in_days(&app, 7)))]
    );
}

/// Moves a user without telling anybody, so that the next settling of their requirements shows.
fn move_unseen(app: &TestApp, user: Uuid, department: &'static str) {
    app.write(|tx| {
        sql!("UPDATE users SET department = {department} WHERE id = {user}").execute(tx.conn)?;
        Ok(())
    });
}

#[actix_web::test]
async fn what_rules_want_is_settled_with_every_exception() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", "Lab").await;
    let (fire, ice) = (course(&app, "fire", None), course(&app, "ice", None));
    let sales = rule(&app, &admin, "Sales", "P30D", &[fire]).await;
    rule(&app, &admin, "Lab", "P30D", &[ice]).await;
    let team = group(&admin, "team", &[ana]).await;
    let day = today(&app);
    let writes = [
        (
            "rule-overrides",
            json!({"rule_id": sales, "user_id": ana, "effect": "released", "reason": "r", "until": day}),
        ),
        (
            "extensions",
            json!({"user_id": ana, "target": of_course(fire), "due_on": day, "reason": "r"}),
        ),
        (
            "extensions",
            json!({"group_id": team, "target": of_course(fire), "due_on": day, "reason": "r"}),
        ),
        (
            "waivers",
            json!({"user_id": ana, "target": of_course(course(&app, "other", None)), "begins_on": day, "reason": "r"}),
        ),
        (
            "course-equivalences",
            json!({"course_id": ice, "equivalent_id": fire}),
        ),
        (
            "absences",
            json!({"user_id": ana, "kind": "leave", "starts_on": day, "ends_on": day}),
        ),
    ];
    for (index, (path, body)) in writes.into_iter().enumerate() {
        let before = outline(&admin, ana).await;
        move_unseen(&app, ana, ["Sales", "Lab"][index % 2]);
        admin.post(&format!("/v1/{path}"), body).await.assert_status(201);
        assert_ne!(outline(&admin, ana).await, before, "{path} settles nothing");
    }
}
