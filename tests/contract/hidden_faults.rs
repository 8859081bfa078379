//! No fault hides another one of another member, in any operation that takes JSON. Walks the document, so that a new
//! operation is covered by itself.
//!
//! First each member is made wrong alone, in a way that only the handler can know if there is one: a code that is taken, an
//! id of nothing, a filter of no meaning. Then all of them at once, once for each place in the body where the schema can be
//! broken, too: what was told of each alone must be told then.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    faults::faults,
    inputs,
    operations::{self, NOBODY, Operation, resolve},
    sample::Sample,
    samples,
    story::Story,
};
use crate::support::{Answer, Client, TestApp};

/// Faults that are looked for by another member: the operation, the member that is wrong, what is not told then.
const WAITING: &[(&str, &str, &str)] = &[
    ("create_grant", "/principal_kind", "/principal_id"),
    ("create_grant", "/scope_kind", "/scope_id"),
];

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

/// The bodies and addresses of the story's things, as they were when all of them were alive.
struct Stage {
    story: Story,
    document: Value,
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
            let answer = ask(client, operation, self, &body).await;
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

    /// A fresh valid body.
    fn body(&mut self, operation: &Operation) -> Option<Value> {
        samples::of(operation)?.json(&mut self.story)
    }

    /// A value of the member that only the handler can know to be wrong.
    fn wrong(&self, operation: &Operation, name: &str, schema: &Value) -> Option<Value> {
        let mut schema = resolve(&self.document, schema);
        if let Some(forms) = schema["oneOf"].as_array() {
            schema = resolve(&self.document, forms.iter().find(|form| form["type"] != "null")?);
        }
        let is = |schema: &Value, format: &str| schema["format"] == format;
        match name {
            "code" | "username" => self.taken_value(operation, name),
            "name" if operation.id.ends_with("attribute_definition") => self.taken_value(operation, name),
            "filter" | "audience" => Some(json!("zz eq 1")),
            "time_zone" => Some(json!("Mars/Base")),
            _ if is(schema, "uuid") => Some(json!(NOBODY)),
            _ if is(&schema["items"], "uuid") => Some(json!([NOBODY])),
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
}

/// The members of `body` at and below `pointer`.
fn places(body: &Value, pointer: &str, found: &mut Vec<String>) {
    match body {
        Value::Object(members) => {
            for (name, member) in members {
                let at = format!("{pointer}/{name}");
                found.push(at.clone());
                places(member, &at, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let at = format!("{pointer}/{index}");
                found.push(at.clone());
                places(item, &at, found);
            }
        }
        _ => {}
    }
}

/// The bodies in which one more thing is wrong, by its place: each member of another kind, and one too many in each object.
fn broken(body: &Value, root: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    places(body.pointer(root).unwrap(), "", &mut found);
    // Rows without a key of their own are refused as a whole.
    found.retain(|at| at != "/row_key");
    let kinds = found.iter().map(|at| {
        let mut body = body.clone();
        let member = body.pointer_mut(&format!("{root}{at}")).unwrap();
        *member = match member {
            Value::String(_) => json!({"a": 1}),
            _ => json!("no such thing"),
        };
        (at.clone(), body)
    });
    let objects = found.iter().map(String::as_str).chain([""]);
    let unknown = objects.filter_map(|at| {
        let mut body = body.clone();
        let object = body.pointer_mut(&format!("{root}{at}"))?.as_object_mut()?;
        object.insert("nobody_knows_this".into(), json!(1));
        Some((format!("{at}/nobody_knows_this"), body))
    });
    kinds.chain(unknown).collect()
}

/// The bodies in which a member that is not there comes in, of the wrong kind.
fn absent(operation: &Operation, stage: &Stage, body: &Value) -> Vec<(String, Value)> {
    let (form, schema) = form(operation, stage, body);
    let within = form.strip_prefix(root(operation)).unwrap_or_default().to_owned();
    let members = schema["properties"].as_object().into_iter().flatten();
    let absent = members.filter(|(name, _)| body.pointer(&format!("{form}/{name}")).is_none());
    let with = absent.map(|(name, schema)| {
        let kind = schema["type"].to_string();
        let takes_numbers = kind.contains("number") || kind.contains("integer");
        let wrong = if takes_numbers {
            json!("no such thing")
        } else {
            json!(1.5)
        };
        let mut body = body.clone();
        set(&mut body, &form, name, wrong);
        (format!("{within}/{name}"), body)
    });
    with.collect()
}

fn overlaps(one: &str, other: &str) -> bool {
    let is_in = |inner: &str, outer: &str| {
        let rest = inner.strip_prefix(outer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    is_in(one, other) || is_in(other, one)
}

async fn ask(client: &Client, operation: &Operation, stage: &Stage, body: &Value) -> Answer {
    let bytes = body.to_string().into();
    inputs::send(client, operation, &stage.story, bytes, "application/json").await
}

#[actix_web::test]
async fn no_fault_hides_a_fault_of_another_member() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut stage = Stage::set(&app, &admin).await;
    let mut hidden = Vec::new();
    let (mut known, mut tried) = (0, 0);
    let takes_json = |operation: &Operation| operation.json_body().is_some() && !operation.is_scim();
    for operation in operations::private().into_iter().filter(takes_json) {
        let Some(body) = stage.body(&operation) else {
            continue;
        };
        let (all, expected) = with_wrong_members(&admin, &operation, &mut stage, body).await;
        known += expected.len();
        let absent = absent(&operation, &stage, &all);
        for (place, body) in broken(&all, root(&operation)).into_iter().chain(absent) {
            let answer = ask(&admin, &operation, &stage, &body).await;
            let told = told(&operation, &answer);
            let waits = |at: &str| WAITING.contains(&(operation.id.as_str(), place.as_str(), at));
            let missing: Vec<_> = expected
                .iter()
                .filter(|at| !told.contains(*at) && !overlaps(at, &place) && !waits(at))
                .collect();
            if !missing.is_empty() || !told.iter().any(|at| overlaps(at, &place)) {
                hidden.push(format!("{} with {place}: {missing:?} of {told:?}", operation.id));
            }
            tried += 1;
        }
    }
    assert!(hidden.is_empty(), "{}", hidden.join("\n"));
    assert!(known > 40 && tried > 300, "{known} {tried}");
}

/// The body with all that can be wrong by what only the handler knows, and what is told of each of those alone.
async fn with_wrong_members(
    client: &Client,
    operation: &Operation,
    stage: &mut Stage,
    body: Value,
) -> (Value, BTreeSet<String>) {
    let (form, schema) = form(operation, stage, &body);
    let mut all = body;
    let mut expected = BTreeSet::new();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let Some(wrong) = stage.wrong(operation, name, member) else {
            continue;
        };
        let Some(mut alone) = stage.body(operation) else {
            continue;
        };
        // With an unknown member nothing is ever written.
        set(&mut alone, root(operation), "nobody_knows_this", json!(1));
        set(&mut alone, &form, name, wrong.clone());
        let answer = ask(client, operation, stage, &alone).await;
        let mut told = told(operation, &answer);
        told.remove("/nobody_knows_this");
        if !told.is_empty() {
            set(&mut all, &form, name, wrong);
            expected.extend(told);
        }
    }
    (all, expected)
}

fn set(body: &mut Value, form: &str, name: &str, value: Value) {
    if let Some(object) = body.pointer_mut(form).and_then(Value::as_object_mut) {
        object.insert(name.to_owned(), value);
    }
}

/// Where in the body the thing stands that is added or changed, and its schema.
fn form(operation: &Operation, stage: &Stage, body: &Value) -> (String, Value) {
    let document = &stage.document;
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
