//! Absences, overrides, extensions, waivers and course equivalences from files, and back into files.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Importing, outline};
use crate::{
    enrollment::fixture::{course, person, rule},
    support::{Answer, count},
};

/// The example of a profile for absences, which may take all of them away.
fn hr_absences() -> Value {
    let mut profile: Value =
        serde_json::from_str(include_str!("../../examples/imports/hr_absences.json")).unwrap();
    profile["mapping"]["missing"]["max_removals_percent"] = json!(100);
    profile
}

/// A profile that reads an exported list again: rows by their ids, what they name by its codes.
fn exported(resource: &str, fields: &[&str], references: &[(&str, &str)]) -> Value {
    let fields = fields.iter().chain(&["id"]);
    let fields = fields.map(|name| ((*name).to_owned(), json!({ "column": name })));
    let references = references.iter().map(|(name, by)| {
        (
            (*name).to_owned(),
            json!({ "by": by, "value": { "column": name } }),
        )
    });
    json!({ "code": resource, "name": resource, "resource": resource, "mapping": {
        "key": { "source": "sheet", "value": { "column": "id" }, "match_by": "id" },
        "fields": fields.collect::<serde_json::Map<_, _>>(),
        "references": references.collect::<serde_json::Map<_, _>>(),
    }})
}

async fn employee(importing: &Importing, username: &str, number: &str) -> Uuid {
    let user = person(&importing.admin, username, "Sales").await;
    let path = format!("/v1/users/{user}/external-keys");
    let key = json!({ "source": "hr", "key": number });
    importing.admin.post(&path, key).await.assert_status(201);
    user
}

async fn absences(importing: &Importing, query: &str) -> Vec<Value> {
    let path = format!("/v1/absences?sort=starts_on{query}");
    let page = importing.admin.get(&path).await.assert_status(200);
    let rows = page.at("/data").as_array().cloned().unwrap();
    rows.iter()
        .map(|row| json!([row["starts_on"], row["ends_on"], row["kind"]]))
        .collect()
}

