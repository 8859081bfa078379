//! The access matrix: what each built-in role opens, and where it must be held for that.
//!
//! `access_matrix.txt` has a row for each operation and a column for each role. It is made by asking the router as
//! holders of each role: everywhere, in scopes that cover what is asked for, in other scopes, suspended, and without a
//! token. An operation without its row fails, as does a row without its operation.

use std::{collections::BTreeMap, env, fmt::Write as _, fs};

use awc::http::Method;
use provost::{access::built_in::BUILT_IN_ROLES, app::Wake, authz::Permission, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    operations::{self, Operation},
    samples,
    story::Story,
};
use crate::support::{Answer, Client, TestApp};

const FORM: &str = "application/x-www-form-urlencoded";

const TABLE: &str = "tests/contract/access_matrix.txt";

const PREFACE: &str = "\
# What each role opens. Written by PROVOST_WRITE_DOCS=1 cargo test --test integration access_matrix
#
# everything  if it is held everywhere
# scope       if it is held in a scope that covers the thing
# any         wherever it is held
# -           never
# public      no token is asked for
# client      clients prove who they are with their own secret, in the request: tests/access/introspection.rs
#
# `self` is every active person, about themselves; `line manager` is a manager, about those who report to them.
";

/// A column: the same role in three places. Of people there is none who holds it everywhere.
struct Column {
    name: &'static str,
    everywhere: Option<Client>,
    own: Client,
    other: Client,
}

#[actix_web::test]
async fn the_access_matrix_is_what_the_router_does() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut story = Story::tell_of_lives(&app).await;
    story
        .ids
        .insert("dry_run_id".to_owned(), dry_run(&app, &admin).await);
    go_on(&admin, &mut story).await;
    let columns = columns(&app, &admin, &story).await;

    let mut rows: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut faults = Vec::new();
    for operation in operations::all() {
        if operations::is_private(&operation) {
            continue;
        }
        let answer = match operation.value["requestBody"]["content"][FORM].is_null() {
            true => ask(&mut story, &app.anonymous(), &operation).await,
            false => {
                let body = Some(b"token=x".to_vec());
                let client = app.anonymous();
                client.send(Method::POST, &operation.path, body, FORM).await
            }
        };
        let word = match operation.id.as_str() {
            "introspect_token" => "client",
            _ => "public",
        };
        let expected = match word {
            "client" => "invalid_client",
            _ => "",
        };
        // Of the public ones none asks who it is: what is wrong is what was sent.
        let asks_who = ["unauthenticated", "forbidden", "invalid_client"];
        let asks_who = asks_who.into_iter().find(|code| answer.text().contains(code));
        if asks_who.unwrap_or_default() != expected {
            faults.push(format!("{}: is not {word}: {}", operation.id, answer.text()));
        }
        rows.insert(operation.id.clone(), vec![word; columns.len()]);
    }
    let mut private = operations::private();
    let endings = samples::endings();
    private.sort_by_key(|operation| endings.iter().position(|ending| ending.operation == operation.id));
    for operation in &private {
        restore_upload(&app, &story, operation);
        let control = ask(&mut story, &admin, operation).await;
        if !is_open(&story, &control, &control) {
            faults.push(format!(
                "{}: tells nothing: {} {}",
                operation.id,
                control.status,
                control.text()
            ));
        }
        let mut cells = Vec::new();
        for column in &columns {
            if operation.path.to_lowercase().contains("group") {
                leave_groups_to(&app, column);
            }
            let mut opens = [false; 3];
            let places = [
                column.everywhere.as_ref().unwrap_or(&column.own),
                &column.own,
                &column.other,
            ];
            for (opens, client) in opens.iter_mut().zip(places) {
                restore_upload(&app, &story, operation);
                let answer = ask(&mut story, client, operation).await;
                *opens = is_open(&story, &control, &answer);
            }
            cells.push(match opens {
                [false, false, false] => "-",
                [true, false, false] => "everything",
                [true, true, false] => "scope",
                [true, true, true] => "any",
                _ => "?",
            });
        }
        let by_administrator = columns
            .iter()
            .zip(&cells)
            .find(|(column, _)| column.name == "lms_admin");
        if cells.contains(&"?") || by_administrator.is_some_and(|(_, cell)| *cell == "-") {
            faults.push(format!("{}: opens oddly: {cells:?}", operation.id));
        }
        rows.insert(operation.id.clone(), cells);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    compare(&columns, &rows);
    refuses_the_suspended(&app, &columns, &mut story, &private).await;
}

/// Whoever adds somebody to a group gives power over them to those who hold roles in its scope, and needs that power. So
/// nobody but the holders of this column's role holds any there.
fn leave_groups_to(app: &TestApp, column: &Column) {
    app.write(|tx| {
        sql!(
            "UPDATE grants
             SET revoked_at = CASE
                WHEN role_id <> (SELECT id FROM roles WHERE code = {column.name}) THEN {tx.now} END
             WHERE scope_kind = 'group'"
        )
        .execute(tx.conn)?;
        tx.wake(Wake::Callers);
        Ok(())
    });
}

