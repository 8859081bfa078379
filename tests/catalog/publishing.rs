use provost::{app::Tx, catalog::courses::publish::publish_all, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{course, create_course, publish};
use crate::support::{Answer, TestApp};

/// The version that was published, without the findings that came with it.
fn version(published: &Answer) -> Value {
    let mut version = published.json();
    let findings = version
        .as_object_mut()
        .and_then(|version| version.remove("findings"));
    assert_eq!(findings, Some(json!([])));
    version
}

#[actix_web::test]
async fn a_published_version_stays_as_it_was_when_the_course_changes() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = create_course(&admin, "FIRE", "Fire", json!({"validity_period": "P1Y"})).await;
    let path = format!("/v1/courses/{}", course.id());

    let first = publish(&admin, &course).await.assert_status(201);
    let first_path = format!("{path}/versions/1");
    assert_eq!(first.header("location"), Some(first_path.as_str()));
    let published = admin.get(&path).await;
    assert_eq!(
        (
            published.at("/status"),
            published.at("/current_version_id"),
            published.at("/current_version_number")
        ),
        (json!("published"), json!(first.id()), json!(1))
    );

    let change = json!({"title": "Fire and smoke", "modules": [{"title": "New"}], "validity_period": null});
    admin.patch(&path, change).await.assert_status(200);
    assert_eq!(
        admin.get(&first_path).await.assert_status(200).json(),
        version(&first)
    );

    let second = publish(&admin, &course).await.assert_status(201);
    assert_eq!(
        (
            second.at("/number"),
            second.at("/title"),
            second.at("/validity_period")
        ),
        (json!(2), json!("Fire and smoke"), json!(null))
    );
    assert_eq!(admin.get(&path).await.at("/current_version_number"), 2);
    assert_eq!(admin.get(&first_path).await.json(), version(&first));
    let versions = admin.get(&format!("{path}/versions?sort=-number&limit=1")).await;
    assert_eq!(versions.at("/data"), json!([version(&second)]));
    let next = versions.at("/next_cursor").as_str().unwrap().to_owned();
    let rest = admin
        .get(&format!("{path}/versions?sort=-number&limit=1&cursor={next}"))
        .await;
    assert_eq!(
        (rest.at("/data"), rest.at("/next_cursor")),
        (json!([version(&first)]), json!(null))
    );
    admin
        .get(&format!("{path}/versions/3"))
        .await
        .assert_problem(404, "not_found");
    admin
        .get(&format!("{path}/versions/one"))
        .await
        .assert_problem(404, "not_found");
}

#[actix_web::test]
async fn publishing_a_course_without_modules_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = create_course(&admin, "FIRE", "Fire", json!({"modules": []})).await;

    publish(&admin, &course)
        .await
        .assert_problem(409, "course_has_no_modules");
}

#[actix_web::test]
async fn publishing_twice_without_a_change_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = create_course(&admin, "FIRE", "Fire", json!({})).await;
    publish(&admin, &course).await.assert_status(201);

    let path = format!("/v1/courses/{}", course.id());
    admin
        .patch(&path, json!({"tags": ["new"]}))
        .await
        .assert_status(200);

    publish(&admin, &course)
        .await
        .assert_problem(409, "course_unchanged");
}

#[actix_web::test]
async fn a_retired_course_is_not_published_and_comes_back_as_it_was() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = create_course(&admin, "FIRE", "Fire", json!({})).await;
    publish(&admin, &course).await.assert_status(201);
    let path = format!("/v1/courses/{}", course.id());
    let retirement = format!("{path}/retirement");

    let retired = admin.post(&retirement, json!({})).await.assert_status(200);
    assert_eq!(retired.at("/status"), json!("retired"));
    assert!(retired.at("/retired_at").is_string());
    admin
        .post(&retirement, json!({}))
        .await
        .assert_problem(409, "course_retired");
    admin
        .patch(&path, json!({"title": "Smoke"}))
        .await
        .assert_status(200);
    publish(&admin, &course)
        .await
        .assert_problem(409, "course_retired");
    admin.get(&format!("{path}/versions/1")).await.assert_status(200);

    let back = admin.delete(&retirement).await.assert_status(200);
    assert_eq!(
        (back.at("/status"), back.at("/retired_at")),
        (json!("published"), json!(null))
    );
    admin.delete(&retirement).await.assert_problem(409, "conflict");
    let draft = create_course(&admin, "DRAFT", "Draft", json!({})).await;
    let retirement = format!("/v1/courses/{}/retirement", draft.id());
    admin.post(&retirement, json!({})).await.assert_status(200);
    let back = admin.delete(&retirement).await.assert_status(200);
    assert_eq!(back.at("/status"), json!("draft"));
}

#[actix_web::test]
async fn many_courses_are_published_at_once_where_there_is_something_to_publish() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut ids = Vec::new();
    for code in ["NEW", "UNCHANGED", "EMPTY", "RETIRED"] {
        let created = admin.post("/v1/courses", course(code, code, json!({}))).await;
        ids.push(created.id().parse::<Uuid>().unwrap());
        match code {
            "UNCHANGED" => drop(publish(&admin, &created).await.assert_status(201)),
            "EMPTY" => {
                let path = format!("/v1/courses/{}", created.id());
                admin
                    .patch(&path, json!({"modules": []}))
                    .await
                    .assert_status(200);
            }
            "RETIRED" => {
                let path = format!("/v1/courses/{}/retirement", created.id());
                admin.post(&path, json!({})).await.assert_status(200);
            }
            _ => {}
        }
    }
    // Named twice, as a file may do.
    ids.push(ids[0]);

    let versions = app.write(|tx: &mut Tx| publish_all(tx, ids.clone()));
    let again = app.write(|tx: &mut Tx| publish_all(tx, ids.clone()));

    assert_eq!(
        versions
            .iter()
            .map(|version| version.course_id)
            .collect::<Vec<_>>(),
        [ids[0]]
    );
    assert_eq!(again, []);
    let events = app.write(|tx: &mut Tx| {
        Ok(sql!(
            "SELECT FROM events WHERE action = 'course.published' AND object_id = {course}",
            course = ids[0],
        )
        .execute(tx.conn)?)
    });
    assert_eq!(events, 1);
}
