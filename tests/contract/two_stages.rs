//! A request is validated in two stages: all faults of form at once, before anything is looked up; where there are none, all
//! faults that need the database at once. Walks the document, so that a new operation is covered by itself.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{Connection, PgConnection, connection::SimpleConnection};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    faults::{faults, pointers},
    inputs,
    operations::{self, NOBODY, Operation, resolve},
    sample::Sample,
    samples,
    story::Story,
};
use crate::support::{Answer, Client, TestApp};

/// The member that tells the forms of a union apart: where it is wrong, nothing can be said of its neighbours.
const TELLS_FORMS_APART: &[&str] = &["/due/kind"];

const UNKNOWN: &str = "nobody_knows_this";

/// The member of a bulk request that holds what is looked at.
fn root(operation: &Operation) -> &'static str {
    match operation.id.starts_with("bulk_") {
        true => "/rows/0",
        false => "",
    }
}

/// Where the answer says that something is wrong, below the root.
fn told(operation: &Operation, answer: &Answer) -> BTreeSet<String> {
    if answer.status == 200 && !root(operation).is_empty() {
        let errors = answer.at("/results/0/problem/errors");
        let errors = errors.as_array().cloned().unwrap_or_default();
        let pointer = |error: &Value| error["pointer"].as_str().unwrap_or_default().to_owned();
        return errors.iter().map(pointer).collect();
    }
    faults(answer).into_iter().map(|(pointer, _)| pointer).collect()
}

/// The operations that take JSON, but those of SCIM, which has a form of its own.
fn taking_json() -> Vec<Operation> {
    let takes_json = |operation: &Operation| operation.json_body().is_some() && !operation.is_scim();
    operations::private().into_iter().filter(takes_json).collect()
}

/// The bodies and addresses of the story's things, as they were when all of them were alive.
struct Stage {
    story: Story,
    document: &'static Value,
    /// By operation: a valid body whose codes are taken.
    taken: BTreeMap<String, Value>,
}

impl Stage {
    /// Adds everything twice more: what the story added it also put away, and a change needs what another thing has.
    async fn set(app: &TestApp, client: &Client) -> Self {
        let mut stage = Stage {
            story: Story::tell(app, |_, _| ()).await,
            document: operations::document(),
            taken: BTreeMap::new(),
        };
        for round in ["once", "twice"] {
            stage.add_all(client, round).await;
        }
        stage
    }

    async fn add_all(&mut self, client: &Client, round: &str) {
        let operations = operations::all();
        let adding = |sample: &Sample| sample.operation.starts_with("create_") && sample.saves.is_some();
        for sample in samples::samples().into_iter().filter(adding) {
            let operation = operations.iter().find(|one| one.id == sample.operation).unwrap();
            let Some(mut body) = sample.json(&mut self.story) else {
                continue;
            };
            if operation.id == "create_import_profile" {
                body["code"] = json!(round);
            }
            let answer = self.ask(client, operation, &body).await;
            if answer.status != 201 {
                continue;
            }
            if let Some((name, pointer)) = sample.saves
                && let Value::String(id) = answer.at(pointer)
            {
                self.story.ids.insert(name.to_owned(), id);
            }
            self.taken.entry(operation.id.clone()).or_insert(body);
        }
    }

    async fn ask(&self, client: &Client, operation: &Operation, body: &Value) -> Answer {
        let bytes = body.to_string().into();
        inputs::send(client, operation, &self.story, bytes, "application/json").await
    }

    /// A fresh valid body.
    fn body(&mut self, operation: &Operation) -> Option<Value> {
        samples::of(operation)?.json(&mut self.story)
    }

    /// A value of the member that only the database can know to be wrong.
    fn wrong(&self, operation: &Operation, name: &str, schema: &Value) -> Option<Value> {
        let mut schema = resolve(self.document, schema);
        if let Some(forms) = schema["oneOf"].as_array() {
            schema = resolve(self.document, forms.iter().find(|form| form["type"] != "null")?);
        }
        let is = |schema: &Value, format: &str| schema["format"] == format;
        match name {
            "code" | "username" => self.taken_value(operation, name),
            "name" if operation.id.ends_with("attribute_definition") => self.taken_value(operation, name),
            // The sample's group is static and has none, which is a matter of form.
            "filter" if operation.id == "create_group" => None,
            // The sample is for a user, and a group beside them is a matter of form.
            "group_id" if operation.id == "create_extension" => None,
            "filter" => Some(json!("zz eq 1")),
            "audience" => Some(json!({"filter": "zz eq 1"})),
            _ if is(schema, "uuid") => Some(json!(Uuid::now_v7())),
            _ if is(&schema["items"], "uuid") => Some(json!([Uuid::now_v7()])),
            _ => None,
        }
    }

