//! People, through HTTP.

mod absences;
mod attributes;
mod bulk;
mod closure;
mod emails;
mod expand;
mod external_keys;
mod filters;
mod groups;
mod history;
mod locations;
mod managers;
mod new_days;
mod order;
mod org_units;
mod search;

mod users;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::Client;

/// A new person of that name, with these fields beside; their id.
async fn person(client: &Client, username: &str, fields: Value) -> String {
    let mut body = json!({"username": username, "given_name": username, "family_name": "Silva"});
    body.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    client.post("/v1/users", body).await.assert_status(201).id()
}

/// A new org unit below `parent`; its id.
async fn unit(client: &Client, code: &str, parent: Option<&str>) -> String {
    let body = json!({"code": code, "name": code, "parent_id": parent});
    client.post("/v1/org-units", body).await.assert_status(201).id()
}

/// The usernames or codes of a list.
async fn names(client: &Client, path: &str) -> Vec<String> {
    let page = client.get(path).await.assert_status(200);
    let mut names: Vec<String> = page
        .at("/data")
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            row.get("username")
                .or(row.get("code"))
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    names.sort();
    names
}

fn uuid(text: &str) -> Uuid {
    Uuid::parse_str(text).unwrap()
}
