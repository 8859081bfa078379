//! What every resource that is declared in one place can rely on.

use provost::{contract::RESOURCES, db::Fixed, http::list::SortKind, resource::Listed, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    operations::{self, resolve},
    story::Story,
};
use crate::support::TestApp;

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

fn names(app: &TestApp, query: provost::db::Sql) -> Vec<String> {
    use diesel::RunQueryDsl;
    let rows: Vec<Name> = app.write(move |tx| Ok(query.clone().load(tx.conn)?));
    rows.into_iter().map(|row| row.name).collect()
}

#[actix_web::test]
async fn every_order_of_a_list_has_its_index() {
    let app = TestApp::start().await;
    let mut missing = Vec::new();
    for Listed {
        table, declaration, ..
    } in RESOURCES
    {
        let indexes = names(
            &app,
            sql!("SELECT indexdef AS name FROM pg_indexes WHERE tablename = {table}"),
        );
        for sort in &declaration().sorts {
            let column = sort.column.rsplit('.').next().unwrap();
            let key = match sort.kind {
                SortKind::Text => format!("({column} COLLATE provost_order, id)"),
                _ => format!("({column}, id)"),
            };
            if !indexes.iter().any(|index| index.contains(&key)) {
                missing.push(sort.column);
            }
        }
    }
    assert!(missing.is_empty(), "lists by these have no index: {missing:?}");
}

/// Two releases run side by side during an upgrade: this one must not trip over columns that the next one adds.
#[actix_web::test]
async fn a_newer_release_may_add_columns_to_every_table() {
    let app = TestApp::start().await;
    let tables = names(
        &app,
        sql!("SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'"),
    );
    assert!(tables.len() > 30);
    for table in tables {
        let table = Fixed(table.leak());
        let added = sql!("ALTER TABLE {table} ADD COLUMN of_a_later_release integer NOT NULL DEFAULT 0");
        app.write(move |tx| Ok(added.clone().execute(tx.conn)?));
    }
    Story::tell(&app, |operation, answer| {
        assert!(answer.status < 400, "{}: {}", operation.id, answer.text());
    })
    .await;
}

/// Members that a PATCH cannot set to whatever their schema allows, each with a value that it can.
fn given(operation: &str, member: &str, story: &Story) -> Option<Value> {
    let of = |name: &str| story.ids.get(name).map(|id| json!(id));
    match (operation, member) {
        (_, "manager_id") => of("other_user_id"),
        (_, "org_unit_id") => of("other_unit_id"),
        (_, "location_id") => of("location_id"),
        ("update_org_unit", "parent_id") => of("other_unit_id"),
        ("update_role", "permissions") => Some(json!(["courses.read"])),
        ("update_course" | "update_content", "category_id") => of("other_category_id"),
        ("update_content", "tags") => Some(json!(["another"])),
        ("update_content", "owner_id") => of("other_user_id"),
        ("update_course", "level") => Some(json!("advanced")),
        ("update_course", "modules") => {
            Some(json!([{"id": Uuid::nil(), "title": "Another", "activities": []}]))
        }
        ("update_course", "tags") => Some(json!(["another"])),
        ("update_course", "validity_period") => Some(json!("P2Y")),
        ("update_rule", "audience") => Some(
            json!({"filter": "department pr", "group_ids": [], "org_unit_ids": [], "user_ids": [],
            "except": {"filter": null, "group_ids": [], "org_unit_ids": [], "user_ids": []}}),
        ),
        ("update_rule", "pilot_group_id") => of("group_id"),
        ("update_rule", "targets") => of("other_course_id").map(|id| json!([{"kind": "course", "id": id}])),
        ("update_rule", "due") => Some(json!({"kind": "on", "date": "2031-05-06"})),
        ("update_rule", "renewal_window" | "grace_period" | "minimum_gap" | "absence_lead") => {
            Some(json!("P60D"))
        }
        ("update_rule", "repeat") => Some(json!({"kind": "after_due_date", "period": "P2Y"})),
        (_, "language") => Some(json!("fr")),
        (_, "time_zone") => Some(json!("Asia/Kolkata")),
        (_, "email") => Some(json!("another@example.org")),
        (_, "locale") => Some(json!("ta-IN")),
        _ => None,
    }
}

