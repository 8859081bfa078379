//! Contents that candidates for the next version of a course use.

use serde_json::{Value, json};

use super::{create_course_of, create_page};
use crate::support::{Answer, Client, TestApp};

async fn freeze(admin: &Client, course: &Answer) -> Answer {
    let path = format!("/v1/courses/{}/candidates", course.id());
    admin.post(&path, json!({})).await.assert_status(201)
}

/// Withdraws or publishes a candidate.
async fn close(admin: &Client, course: &Answer, candidate: &Answer, how: &str) -> Answer {
    let path = format!(
        "/v1/courses/{}/candidates/{}/{how}",
        course.id(),
        candidate.at("/number")
    );
    let body = match how {
        "publication" => json!({"without_approval": true}),
        _ => json!({}),
    };
    admin.post(&path, body).await
}

/// The uses of a content: the number of the course's version, and whether it is the current one.
async fn uses(admin: &Client, content: &Answer) -> Vec<(Value, Value)> {
    let uses = admin
        .get(&format!("/v1/contents/{}/uses", content.id()))
        .await
        .assert_status(200);
    let rows = uses.at("/data").as_array().cloned().unwrap();
    rows.iter()
        .map(|row| (row["course_version_number"].clone(), row["is_current"].clone()))
        .collect()
}

#[actix_web::test]
async fn candidates_are_no_uses_until_they_are_published() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (content, version) = create_page(&admin, "doors").await;
    let course = create_course_of(&admin, "FIRE", &[&version]).await;
    let draft_only = [(Value::Null, json!(false))];

    let withdrawn = freeze(&admin, &course).await;
    assert_eq!(uses(&admin, &content).await, draft_only);
    close(&admin, &course, &withdrawn, "withdrawal")
        .await
        .assert_status(200);
    assert_eq!(uses(&admin, &content).await, draft_only);

    let candidate = freeze(&admin, &course).await;
    close(&admin, &course, &candidate, "publication")
        .await
        .assert_status(201);
    let mut shown = uses(&admin, &content).await;
    shown.sort_by_key(|(number, _)| number.as_i64());
    assert_eq!(shown, [draft_only[0].clone(), (json!(2), json!(true))]);
}
