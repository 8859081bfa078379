//! Tells the story of `samples.rs`: sends its lines and keeps the ids that later lines need.

use std::collections::BTreeMap;

use awc::http::Method;
use provost::{
    ledger::{self, SignHead},
    sql,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    operations::{self, Operation, fill},
    sample::{Payload, Sample},
    samples::{lives, samples},
};
use crate::support::{Answer, Client, TestApp};

/// What no request brings about: a signed head, and an event that was set aside.
fn set_the_scene(app: &TestApp) {
    app.write(|tx| tx.enqueue(&SignHead {}));
    ledger::seal(&app.app).unwrap();
    app.run_jobs();
    app.write(|tx| {
        sql!(
            "INSERT INTO set_aside_events (id, consumer, position, attempts, last_error, created_at)
             VALUES ({id}, 'certificates', 1, 10, 'the reaction panicked', {tx.now})",
            id = Uuid::now_v7(),
        )
        .execute(tx.conn)?;
        Ok(())
    });
}

/// Leaves an attempt at the activity that the story told of last, and a launch of it.
fn leave_an_attempt(app: &TestApp, ids: &mut BTreeMap<String, String>) {
    let id = |name: &str| ids.get(name).and_then(|id| Uuid::parse_str(id).ok());
    let (Some(enrollment), Some(activity)) = (id("enrollment_id"), id("activity_id")) else {
        return;
    };
    // Without a category all who read contents would see it.
    let category = id("category_id");
    let [content, version, attempt, launch] = std::array::from_fn(|_| Uuid::now_v7());
    ids.insert("launch_id".to_owned(), launch.to_string());
    app.write(|tx| {
        sql!(
            "INSERT INTO contents (id, code, code_folded, kind, title, language, category_id, created_at, updated_at)
             VALUES ({content}, {code}, {code}, 'package', 'Doors', 'en', {category}, {tx.now}, {tx.now})",
            code = content.to_string(),
        )
        .execute(tx.conn)?;
        sql!(
            "INSERT INTO content_versions (id, content_id, number, state, body, created_at)
             VALUES ({version}, {content}, 1, 'ready', {body}, {tx.now})",
            body = json!({"kind": "link", "url": "https://example.com/"}),
        )
        .execute(tx.conn)?;
        sql!(
            "INSERT INTO attempts (id, user_id, enrollment_id, activity_id, content_version_id, number, mode, started_at,
                updated_at)
             SELECT {attempt}, user_id, id, {activity}, {version}, 1, 'normal', {tx.now}, {tx.now}
             FROM enrollments WHERE id = {enrollment}"
        )
        .execute(tx.conn)?;
        sql!(
            "INSERT INTO launches (id, user_id, enrollment_id, activity_id, attempt_id, course_version_id,
                content_version_id, mode, fence, created_at, expires_at)
             SELECT {launch}, user_id, id, {activity}, {attempt}, course_version_id, {version}, 'normal', 1, {tx.now},
                {tx.now} + interval '12 hours'
             FROM enrollments WHERE id = {enrollment}"
        )
        .execute(tx.conn)?;
        Ok(())
    });
}

/// The ids that the story has saved so far.
#[derive(Debug, Default)]
pub struct Story {
    pub ids: BTreeMap<String, String>,
    words: u32,
}

impl Story {
    /// Tells the whole story; `watch` sees each line's operation and answer.
    pub async fn tell(app: &TestApp, watch: impl FnMut(&Operation, &Answer)) -> Story {
        Self::of(app, samples(), watch).await
    }

    /// Tells it as long as all that it tells of is alive.
    pub async fn tell_of_lives(app: &TestApp) -> Story {
        Self::of(app, lives(), |_, _| ()).await
    }

    async fn of(app: &TestApp, samples: Vec<Sample>, mut watch: impl FnMut(&Operation, &Answer)) -> Story {
        let client = app.admin().await;
        set_the_scene(app);
        let operations = operations::all();
        let mut story = Story::default();
        for sample in samples {
            let operation = operations
                .iter()
                .find(|operation| operation.id == sample.operation)
                .unwrap_or_else(|| panic!("samples.rs: there is no operation {}", sample.operation));
            let answer = story.send(&client, operation, Some(&sample)).await;
            if let Some((name, pointer)) = sample.saves {
                let id = answer.at(pointer);
                let id = match id {
                    Value::String(id) => id,
                    Value::Number(number) => number.to_string(),
                    _ => panic!(
                        "samples.rs: {} answered no {pointer}: {}",
                        sample.operation,
                        answer.text()
                    ),
                };
                story.ids.insert(name.to_owned(), id);
            }
            watch(operation, &answer);
            if sample.runs_jobs {
                app.run_jobs();
            }
        }
        leave_an_attempt(app, &mut story.ids);
        story
    }

    /// Sends an operation's request with the body and query of its sample, for whatever version unless the client names one.
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
        let client = if needs_etag && !client.sends("if-match") {
            client.with("If-Match", "*")
        } else {
            client.clone()
        };
        let headers = sample.map_or(&[][..], |sample| sample.headers);
        let client = headers
            .iter()
            .fold(client, |client, (name, value)| client.with(name, value));
        client
            .send(operation.method.clone(), &path, body, content_type)
            .await
    }

    /// A body with the ids and words of the story filled in.
    pub fn filled(&mut self, body: &Value) -> Value {
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