/// A value of the schema that is not `present`.
fn another(document: &Value, schema: &Value, present: &Value) -> Option<Value> {
    let schema = resolve(document, schema);
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().find(|word| *word != present).cloned();
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let kind = kinds.into_iter().find(|kind| *kind != "null")?;
    Some(match (kind, schema["format"].as_str()) {
        ("string", None | Some("word")) => {
            json!(format!("another-{}", present.as_str().unwrap_or("value").len()))
        }
        ("string", Some("date")) => json!("2031-05-06"),
        ("boolean", _) => json!(!present.as_bool().unwrap_or_default()),
        ("number", _) => json!(present.as_f64().unwrap_or_default() + 0.5),
        ("integer", _) => json!(present.as_i64().unwrap_or_default() + 1),
        _ => return None,
    })
}

/// Members that this test leaves to others, each with its reason.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "update_rule.activates_on",
        "of rules that are ready: tests/enrollment/issues.rs",
    ),
    (
        "update_user.attributes",
        "each needs a definition: tests/people/attributes.rs",
    ),
    (
        "update_attribute_definition.allowed_values",
        "tests/people/attributes.rs",
    ),
    (
        "update_group.filter",
        "belongs to dynamic groups: tests/people/groups.rs",
    ),
];

/// Resources that no PATCH changes here: a grant is revoked and given again; an issue closes with the facts that are changed before it.
const NEVER_CHANGED: &[&str] = &["grant", "rule_issue"];

/// A field that is answered must also be written.
#[actix_web::test]
async fn a_patch_of_every_member_is_read_back() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::tell_of_lives(&app).await;
    let someone = admin
        .post(
            "/v1/users",
            json!({"username": "other", "given_name": "O", "family_name": ""}),
        )
        .await;
    story.ids.insert("other_user_id".into(), someone.id());
    let somewhere = admin
        .post("/v1/org-units", json!({"code": "other", "name": "Other"}))
        .await;
    story.ids.insert("other_unit_id".into(), somewhere.id());
    let category = json!({"code": "other", "name": "Other"});
    let category = admin.post("/v1/categories", category).await;
    story.ids.insert("other_category_id".into(), category.id());
    let course = json!({"code": "other", "title": "Other", "language": "en", "modules": [{"title": "M"}]});
    let course = admin.post("/v1/courses", course).await.id();
    let publications = format!("/v1/courses/{course}/publications");
    admin.post(&publications, json!({})).await.assert_status(201);
    story.ids.insert("other_course_id".into(), course);
    // An active rule changes by plan.
    let draft = json!({"code": "draft", "name": "Draft", "audience": {}, "due": {"kind": "after_joining", "offset": "P1D"}});
    let draft = admin.post("/v1/rules", draft).await.assert_status(201).id();
    story.ids.insert("rule_id".into(), draft);
    let document = operations::document();
    let mut untried = Vec::new();
    for Listed { kind, .. } in RESOURCES.iter().filter(|one| !NEVER_CHANGED.contains(&one.kind)) {
        let name = format!("update_{kind}");
        let operation = operations::private().into_iter().find(|one| one.id == name);
        let operation = operation.unwrap_or_else(|| panic!("there is no {name}"));
        let path = operation.path_with(&story.ids);
        let schema = resolve(document, operation.json_body().unwrap());
        for (member, schema) in schema["properties"].as_object().unwrap() {
            let present = admin.get(&path).await.json()[member].clone();
            let name = format!("{}.{member}", operation.id);
            if ELSEWHERE.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let value = given(&operation.id, member, &story).or_else(|| another(document, schema, &present));
            let Some(value) = value.filter(|value| *value != present) else {
                untried.push(name);
                continue;
            };
            let answer = admin
                .with("If-Match", "*")
                .patch(&path, json!({ member: value }))
                .await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            assert_eq!(answer.json()[member], value, "{name} is not answered");
            assert_eq!(
                admin.get(&path).await.json()[member],
                value,
                "{name} is not stored"
            );
        }
    }
    assert!(untried.is_empty(), "give these a value here: {untried:?}");
}
