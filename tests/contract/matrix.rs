//! Permission by permission: every operation refuses a caller without its permission, and one who holds it elsewhere
//! only. What the built-in roles open is the access matrix: `access.rs`.

use std::collections::HashMap;

use provost::{authz::Permission, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    operations::{self, Operation},
    samples,
    story::Story,
};
use crate::support::{Answer, Client, TestApp};

/// Operations that answer 200 to callers who hold the permission elsewhere, each with the reason.
/// Lists with nothing in `data` need not stand here.
const ANSWERS_EMPTY: &[(&str, &str)] = &[
    ("list_grants", "their own grant lies in their scope"),
    ("list_org_units", "so does the unit that it names"),
    ("list_course_external_keys", "all see published courses"),
];

#[actix_web::test]
async fn every_operation_needs_the_permission_that_it_names() {
    let app = TestApp::start().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    let mut without: HashMap<Permission, Client> = HashMap::new();
    let mut faults = Vec::new();
    for (operation, permission) in with_permission() {
        let client = without.entry(permission).or_insert_with(|| {
            let others: Vec<_> = Permission::ALL
                .iter()
                .copied()
                .filter(|other| *other != permission)
                .collect();
            app.holding(&others, "everything", None)
        });
        let answer = story
            .send(client, &operation, samples::of(&operation).as_ref())
            .await;
        if !matches!(answer.status, 403 | 404) {
            faults.push(fault(&operation, &answer));
        }
    }
    assert!(
        faults.is_empty(),
        "open without the permission:\n{}",
        faults.join("\n")
    );
}

#[actix_web::test]
async fn a_permission_held_elsewhere_opens_nothing_here() {
    let app = TestApp::start().await;
    let mut story = Story::tell(&app, |_, _| ()).await;
    let elsewhere = empty_org_unit(&app);
    let mut holders: HashMap<Permission, Client> = HashMap::new();
    let mut faults = Vec::new();
    for (operation, permission) in with_permission() {
        let excused = ANSWERS_EMPTY.iter().any(|(id, _)| *id == operation.id);
        if operation.takes_any_scope() || excused {
            continue;
        }
        let client = holders
            .entry(permission)
            .or_insert_with(|| app.holding(&[permission], "org_unit", Some(elsewhere)));
        let answer = story
            .send(client, &operation, samples::of(&operation).as_ref())
            .await;
        let is_empty =
            answer.status == 200 && [answer.at("/data"), answer.at("/Resources")].contains(&json!([]));
        let is_refused = match answer.status {
            403 | 404 => true,
            400 | 422 => names_the_unseen(&answer.text()),
            _ => false,
        };
        if !is_refused && !is_empty && !refuses_each_row(&answer) {
            faults.push(fault(&operation, &answer));
        }
    }
    assert!(
        faults.is_empty(),
        "open from a foreign scope:\n{}",
        faults.join("\n")
    );
}

fn with_permission() -> impl Iterator<Item = (Operation, Permission)> {
    operations::private().into_iter().filter_map(|operation| {
        let permission = Permission::from_name(operation.permission())?;
        Some((operation, permission))
    })
}

/// Whether something was refused since it names what the caller may not see.
fn names_the_unseen(answer: &str) -> bool {
    answer.contains("that you may see")
}

/// Whether a bulk request was answered, and every row of it refused.
fn refuses_each_row(answer: &Answer) -> bool {
    let rows = match answer.at("/results") {
        Value::Null => answer.at("/Operations"),
        rows => rows,
    };
    let refused = |row: &Value| {
        [json!(403), json!(404), json!("403"), json!("404")].contains(&row["status"])
            || names_the_unseen(&row.to_string())
    };
    answer.status == 200
        && rows
            .as_array()
            .is_some_and(|rows| !rows.is_empty() && rows.iter().all(refused))
}

fn fault(operation: &Operation, answer: &Answer) -> String {
    format!("{}: {} {}", operation.id, answer.status, answer.text())
}

/// An org unit with nobody in it.
fn empty_org_unit(app: &TestApp) -> Uuid {
    let id = Uuid::now_v7();
    app.write(|tx| {
        sql!(
            "WITH unit AS (INSERT INTO org_units (id, code, code_folded, name, name_folded, created_at,
                updated_at)
                VALUES ({id}, 'elsewhere', 'elsewhere', 'Elsewhere', 'elsewhere', {tx.now}, {tx.now})
                RETURNING id)
             INSERT INTO org_unit_closure (ancestor_id, descendant_id, depth) SELECT id, id, 0 FROM unit"
        )
        .execute(tx.conn)?;
        Ok(())
    });
    id
}
