//! The content library, through HTTP.

mod candidates;
mod checks;
mod folders;
mod library;
mod pages;
mod pdf;
mod tracks;
mod versions;
mod videos;

use provost::{
    app::{Acting, Tx},
    files::{Sha256, Store, blobs, media_type},
    sql,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Client, TestApp, on_thread};

/// A complete upload of the administrator.
fn upload(app: &TestApp, name: &str, bytes: &[u8]) -> Uuid {
    let sha256 = Sha256::of(bytes);
    let (id, admin) = (Uuid::now_v7(), app.admin_id());
    let (length, found) = (bytes.len() as i64, media_type::sniff(bytes, true));
    let app = &app.app;
    let write = |tx: &mut Tx| {
        blobs::add(tx, &sha256, length as u64, found)?;
        sql!(
            "INSERT INTO uploads (id, principal_id, file_name, bytes, received, hash_state, sha256, created_at, updated_at, expires_at)
             VALUES ({id}, {admin}, {name}, {length}, {length}, '', {sha256}, {tx.now}, {tx.now}, {tx.now} + interval '1 day')"
        )
        .execute(tx.conn)?;
        Ok(())
    };
    on_thread(|| {
        app.part::<Store>().put_file(&sha256, bytes).unwrap();
        app.write_blocking(&Acting::system("test"), write).unwrap();
    });
    id
}

pub async fn create_content(client: &Client, code: &str, kind: &str, more: Value) -> Answer {
    let mut body = json!({"code": code, "kind": kind, "title": format!("About {code}"), "language": "en"});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    client.post("/v1/contents", body).await.assert_status(201)
}

pub async fn add_version(client: &Client, content: &Answer, body: Value) -> Answer {
    client
        .post(&format!("/v1/contents/{}/versions", content.id()), body)
        .await
}

/// A page with a version, and the id of that version.
async fn create_page(client: &Client, code: &str) -> (Answer, String) {
    let content = create_content(client, code, "page", json!({})).await;
    let version = add_version(client, &content, json!({"format": "markdown", "text": "# Doors"})).await;
    (content, version.assert_status(201).id())
}

/// A course whose working copy uses these versions of contents.
pub async fn create_course_of(client: &Client, code: &str, versions: &[&str]) -> Answer {
    let activities = versions
        .iter()
        .map(|id| json!({"title": "Look", "kind": "content", "content_version_id": id}));
    let modules = json!([{"title": "One", "activities": activities.collect::<Vec<_>>()}]);
    super::create_course(client, code, code, json!({"modules": modules})).await
}
