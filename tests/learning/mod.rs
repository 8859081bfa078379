//! Taking courses: activities, launches, the player and what packages say.

mod activities;
mod claims;
mod contents;
mod elements;
mod kills;
mod launches;
mod moves;
mod outline;
mod runtime;
mod support;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Client, TestApp};

/// A course of these modules, published.
pub async fn course(admin: &Client, code: &str, modules: Value) -> Uuid {
    let body = json!({"code": code, "title": code, "language": "en", "modules": modules});
    let course = admin.post("/v1/courses", body).await.assert_status(201).id();
    let publications = format!("/v1/courses/{course}/publications");
    admin.post(&publications, json!({})).await.assert_status(201);
    course.parse().unwrap()
}

/// A learner who takes a course: their client, and the address of their enrollment.
pub async fn learner(app: &TestApp, admin: &Client, name: &str, course: Uuid) -> (Client, String) {
    let body = json!({"username": name, "given_name": name, "family_name": "Test"});
    let user = admin.post("/v1/users", body).await.assert_status(201).id();
    let body = json!({"user_id": user, "course_id": course});
    let enrollment = admin.post("/v1/enrollments", body).await.assert_status(201).id();
    let learner = app.client_of(user.parse().unwrap());
    (learner, format!("/v1/enrollments/{enrollment}"))
}

/// The id of the activity with this place in the course.
pub async fn activity(learner: &Client, enrollment: &str, module: usize, place: usize) -> String {
    let all = learner
        .get(&format!("{enrollment}/activities"))
        .await
        .assert_status(200);
    let id = all.at(&format!("/modules/{module}/activities/{place}/id"));
    format!("{enrollment}/activities/{}", id.as_str().unwrap())
}

/// A Provost whose content a front end may frame.
pub async fn start() -> TestApp {
    TestApp::start_with(|config| config.cors_origins = vec!["https://learn.example.com".to_owned()]).await
}
