//! The catalog, through HTTP.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};

mod bulk;
mod categories;
pub mod contents;
mod courses;
mod packages;
mod publishing;
mod scopes;
mod search;
mod visibility;

/// A body for a new course, with `more` in it.
fn course(code: &str, title: &str, more: Value) -> Value {
    let mut body = json!({"code": code, "title": title, "language": "en",
        "modules": [{"title": "Before a fire", "activities": [{"title": "Doors", "kind": "task", "minutes": 5}]}]});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    body
}

async fn create_course(client: &Client, code: &str, title: &str, more: Value) -> Answer {
    client
        .post("/v1/courses", course(code, title, more))
        .await
        .assert_status(201)
}

async fn publish(client: &Client, course: &Answer) -> Answer {
    client
        .post(&format!("/v1/courses/{}/publications", course.id()), json!({}))
        .await
}

async fn create_category(client: &Client, code: &str) -> Answer {
    client
        .post("/v1/categories", json!({"code": code, "name": code}))
        .await
        .assert_status(201)
}

/// The codes of a list, in its order.
fn codes(list: &Answer) -> Vec<String> {
    let rows = list.at("/data").as_array().cloned().unwrap_or_default();
    rows.iter()
        .map(|row| row["code"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Percent-encodes a query parameter's value.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