/// Whoever may delete the upload has deleted it: it has no version that could keep it.
fn restore_upload(app: &TestApp, story: &Story, operation: &Operation) {
    if operation.id != "delete_upload" {
        return;
    }
    let id: Uuid = story.ids["upload_id"].parse().unwrap();
    app.write(|tx| {
        sql!(
            "INSERT INTO uploads (id, principal_id, file_name, bytes, hash_state, created_at, updated_at, expires_at)
             VALUES ({id}, {id}, 'notes.txt', 10, '', {tx.now}, {tx.now}, {tx.now} + interval '1 hour') ON CONFLICT DO NOTHING"
        )
        .execute(tx.conn)?;
        Ok(())
    });
}

/// Asks again as every role, when those who hold it are suspended, and without a token.
async fn refuses_the_suspended(app: &TestApp, columns: &[Column], story: &mut Story, private: &[Operation]) {
    app.write(|tx| {
        sql!("UPDATE service_accounts SET status = 'suspended'").execute(tx.conn)?;
        sql!("UPDATE users SET status = 'suspended' WHERE status = 'active'").execute(tx.conn)?;
        tx.wake(Wake::Callers);
        Ok(())
    });
    let mut callers: Vec<_> = columns
        .iter()
        .map(|column| {
            (
                column.name,
                column.everywhere.as_ref().unwrap_or(&column.own).clone(),
            )
        })
        .collect();
    callers.push(("nobody", app.anonymous()));
    for operation in private {
        for (name, client) in &callers {
            let answer = ask(story, client, operation).await;
            assert_eq!(answer.status, 401, "{name}: {}: {}", operation.id, answer.text());
        }
    }
}

/// Sends the operation's sample. What needs an ETag is sent with an old one, so that callers who may change it are told so and
/// changes nothing.
async fn ask(story: &mut Story, client: &Client, operation: &Operation) -> Answer {
    let sample = samples::of(operation);
    let client = match operation.method {
        Method::GET | Method::POST => client.clone(),
        _ => client.with("If-Match", "\"0\""),
    };
    story.send(&client, operation, sample.as_ref()).await
}

/// Whether the answer is one that only those get who may do what was asked. What is done is answered so, as is what
/// cannot be done at the moment; a refusal is no such answer, nor are a list without what the administrator finds in it
/// and a bulk request of which every row is refused.
fn is_open(story: &Story, control: &Answer, answer: &Answer) -> bool {
    if !is_done(answer.status.into()) {
        return false;
    }
    if let Some(rows) = rows_of(answer, ["/results", "/Operations"]) {
        let status = |row: &Value| match &row["status"] {
            Value::String(status) => status.parse().unwrap_or_default(),
            status => status.as_u64().unwrap_or_default(),
        };
        return rows.iter().any(|row| is_done(status(row)));
    }
    let Some(rows) = rows_of(answer, ["/data", "/Resources"]) else {
        return true;
    };
    let names_something = |answer: &Answer| {
        let text = answer.text();
        story
            .ids
            .values()
            .filter(|id| Uuid::parse_str(id).is_ok())
            .any(|id| text.contains(id.as_str()))
    };
    !rows.is_empty() && (names_something(answer) || !names_something(control))
}

fn is_done(status: u64) -> bool {
    matches!(status, 200..300 | 409 | 412)
}

fn rows_of(answer: &Answer, pointers: [&str; 2]) -> Option<Vec<Value>> {
    let body: Value = serde_json::from_slice(&answer.bytes).ok()?;
    pointers
        .iter()
        .find_map(|pointer| body.pointer(pointer)?.as_array().cloned())
}

/// The holders of every built-in role, the user that the story is about, and their manager.
async fn columns(app: &TestApp, admin: &Client, story: &Story) -> Vec<Column> {
    let id = |name: &str| -> Option<Uuid> { Some(story.ids[name].parse().unwrap()) };
    let own = [
        ("org_unit", id("home_unit_id")),
        ("group", id("group_id")),
        ("group", id("scim_group_id")),
        ("category", id("category_id")),
    ];
    let mut other = Vec::new();
    for (kind, path) in [
        ("org_unit", "org-units"),
        ("group", "groups"),
        ("category", "categories"),
    ] {
        let body = json!({"code": "elsewhere", "name": "Elsewhere"});
        let elsewhere = admin
            .post(&format!("/v1/{path}"), body)
            .await
            .assert_status(201)
            .id();
        other.push((kind, Some(elsewhere.parse().unwrap())));
    }
    let roles = BUILT_IN_ROLES.iter().map(|role| Column {
        name: role.code,
        everywhere: Some(app.holding_role(role.code, &[("everything", None)])),
        own: app.holding_role(role.code, &own),
        other: app.holding_role(role.code, &other),
    });
    let mut columns: Vec<_> = roles.collect();
    let person = id("user_id").unwrap();
    let (manager, stranger) = (
        somebody(admin, "manager").await,
        somebody(admin, "stranger").await,
    );
    admin
        .patch(&format!("/v1/users/{person}"), json!({"manager_id": manager}))
        .await
        .assert_status(200);
    let managers = [manager, stranger];
    columns.push(Column {
        name: "self",
        everywhere: None,
        own: app.client_of(person),
        other: app.client_of(somebody(admin, "other").await),
    });
    managers
        .iter()
        .for_each(|manager| app.grant("user", *manager, "manager", &[("own_reports", None)]));
    columns.push(Column {
        name: "line manager",
        everywhere: None,
        own: app.client_of(manager),
        other: app.client_of(stranger),
    });
    columns
}