    /// What another thing of this kind has.
    fn taken_value(&self, operation: &Operation, name: &str) -> Option<Value> {
        let (_, thing) = operation.id.split_once('_')?;
        let thing = thing.trim_start_matches("write_").trim_end_matches('s');
        let body = self.taken.get(&format!("create_{thing}"))?;
        body.get(name).cloned()
    }

    /// Where in the body the thing stands that is added or changed, and its schema.
    fn form(&self, operation: &Operation, body: &Value) -> (String, Value) {
        let document = self.document;
        let whole = resolve(document, operation.json_body().unwrap());
        if root(operation).is_empty() {
            return (String::new(), whole.clone());
        }
        let row = resolve(document, &whole["properties"]["rows"]["items"]);
        let name = ["create", "update", "add"]
            .into_iter()
            .find(|name| body.pointer(&format!("/rows/0/{name}")).is_some())
            .unwrap_or("create");
        let schema = &row["properties"][name];
        let schema = match schema["oneOf"].as_array() {
            Some(forms) => resolve(document, &forms[0]),
            None => resolve(document, schema),
        };
        (format!("/rows/0/{name}"), schema.clone())
    }

    /// The body with every place wrong: each value, whether the sample has it or not, of another kind, and a member too many
    /// in each object. And what must be told of it.
    fn broken(&self, operation: &Operation, mut body: Value) -> (Value, BTreeSet<String>) {
        // Another row would be written; a role so written has callers looked up again, who wait for the lock.
        if let Some(rows) = body["rows"].as_array_mut() {
            rows.truncate(1);
        }
        let (form, schema) = self.form(operation, &body);
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let is_text = schema["type"].to_string().contains("string");
            let object = body.pointer_mut(&form).and_then(Value::as_object_mut).unwrap();
            object
                .entry(name)
                .or_insert(if is_text { json!("") } else { json!(1) });
        }
        let mut expected = BTreeSet::new();
        spoil(body.pointer_mut(root(operation)).unwrap(), "", &mut expected);
        (body, expected)
    }
}

/// Makes everything at and below `value`, which stands at `pointer`, wrong.
fn spoil(value: &mut Value, pointer: &str, expected: &mut BTreeSet<String>) {
    // Rows without a key of their own are refused as a whole.
    if pointer == "/row_key" || TELLS_FORMS_APART.iter().any(|known| pointer.ends_with(known)) {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                spoil(member, &format!("{pointer}/{name}"), expected);
            }
            members.insert(UNKNOWN.into(), json!(1));
            expected.insert(format!("{pointer}/{UNKNOWN}"));
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter_mut().enumerate() {
                spoil(item, &format!("{pointer}/{index}"), expected);
            }
        }
        other => {
            *other = match other {
                Value::String(_) => json!({"a": 1}),
                _ => json!("no such thing"),
            };
            expected.insert(pointer.to_owned());
        }
    }
}

/// Locks every table, so that any lookup waits.
fn lock_all(app: &TestApp) -> PgConnection {
    let mut conn = PgConnection::establish(&app.database.url).unwrap();
    let statement = "BEGIN; DO $$ DECLARE found regclass; BEGIN
        FOR found IN SELECT oid::regclass FROM pg_class
            WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace
        LOOP EXECUTE 'LOCK TABLE ' || found || ' IN ACCESS EXCLUSIVE MODE'; END LOOP; END $$";
    conn.batch_execute(statement).unwrap();
    conn
}

