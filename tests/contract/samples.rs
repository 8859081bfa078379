//! One valid request for every operation that changes something, as a story: the administrator tells it from
//! top to bottom, and later lines use ids of earlier ones.
//!
//! **Adding an operation that is not a GET?** Add a line where its things exist. Bodies may hold `{name}` for an id
//! that an earlier line saved, and `{unique}` for a word that no other request has. Reads and refusals are then
//! tested with the same ids by the tests that walk the document.

use std::collections::BTreeMap;

use awc::http::Method;
use serde_json::{Value, json};

use super::operations::{self, Operation, fill};
use crate::support::{Answer, Client};

/// A line of the story.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The operation's id.
    pub operation: &'static str,
    /// What follows the path.
    pub query: &'static str,
    body: Option<Payload>,
    /// What later lines call the new thing's id, and where in the answer it stands.
    saves: Option<(&'static str, &'static str)>,
}

#[derive(Debug, Clone)]
enum Payload {
    Json(Value),
    #[allow(dead_code, reason = "for operations that take files")]
    Raw(&'static str, &'static str),
}

impl Sample {
    fn new(operation: &'static str, body: Option<Payload>) -> Self {
        Sample {
            operation,
            query: "",
            body,
            saves: None,
        }
    }

    /// Later lines call the new thing's id `name`.
    fn saves(self, name: &'static str) -> Self {
        self.saves_at(name, "/id")
    }

    /// As [`Sample::saves`], where the id stands elsewhere in the answer.
    fn saves_at(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.saves = Some((name, pointer));
        self
    }

    /// The JSON body, with ids filled in.
    pub fn json(&self, story: &mut Story) -> Option<Value> {
        match &self.body {
            Some(Payload::Json(body)) => Some(story.filled(body)),
            _ => None,
        }
    }
}

/// With a JSON body.
fn json_body(operation: &'static str, body: Value) -> Sample {
    Sample::new(operation, Some(Payload::Json(body)))
}

/// Without a body.
fn bare(operation: &'static str) -> Sample {
    Sample::new(operation, None)
}

/// With a body of another kind.
#[allow(dead_code, reason = "for operations that take files")]
fn raw(operation: &'static str, content_type: &'static str, body: &'static str) -> Sample {
    Sample::new(operation, Some(Payload::Raw(content_type, body)))
}

/// The story. A thing's end (archival, revocation) comes after all that need it alive.
pub fn samples() -> Vec<Sample> {
    let mut story = people();
    story.extend(access());
    story.extend(endings());
    story
}

fn people() -> Vec<Sample> {
    vec![
        json_body(
            "create_user",
            json!({"username": "{unique}", "given_name": "Ana", "family_name": "Silva"}),
        )
        .saves("user_id"),
        json_body("update_user", json!({"title": "Nurse"})),
    ]
}

fn access() -> Vec<Sample> {
    vec![
        json_body(
            "create_role",
            json!({"code": "r{unique}", "name": "Reader", "permissions": ["users.read"]}),
        )
        .saves("role_id"),
        json_body(
            "update_role",
            json!({"description": "Reads.", "permissions": ["users.read", "groups.read"]}),
        ),
        json_body("create_service_account", json!({"name": "feed {unique}"})).saves("service_account_id"),
        json_body("update_service_account", json!({"name": "HR feed {unique}"})),
        json_body(
            "create_grant",
            json!({"principal_kind": "service_account", "principal_id": "{service_account_id}",
                "role_id": "{role_id}", "scope_kind": "everything"}),
        )
        .saves("grant_id"),
        json_body("create_service_account_secret", json!({})).saves_at("secret_id", "/record/id"),
        bare("revoke_service_account_secret"),
    ]
}

fn endings() -> Vec<Sample> {
    vec![bare("revoke_grant"), bare("archive_role")]
}

/// The ids that the story has saved so far.
#[derive(Debug, Default)]
pub struct Story {
    pub ids: BTreeMap<String, String>,
    words: u32,
}

impl Story {
    /// Tells the whole story; `watch` sees each line's operation and answer.
    pub async fn tell(client: &Client, mut watch: impl FnMut(&Operation, &Answer)) -> Story {
        let operations = operations::all();
        let mut story = Story::default();
        for sample in samples() {
            let operation = operations
                .iter()
                .find(|operation| operation.id == sample.operation)
                .unwrap_or_else(|| panic!("samples.rs: there is no operation {}", sample.operation));
            let answer = story.send(client, operation, Some(&sample)).await;
            if let Some((name, pointer)) = sample.saves {
                let id = answer.at(pointer);
                let id = id.as_str().unwrap_or_else(|| {
                    panic!(
                        "samples.rs: {} answered no {pointer}: {}",
                        sample.operation,
                        answer.text()
                    )
                });
                story.ids.insert(name.to_owned(), id.to_owned());
            }
            watch(operation, &answer);
        }
        story
    }

    /// Sends an operation's request with the body and query of its sample.
    pub async fn send(&mut self, client: &Client, operation: &Operation, sample: Option<&Sample>) -> Answer {
        let path = operation.path_with(&self.ids) + sample.map_or("", |sample| sample.query);
        let (body, content_type) = match sample.and_then(|sample| sample.body.clone()) {
            Some(Payload::Json(body)) => (
                Some(self.filled(&body).to_string().into_bytes()),
                "application/json",
            ),
            Some(Payload::Raw(content_type, body)) => {
                (Some(fill(body, &self.ids).into_bytes()), content_type)
            }
            None => (None, ""),
        };
        let needs_etag = matches!(operation.method, Method::PUT | Method::PATCH | Method::DELETE);
        let client = if needs_etag {
            client.with("If-Match", "*")
        } else {
            client.clone()
        };
        client
            .send(operation.method.clone(), &path, body, content_type)
            .await
    }

    fn filled(&mut self, body: &Value) -> Value {
        match body {
            Value::String(text) => {
                self.words += 1;
                let unique = format!("w{}", self.words);
                Value::String(fill_text(&text.replace("{unique}", &unique), &self.ids))
            }
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, member)| (name.clone(), self.filled(member)))
                .collect(),
            other => other.clone(),
        }
    }
}

/// Fills known ids in and leaves other braces alone.
fn fill_text(text: &str, ids: &BTreeMap<String, String>) -> String {
    ids.iter().fold(text.to_owned(), |text, (name, id)| {
        text.replace(&format!("{{{name}}}"), id)
    })
}

/// The last sample of each operation.
pub fn of(operation: &Operation) -> Option<Sample> {
    samples()
        .into_iter()
        .rev()
        .find(|sample| sample.operation == operation.id)
}
