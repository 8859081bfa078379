//! Text: one identity whatever its case and form, on every way in and to every way to look up; names that show
//! something; lines that are one line.

mod functions;
mod identity;
mod lines;
mod random;

use serde_json::{Value, json};

use crate::support::{Answer, Client};

/// Escaped as it stands in a query.
fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// How many things a filter finds.
async fn found(client: &Client, path: &str, filter: &str) -> usize {
    let path = format!("{path}?filter={}", escaped(filter));
    let listed = client.get(&path).await.assert_status(200);
    let list = match path.starts_with("/scim") {
        true => listed.at("/Resources"),
        false => listed.at("/data"),
    };
    list.as_array().map_or(0, Vec::len)
}

/// A minimal person of that name.
fn person(username: &str) -> Value {
    json!({"username": username, "given_name": "Ana", "family_name": "Silva"})
}

/// The answer to a form.
async fn post_form(client: &Client, path: &str, form: &[(&str, &str)]) -> Answer {
    let mut body = form_urlencoded::Serializer::new(String::new());
    let body = body.extend_pairs(form).finish().into_bytes();
    client
        .send(
            awc::http::Method::POST,
            path,
            Some(body),
            "application/x-www-form-urlencoded",
        )
        .await
}