#[actix_web::test]
async fn all_faults_of_form_are_told_at_once_before_anything_is_looked_up() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut stage = Stage::set(&app, &admin).await;
    let (bulk, single): (Vec<_>, Vec<_>) = taking_json()
        .into_iter()
        .partition(|operation| !root(operation).is_empty());
    let (mut wrong, mut places) = (Vec::new(), 0);
    let mut locked = None;
    // Rows that are right are looked up beside those that are not, so bulk requests come before the lock.
    for operation in bulk.into_iter().chain(single) {
        let Some(body) = stage.body(&operation) else {
            continue;
        };
        if root(&operation).is_empty() && locked.is_none() {
            locked = Some(lock_all(&app));
        }
        let (body, expected) = stage.broken(&operation, body);
        let answer = stage.ask(&admin, &operation, &body).await;
        let told = told(&operation, &answer);
        places += expected.len();
        if told != expected {
            let missing: Vec<_> = expected.difference(&told).collect();
            let needless: Vec<_> = told.difference(&expected).collect();
            wrong.push(format!(
                "{}: not told {missing:?}, needless {needless:?}",
                operation.id
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(places > 300, "{places}");
}

#[actix_web::test]
async fn all_faults_that_need_the_database_are_told_at_once_after_those_of_form() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut stage = Stage::set(&app, &admin).await;
    let (mut wrong, mut known) = (Vec::new(), 0);
    for operation in taking_json() {
        let Some(body) = stage.body(&operation) else {
            continue;
        };
        let (form, schema) = stage.form(&operation, &body);
        let mut all = body;
        let mut expected = BTreeSet::new();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let (Some(value), Some(mut alone)) =
                (stage.wrong(&operation, name, schema), stage.body(&operation))
            else {
                continue;
            };
            set(&mut alone, &form, name, value.clone());
            let answer = stage.ask(&admin, &operation, &alone).await;
            let told = told(&operation, &answer);
            if !told.is_empty() {
                set(&mut all, &form, name, value);
                expected.extend(told);
            }
        }
        if expected.is_empty() {
            continue;
        }
        known += expected.len();
        let answer = stage.ask(&admin, &operation, &all).await;
        let together = told(&operation, &answer);
        set(&mut all, root(&operation), UNKNOWN, json!(1));
        let answer = stage.ask(&admin, &operation, &all).await;
        let of_form = told(&operation, &answer);
        if together != expected || of_form != BTreeSet::from([format!("/{UNKNOWN}")]) {
            wrong.push(format!(
                "{}: {together:?} of {expected:?}, {of_form:?}",
                operation.id
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(known > 40, "{known}");
}

fn set(body: &mut Value, form: &str, name: &str, value: Value) {
    if let Some(object) = body.pointer_mut(form).and_then(Value::as_object_mut) {
        object.insert(name.to_owned(), value);
    }
}

#[actix_web::test]
async fn a_request_with_faults_of_form_claims_no_key_and_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let once = admin.with("Idempotency-Key", "k");
    let faulty = json!({"code": "g", "name": 5});
    for _ in 0..2 {
        let answer = once.post("/v1/groups", faulty.clone()).await;
        assert_eq!(
            pointers(&answer.assert_problem(422, "validation_failed")),
            ["/name"]
        );
    }
    let id = once
        .post("/v1/groups", json!({"code": "g", "name": "G"}))
        .await
        .assert_status(201)
        .id();
    // That the key is another request's is told first.
    for (path, body) in [
        ("/v1/groups", faulty),
        ("/v1/users/bulk", json!({"rows": []})),
        ("/v1/users/bulk", json!([])),
    ] {
        let answer = once.post(path, body).await;
        answer.assert_problem(422, "idempotency_mismatch");
    }
    let path = format!("/v1/groups/{id}");
    admin
        .patch(&path, json!({"name": "H", "code": 5}))
        .await
        .assert_fault("/code");
    let group = admin.get(&path).await;
    assert_eq!((group.at("/name"), group.at("/version")), (json!("G"), json!(1)));
}

#[actix_web::test]
async fn parameters_have_the_same_two_stages() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let import = |query: &'static str| {
        let admin = admin.clone();
        async move {
            let path = format!("/v1/imports?{query}");
            let method = awc::http::Method::POST;
            let answer = admin.send(method, &path, Some(b"a".to_vec()), "text/csv").await;
            pointers(&answer.assert_problem(400, "invalid_parameter"))
        }
    };
    assert_eq!(import("profile=nope&zz=1").await, ["?zz"]);
    assert_eq!(import("profile=nope").await, ["?profile"]);
    for list in ["/v1/users", "/v1/courses", "/v1/enrollments"] {
        let answer = admin
            .get(&format!("{list}?expand=nobody&sort=zz&filter=(("))
            .await;
        let answer = answer.assert_problem(400, "invalid_parameter");
        assert_eq!(pointers(&answer), ["?expand", "?filter", "?sort"], "{list}");
    }
    for report in ["compliance", "overdue"] {
        let path = format!("/v1/reports/{report}?course_id={NOBODY}&org_unit_id={NOBODY}&filter=((");
        let answer = admin.get(&path).await.assert_problem(400, "invalid_parameter");
        assert_eq!(
            pointers(&answer),
            ["?course_id", "?filter", "?org_unit_id"],
            "{report}"
        );
    }
}