fn counts(import: &Answer) -> Value {
    let names = ["create", "update", "restore", "unchanged", "end", "refuse"];
    names
        .iter()
        .filter(|name| import.at(&format!("/counts/{name}")) != 0)
        .map(|name| ((*name).to_owned(), import.at(&format!("/counts/{name}"))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn rows_of_events(importing: &Importing) -> i64 {
    count(
        &importing.app,
        "SELECT count(*) FROM events WHERE object_kind IN ('absence', 'rule_override', 'extension', 'waiver', 'course_equivalence')",
    )
}

const CURRENT: &str = "&filter=archived_at%20eq%20null";

#[actix_web::test]
async fn the_absences_of_an_hr_system_follow_its_files() {
    let importing = Importing::with(hr_absences()).await;
    employee(&importing, "ana", "7").await;
    employee(&importing, "bea", "8").await;
    let first = "EmpID;Type;From;To\n7;PL;01.03.2027;\n8;SICK;04.01.2027;08.01.2027\n8;SICK;06.01.2027;09.01.2027\n\
        9;SICK;04.01.2027;\n8;XX;01.02.2027;\n8;SICK;10.02.2027;01.02.2027\n7;PL;31.31.2027;\n";

    let import = importing.plan("hr_absences", first).await;

    assert_eq!(counts(&import), json!({ "create": 2, "refuse": 5 }));
    assert_eq!(
        outline(&importing.rows(&import, "action eq \"refuse\"").await),
        [
            (4, "starts_on:conflict".to_owned()),
            (5, "user:reference_unknown".to_owned()),
            (6, "kind:not_in_lookup".to_owned()),
            (7, "ends_on:validation_failed".to_owned()),
            (8, "starts_on:not_a_date".to_owned()),
        ]
    );
    assert_eq!(absences(&importing, "").await, Vec::<Value>::new());
    importing.applied(&import).await;
    assert_eq!(
        absences(&importing, "").await,
        [
            json!(["2027-01-04", "2027-01-08", "sickness"]),
            json!(["2027-03-01", null, "parental_leave"]),
        ]
    );

    // The same file again changes nothing.
    let events = rows_of_events(&importing);
    let again = importing.plan("hr_absences", first).await;
    assert_eq!(counts(&again), json!({ "unchanged": 2, "refuse": 5 }));
    importing.applied(&again).await;
    assert_eq!(rows_of_events(&importing), events);

    // One gets its end; another begins on another day, in the days of the one that it takes the place of.
    let second = "EmpID;Type;From;To\n7;PL;01.03.2027;31.08.2027\n8;SICK;05.01.2027;08.01.2027\n";
    let import = importing.plan("hr_absences", second).await;
    assert_eq!(counts(&import), json!({ "create": 1, "update": 1, "end": 1 }));
    let update = importing.rows(&import, "action eq \"update\"").await;
    assert_eq!(
        update[0]["changes"],
        json!({ "ends_on": { "from": null, "to": "2027-08-31" } })
    );
    importing.applied(&import).await;
    let of_second = [
        json!(["2027-01-05", "2027-01-08", "sickness"]),
        json!(["2027-03-01", "2027-08-31", "parental_leave"]),
    ];
    assert_eq!(absences(&importing, CURRENT).await, of_second);

    // What was archived for being missing comes back with its key.
    let third = "EmpID;Type;From;To\n7;PL;01.03.2027;31.08.2027\n8;SICK;04.01.2027;08.01.2027\n";
    let import = importing.plan("hr_absences", third).await;
    assert_eq!(counts(&import), json!({ "restore": 1, "unchanged": 1, "end": 1 }));
    importing.applied(&import).await;
    assert_eq!(
        absences(&importing, CURRENT).await,
        [
            json!(["2027-01-04", "2027-01-08", "sickness"]),
            json!(["2027-03-01", "2027-08-31", "parental_leave"]),
        ]
    );

    // All in one transaction, if that is asked for.
    let body = json!({ "plan_hash": importing.plan("hr_absences", second).await.at("/plan_hash") });
    let imports = importing.admin.get("/v1/imports?sort=-created_at").await;
    let path = format!(
        "/v1/imports/{}/application",
        imports.at("/data/0/id").as_str().unwrap()
    );
    let mut whole = body;
    whole["all_or_nothing"] = json!(true);
    importing.admin.post(&path, whole).await.assert_status(202);
    importing.app.run_jobs();
    assert_eq!(absences(&importing, CURRENT).await, of_second);
}

#[actix_web::test]
async fn a_row_whose_days_were_taken_since_the_plan_is_refused_alone() {
    let importing = Importing::with(hr_absences()).await;
    let ana = employee(&importing, "ana", "7").await;
    employee(&importing, "bea", "8").await;
    let file = "EmpID;Type;From;To\n7;PL;01.03.2027;\n8;SICK;04.01.2027;08.01.2027\n";
    let import = importing.plan("hr_absences", file).await;
    let taken = json!({ "user_id": ana, "kind": "leave", "starts_on": "2027-04-01" });
    importing
        .admin
        .post("/v1/absences", taken)
        .await
        .assert_status(201);

    let import = importing.applied(&import).await;

    assert_eq!(counts(&import), json!({ "create": 1, "refuse": 1 }));
    let refused = importing.rows(&import, "action eq \"refuse\"").await;
    assert_eq!(outline(&refused), [(2, "starts_on:conflict".to_owned())]);
}

#[actix_web::test]
async fn exceptions_name_users_rules_groups_and_courses() {
    let importing = Importing::with(hr_absences()).await;
    let (app, admin) = (&importing.app, &importing.admin);
    let ana = employee(&importing, "ana", "7").await;
    let (fire, lift) = (course(app, "FIRE-1", None), course(app, "LIFT", None));
    let sales = rule(app, admin, "Sales", "P30D", &[fire]).await;
    let group = json!({ "code": "night", "name": "Night shift" });
    let group = admin.post("/v1/groups", group).await.assert_status(201).id();

    let mut overrides = exported(
        "rule_overrides",
        &["effect", "until", "reason"],
        &[("rule", "code"), ("user", "username")],
    );
    overrides["mapping"]["key"] = json!({ "source": "list", "value": { "template": "{rule}/{user}" } });
    overrides["mapping"]["fields"]
        .as_object_mut()
        .unwrap()
        .remove("id");
    admin
        .post("/v1/import-profiles", overrides)
        .await
        .assert_status(201);
    let file = "rule,user,effect,until,reason\nsales-p30d,ANA,released,2027-06-30,Works on site\nnone,ana,released,,No rule\n\
        sales-p30d,nobody,released,,Nobody\nsales-p30d,ana,required,,\n";
    let import = importing.plan("rule_overrides", file).await;
    assert_eq!(
        outline(&importing.rows(&import, "action eq \"refuse\"").await),
        [
            (3, "rule:reference_unknown".to_owned()),
            (4, "user:reference_unknown".to_owned()),
            (5, "reason:required".to_owned()),
        ]
    );
    let file = "rule,user,effect,until,reason\nsales-p30d,ANA,released,2027-06-30,Works on site\n";
    let import = importing.plan("rule_overrides", file).await;
    importing.applied(&import).await;
    let made = admin
        .get("/v1/rule-overrides?expand=rule,user")
        .await
        .assert_status(200);
    let of_made = |member: &str| made.at(&format!("/data/0/{member}"));
    assert_eq!(
        json!([
            of_made("rule_id"),
            of_made("user_id"),
            of_made("effect"),
            of_made("until")
        ]),
        json!([sales, ana, "released", "2027-06-30"])
    );
    // Who is whose cannot change: another user is another override.
    let file = "rule,user,effect,until,reason\nsales-p30d,ANA,required,,Works on site\n";
    let import = importing.plan("rule_overrides", file).await;
    assert_eq!(
        outline(&importing.rows(&import, "action eq \"refuse\"").await),
        [(2, "effect:validation_failed".to_owned())]
    );

    let mut extensions = exported(
        "extensions",
        &["due_on", "reason"],
        &[("user", "username"), ("group", "code"), ("course", "code")],
    );
    extensions["mapping"]["key"] = json!({ "source": "list", "value": { "column": "no" } });
    extensions["mapping"]["fields"]
        .as_object_mut()
        .unwrap()
        .remove("id");
    admin
        .post("/v1/import-profiles", extensions)
        .await
        .assert_status(201);
    let file = "no,user,group,course,due_on,reason\n1,ana,,fire-1,2027-01-31,Flood\n2,,NIGHT,lift,2027-02-28,Trainer ill\n\
        3,ana,night,lift,2027-02-28,Both\n4,,,lift,2027-02-28,Neither\n";
    let import = importing.plan("extensions", file).await;
    assert_eq!(
        outline(&importing.rows(&import, "action eq \"refuse\"").await),
        [
            (4, "group:validation_failed".to_owned()),
            (5, "user:validation_failed".to_owned()),
        ]
    );
    importing.applied(&import).await;
    let made = admin.get("/v1/extensions?sort=due_on").await.assert_status(200);
    let of_made = |row: usize, member: &str| made.at(&format!("/data/{row}/{member}"));
    assert_eq!(
        json!([
            of_made(0, "user_id"),
            of_made(0, "target/id"),
            of_made(1, "group_id"),
            of_made(1, "target/id")
        ]),
        json!([ana, fire, group, lift])
    );
    let again = importing.plan("extensions", file).await;
    assert_eq!(counts(&again), json!({ "unchanged": 2, "refuse": 2 }));

    // A profile must say whom a waiver is about, and cannot have a course made.
    let mut waivers = exported(
        "waivers",
        &["begins_on", "expires_on", "reason"],
        &[("course", "code")],
    );
    waivers["mapping"]["references"]["course"]["on_missing"] = json!("create");
    admin
        .post("/v1/import-profiles", waivers)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/mapping/references/user")
        .assert_fault("/mapping/references/course/on_missing");
}

#[actix_web::test]
async fn a_list_of_issues_is_exported_decided_about_and_imported() {
    let importing = Importing::with(hr_absences()).await;
    let (app, admin) = (&importing.app, &importing.admin);
    let fire = course(app, "fire", None);
    let body = json!({ "code": "hired", "name": "Hired", "targets": [{ "kind": "course", "id": fire }],
        "audience": { "filter": "status eq \"active\"" }, "due": { "kind": "after_hire", "offset": "P30D" } });
    let hired = admin.post("/v1/rules", body).await.assert_status(201).id();
    let activation = format!("/v1/rules/{hired}/activation");
    admin.post(&activation, json!({})).await.assert_status(200);
    app.run_jobs();
    let ana = person(admin, "ana", "Sales").await;
    person(admin, "bea", "Sales").await;
    let profile = exported("rule_issues", &["choice", "due_on", "note"], &[]);
    admin
        .post("/v1/import-profiles", profile)
        .await
        .assert_status(201);

    let of_ana = format!("/v1/rule-issues?filter=user_id%20eq%20%22{ana}%22");
    let list = admin
        .get(&format!("{of_ana}&format=csv"))
        .await
        .assert_status(200)
        .text();
    let (head, row) = list.split_once('\n').unwrap();
    assert!(head.contains("choice,due_on,note"), "{head}");
    let decided = row.replacen("missing_date,,,", "missing_date,due_on,2041-03-31,Found", 1);
    assert_ne!(decided, row, "{row}");
    let stranger = decided.replacen(&row[..36], "", 1);
    let impossible = row.replacen("missing_date,,,", "missing_date,waive,,", 1);
    let import = importing.plan("rule_issues", format!("{head}\n{stranger}")).await;
    assert_eq!(
        outline(&importing.rows(&import, "action eq \"refuse\"").await),
        [(2, "key:no_key".to_owned())]
    );
    let import = importing
        .plan("rule_issues", format!("{head}\n{impossible}"))
        .await;
    assert_eq!(
        outline(&importing.rows(&import, "action eq \"refuse\"").await),
        [(2, "choice:validation_failed".to_owned())]
    );
    let import = importing.plan("rule_issues", format!("{head}\n{decided}")).await;
    assert_eq!(counts(&import), json!({ "update": 1 }));
    importing.applied(&import).await;
    let issue = admin.get(&of_ana).await.assert_status(200);
    assert_eq!(
        json!([
            issue.at("/data/0/choice"),
            issue.at("/data/0/due_on"),
            issue.at("/data/0/note")
        ]),
        json!(["due_on", "2041-03-31", "Found"])
    );
    let must = format!("/v1/requirements?filter=user_id%20eq%20%22{ana}%22");
    assert_eq!(admin.get(&must).await.at("/data/0/due_on"), "2041-03-31");
    let again = importing.plan("rule_issues", format!("{head}\n{decided}")).await;
    assert_eq!(counts(&again), json!({ "unchanged": 1 }));
    let unknown = decided.replacen(&row[..36], &Uuid::now_v7().to_string(), 1);
    let import = importing.plan("rule_issues", format!("{head}\n{unknown}")).await;
    let refused = importing.rows(&import, "action eq \"refuse\"").await;
    assert_eq!(outline(&refused), [(2, "id:id_unknown".to_owned())]);
}

#[actix_web::test]
async fn an_exported_list_is_changed_and_imported_again() {
    let importing = Importing::with(hr_absences()).await;
    let (app, admin) = (&importing.app, &importing.admin);
    let ana = person(admin, "ana", "Sales").await;
    let (fire, lift) = (course(app, "fire", None), course(app, "lift", None));
    let sales = rule(app, admin, "Sales", "P30D", &[fire]).await;
    let target = json!({ "kind": "course", "id": fire });
    type Exported<'a> = (&'a str, Value, &'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let lists: [Exported; 5] = [
        (
            "absences",
            json!({ "user_id": ana, "kind": "leave", "starts_on": "2027-01-04", "note": "Old words" }),
            &["kind", "starts_on", "ends_on", "note"],
            &[("user", "username")],
            "note",
        ),
        (
            "rule_overrides",
            json!({ "rule_id": sales, "user_id": ana, "effect": "released", "reason": "Old words" }),
            &["effect", "until", "reason"],
            &[("rule", "code"), ("user", "username")],
            "reason",
        ),
        (
            "extensions",
            json!({ "user_id": ana, "target": target, "due_on": "2027-01-31", "reason": "Old words" }),
            &["due_on", "reason"],
            &[("user", "username"), ("group", "code"), ("course", "code")],
            "reason",
        ),
        (
            "waivers",
            json!({ "user_id": ana, "target": target, "begins_on": "2027-01-01", "reason": "Old words" }),
            &["begins_on", "expires_on", "reason", "evidence"],
            &[("user", "username"), ("course", "code")],
            "reason",
        ),
        (
            "course_equivalences",
            json!({ "course_id": fire, "equivalent_id": lift, "note": "Old words" }),
            &["is_mutual", "note"],
            &[("course", "code"), ("equivalent", "code")],
            "note",
        ),
    ];
    for (resource, body, fields, references, changed) in lists {
        let path = format!("/v1/{}", resource.replace('_', "-"));
        let made = admin.post(&path, body).await.assert_status(201);
        let profile = match resource {
            "waivers" => serde_json::from_str(include_str!("../../examples/imports/waivers.json")).unwrap(),
            _ => exported(resource, fields, references),
        };
        admin
            .post("/v1/import-profiles", profile)
            .await
            .assert_status(201);

        let csv = admin
            .with("Accept", "text/csv")
            .get(&path)
            .await
            .assert_status(200);
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        let file = csv.text();
        assert!(file.starts_with("id,") && file.contains(&made.id()), "{file}");
        let import = importing.plan(resource, file.clone()).await;
        assert_eq!(counts(&import), json!({ "update": 1 }), "{resource}");
        importing.applied(&import).await;
        let import = importing.plan(resource, file.clone()).await;
        assert_eq!(counts(&import), json!({ "unchanged": 1 }), "{resource}");

        let import = importing.plan(resource, file.replace("Old", "New")).await;
        assert_eq!(counts(&import), json!({ "update": 1 }), "{resource}");
        importing.applied(&import).await;
        let now = admin.get(&format!("{path}/{}", made.id())).await;
        assert_eq!(now.at(&format!("/{changed}")), "New words");
        let unknown = file.replace(&made.id(), &Uuid::now_v7().to_string());
        let import = importing.plan(resource, unknown).await;
        let refused = importing.rows(&import, "action eq \"refuse\"").await;
        assert_eq!(outline(&refused), [(2, "id:id_unknown".to_owned())]);

        let lines = admin
            .get(&format!("{path}?format=ndjson"))
            .await
            .assert_status(200);
        assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
        let line: Value = serde_json::from_str(lines.text().trim()).unwrap();
        assert_eq!((&line["id"], &line["version"]), (&json!(made.id()), &json!(2)));
        admin
            .get(&format!("{path}?format=csv&expand=course"))
            .await
            .assert_problem(400, "invalid_parameter");
    }
    let header = "id,rule_id,rule,user_id,user,effect,until,reason,created_at,updated_at,archived_at\r\n";
    let csv = admin.get("/v1/rule-overrides?format=csv").await.text();
    assert!(csv.starts_with(header), "{csv}");
    assert!(
        csv.contains(&format!("{sales},Sales-P30D,{ana},ana,released,,New words")),
        "{csv}"
    );
}