async fn somebody(admin: &Client, name: &str) -> Uuid {
    let body = json!({"username": name, "given_name": name, "family_name": "Test"});
    let person = admin.post("/v1/users", body).await.assert_status(201);
    person.id().parse().unwrap()
}

/// What the story lacks or has ended: something overdue with its reason, a key, and what SCIM has names for.
async fn go_on(admin: &Client, story: &mut Story) {
    let course = json!({"code": "late", "title": "Late", "language": "en", "category_id": story.ids["category_id"],
        "modules": [{"title": "Late"}]});
    let course = admin.post("/v1/courses", course).await.assert_status(201).id();
    let publications = format!("/v1/courses/{course}/publications");
    admin.post(&publications, json!({})).await.assert_status(201);
    let late = json!({"user_id": story.ids["user_id"], "target": {"kind": "course", "id": course}, "opens_on": "2020-01-01",
        "due_on": "2020-02-01"});
    let late = admin.post("/v1/requirements", late).await.assert_status(201);
    let keys = format!("/v1/users/{}/external-keys", story.ids["user_id"]);
    let key = json!({"source": story.ids["source"], "key": story.ids["key"]});
    admin.post(&keys, key).await.assert_status(201);
    let reason = late.at("/reasons/0/id").as_str().unwrap().to_owned();
    for (name, id) in [
        ("requirement_id", late.id()),
        ("reason_id", reason),
        ("resource_type", "User".to_owned()),
        ("schema", "urn:ietf:params:scim:schemas:core:2.0:User".to_owned()),
    ] {
        story.ids.insert(name.to_owned(), id);
    }
}

/// What a SCIM client only tried.
async fn dry_run(app: &TestApp, admin: &Client) -> String {
    let account = app.holding(Permission::ALL, "everything", None);
    let account = account.get("/v1/me").await.assert_status(200).id();
    let secrets = format!("/v1/service-accounts/{account}/secrets");
    let secret = admin
        .post(&secrets, json!({"kind": "scim", "dry_run": true}))
        .await
        .assert_status(201);
    let token = secret.at("/secret").as_str().map(str::to_owned);
    Client::new(&app.address, token)
        .post("/scim/v2/Users", json!({"userName": "nobody"}))
        .await
        .assert_status(201);
    let runs = admin.get("/v1/scim/dry-runs").await.assert_status(200);
    runs.at("/data/0/id").as_str().unwrap().to_owned()
}

/// Compares with the committed table, or writes it.
fn compare(columns: &[Column], rows: &BTreeMap<String, Vec<&str>>) {
    let width = rows.keys().map(String::len).max().unwrap_or_default();
    let line = |first: &str, cells: &[&str]| {
        let mut line = format!("{first:width$}");
        for cell in cells {
            write!(line, "  {cell:12}").unwrap();
        }
        line.trim_end().to_owned() + "\n"
    };
    let names: Vec<_> = columns.iter().map(|column| column.name).collect();
    let mut table = format!("{PREFACE}\n{}", line("operation", &names));
    rows.iter()
        .for_each(|(operation, cells)| table += &line(operation, cells));
    if env::var_os("PROVOST_WRITE_DOCS").is_some() {
        fs::write(TABLE, &table).unwrap();
    }
    let written = fs::read_to_string(TABLE).unwrap_or_default();
    let (written, found): (Vec<_>, Vec<_>) = (written.lines().collect(), table.lines().collect());
    let missing = found
        .iter()
        .filter(|line| !written.contains(line))
        .map(|line| format!("+ {line}"));
    let stale = written
        .iter()
        .filter(|line| !found.contains(line))
        .map(|line| format!("- {line}"));
    let differences: Vec<_> = stale.chain(missing).collect();
    assert!(
        differences.is_empty(),
        "{TABLE} (-) is not what the router does (+); if that is meant, write it again as its head says:\n{}",
        differences.join("\n")
    );
}
