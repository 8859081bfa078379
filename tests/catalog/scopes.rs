use provost::authz::Permission::{CoursesPublish, CoursesRead, CoursesWrite};
use serde_json::json;

use super::{codes, course, create_category, create_course, publish};
use crate::support::TestApp;

#[actix_web::test]
async fn learners_see_what_was_published_and_no_drafts() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let user = json!({"username": "ana", "given_name": "Ana", "family_name": "Silva"});
    let user = admin.post("/v1/users", user).await.id();
    let learner = app.client_of(user.parse().unwrap());
    let draft = create_course(&admin, "DRAFT", "Fire draft", json!({})).await;
    let live = create_course(&admin, "LIVE", "Fire live", json!({})).await;
    publish(&admin, &live).await.assert_status(201);
    let old = create_course(&admin, "OLD", "Fire old", json!({})).await;
    publish(&admin, &old).await.assert_status(201);
    let retirement = format!("/v1/courses/{}/retirement", old.id());
    admin.post(&retirement, json!({})).await.assert_status(200);

    assert_eq!(codes(&learner.get("/v1/courses").await), ["LIVE", "OLD"]);
    assert_eq!(
        codes(&learner.get("/v1/courses?q=fire&sort=code").await),
        ["LIVE", "OLD"]
    );
    for path in ["", "/versions", "/versions/1"] {
        learner
            .get(&format!("/v1/courses/{}{path}", draft.id()))
            .await
            .assert_problem(404, "not_found");
    }
    let path = format!("/v1/courses/{}", live.id());
    learner.get(&path).await.assert_status(200);
    learner
        .get(&format!("{path}/versions/1"))
        .await
        .assert_status(200);

    let change = json!({"title": "Mine"});
    learner
        .patch(&path, change)
        .await
        .assert_problem(403, "forbidden");
    publish(&learner, &live).await.assert_problem(403, "forbidden");
    learner
        .post("/v1/courses", course("MINE", "Mine", json!({})))
        .await
        .assert_problem(403, "forbidden");
    learner.get("/v1/categories").await.assert_status(200);
    app.holding(&[], "everything", None)
        .get("/v1/courses")
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn an_author_works_within_their_category_only() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (mine, other) = (
        create_category(&admin, "mine").await,
        create_category(&admin, "other").await,
    );
    let in_mine = json!({"category_id": mine.id()});
    let in_other = json!({"category_id": other.id()});
    let foreign_draft = create_course(&admin, "DRAFT", "Draft", in_other.clone()).await;
    let foreign = create_course(&admin, "FOREIGN", "Foreign", in_other.clone()).await;
    publish(&admin, &foreign).await.assert_status(201);
    let author = app.holding(
        &[CoursesRead, CoursesWrite, CoursesPublish],
        "category",
        Some(mine.id().parse().unwrap()),
    );

    let own = create_course(&author, "OWN", "Own", in_mine).await;
    publish(&author, &own).await.assert_status(201);
    assert_eq!(
        codes(&author.get("/v1/courses?sort=code").await),
        ["FOREIGN", "OWN"]
    );

    for body in [in_other.clone(), json!({})] {
        author
            .post("/v1/courses", course("X", "X", body))
            .await
            .assert_problem(403, "forbidden");
    }
    let own_path = format!("/v1/courses/{}", own.id());
    author
        .patch(&own_path, in_other)
        .await
        .assert_problem(403, "forbidden");
    let foreign_path = format!("/v1/courses/{}", foreign.id());
    author
        .patch(&foreign_path, json!({"title": "Mine"}))
        .await
        .assert_problem(403, "forbidden");
    publish(&author, &foreign).await.assert_problem(403, "forbidden");
    publish(&author, &foreign_draft)
        .await
        .assert_problem(404, "not_found");

    let clones = format!("{foreign_path}/clones");
    author
        .post(&clones, json!({"code": "COPY"}))
        .await
        .assert_problem(403, "forbidden");
    author
        .post(&clones, json!({"code": "COPY", "category_id": mine.id()}))
        .await
        .assert_status(201);

    author
        .post("/v1/categories", json!({"code": "third", "name": "Third"}))
        .await
        .assert_problem(403, "forbidden");
    author
        .patch(
            &format!("/v1/categories/{}", other.id()),
            json!({"name": "Mine too"}),
        )
        .await
        .assert_problem(403, "forbidden");
    author
        .patch(
            &format!("/v1/categories/{}", mine.id()),
            json!({"name": "All mine"}),
        )
        .await
        .assert_status(200);
}

#[actix_web::test]
async fn writing_does_not_imply_publishing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let draft = create_course(&admin, "DRAFT", "Draft", json!({})).await;
    let id = draft.id().parse().unwrap();
    let instructor = app.holding(&[CoursesRead, CoursesWrite], "course", Some(id));

    let path = format!("/v1/courses/{id}");
    instructor
        .patch(&path, json!({"title": "Better"}))
        .await
        .assert_status(200);
    publish(&instructor, &draft)
        .await
        .assert_problem(403, "forbidden");
}
