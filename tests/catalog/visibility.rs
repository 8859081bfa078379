//! Restricted categories: who sees them and their courses, and who decides that.

use provost::authz::Permission::{
    CoursesRead, CoursesWrite, EnrollmentsRead, EnrollmentsWrite, OrgUnitsRead, ReportsRun, UsersRead,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{codes, create_course, publish};
use crate::support::{Answer, Client, TestApp};

async fn person(admin: &Client, name: &str, more: Value) -> Uuid {
    let mut body = json!({"username": name, "given_name": name, "family_name": "Test"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let person = admin.post("/v1/users", body).await.assert_status(201);
    person.id().parse().unwrap()
}

async fn restricted(admin: &Client, code: &str) -> Uuid {
    let body = json!({"code": code, "name": code, "visibility": "restricted"});
    let category = admin.post("/v1/categories", body).await.assert_status(201);
    category.id().parse().unwrap()
}

async fn published(admin: &Client, code: &str, category: Uuid) -> Uuid {
    let course = create_course(admin, code, code, json!({"category_id": category})).await;
    publish(admin, &course).await.assert_status(201);
    course.id().parse().unwrap()
}

async fn require(client: &Client, user: Uuid, course: Uuid) -> Answer {
    let body = json!({"user_id": user, "target": {"kind": "course", "id": course}, "opens_on": "2020-01-01", "due_on": "2020-02-01"});
    client.post("/v1/requirements", body).await
}

#[actix_web::test]
async fn a_restricted_course_is_seen_by_its_learners_and_by_callers_whose_scope_covers_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let category = restricted(&admin, "partners").await;
    let course = published(&admin, "SELLING", category).await;
    let other = published(&admin, "PRICES", category).await;
    let lead = person(&admin, "lead", json!({})).await;
    let ana = person(&admin, "ana", json!({"manager_id": lead})).await;
    let stranger = person(&admin, "stranger", json!({})).await;
    app.grant("user", lead, "manager", &[("own_reports", None)]);
    let sees = async |client: &Client| {
        let list = codes(&client.get("/v1/courses?sort=code").await.assert_status(200));
        let found = codes(&client.get("/v1/courses?q=selling").await.assert_status(200));
        let status = client
            .get(&format!("/v1/courses/{course}/versions/1"))
            .await
            .status;
        let categories = codes(&client.get("/v1/categories").await.assert_status(200));
        (list, found.len(), status, categories.len())
    };
    let nothing = (Vec::<String>::new(), 0, 404, 0);
    let it_alone = (vec!["SELLING".to_owned()], 1, 200, 1);
    let (ana, lead, stranger_client) = (
        (ana, app.client_of(ana)),
        app.client_of(lead),
        app.client_of(stranger),
    );

    for client in [&ana.1, &lead, &stranger_client] {
        assert_eq!(sees(client).await, nothing);
    }
    require(&admin, ana.0, course).await.assert_status(201);
    for client in [&ana.1, &lead] {
        assert_eq!(sees(client).await, it_alone);
        let unseen = client.get(&format!("/v1/courses/{other}")).await;
        unseen.assert_problem(404, "not_found");
    }
    assert_eq!(sees(&stranger_client).await, nothing);
    let reader = app.holding(&[CoursesRead], "category", Some(category));
    assert_eq!(
        codes(&reader.get("/v1/courses?sort=code").await),
        ["PRICES", "SELLING"]
    );
    let reader = app.holding(&[CoursesRead], "course", Some(course));
    assert_eq!(sees(&reader).await, it_alone);

    let explanation =
        format!("/v1/users/{stranger}/access/explanation?permission=courses.read&kind=course&id={course}");
    let explained = admin.get(&explanation).await.assert_status(200);
    assert_eq!(explained.at("/allowed"), json!(false), "{}", explained.text());
    let open = json!({"visibility": "everyone"});
    admin
        .patch(&format!("/v1/categories/{category}"), open)
        .await
        .assert_status(200);
    assert_eq!(sees(&stranger_client).await.0, ["PRICES", "SELLING"]);
}

#[actix_web::test]
async fn who_sees_a_category_is_decided_by_those_who_write_all_courses() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let category = restricted(&admin, "partners").await;
    let path = format!("/v1/categories/{category}");
    let author = app.holding(&[CoursesRead, CoursesWrite], "category", Some(category));
    author
        .patch(&path, json!({"visibility": "everyone"}))
        .await
        .assert_problem(403, "forbidden");
    let same = json!({"visibility": "restricted", "name": "Our partners"});
    author.patch(&path, same).await.assert_status(200);
}

/// A course that one may not see is answered like one that does not exist; so is a category.
#[actix_web::test]
async fn nobody_names_a_course_or_category_that_they_may_not_see() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let category = restricted(&admin, "partners").await;
    let course = published(&admin, "SELLING", category).await;
    let ana = person(&admin, "ana", json!({})).await;
    let learner = app.client_of(ana);
    let draft = create_course(&admin, "DRAFT", "Draft", json!({})).await.id();
    for unseen in [course.to_string(), draft, Uuid::now_v7().to_string()] {
        learner
            .post("/v1/enrollments", json!({"user_id": ana, "course_id": unseen}))
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault("/course_id");
    }
    let mine = restricted(&admin, "mine").await;
    let author = app.holding(&[CoursesRead, CoursesWrite], "category", Some(mine));
    for unseen in [category, Uuid::now_v7()] {
        let body = super::course("X", "X", json!({"category_id": unseen}));
        author
            .post("/v1/courses", body)
            .await
            .assert_problem(403, "forbidden");
    }
}

/// Callers in charge of a restricted course, and not of people, enroll only users who may see it.
#[actix_web::test]
async fn only_those_who_may_see_a_restricted_course_are_enrolled_by_its_instructors() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let category = restricted(&admin, "partners").await;
    let course = published(&admin, "SELLING", category).await;
    let partner = person(&admin, "partner", json!({})).await;
    let employee = person(&admin, "employee", json!({})).await;
    let partners = json!({"code": "partners", "name": "Partners"});
    let partners = admin.post("/v1/groups", partners).await.id();
    let members = format!("/v1/groups/{partners}/members");
    admin
        .post(&members, json!({"add": [partner]}))
        .await
        .assert_status(200);
    let catalogue = json!({"code": "catalogue", "name": "Catalogue", "permissions": ["courses.read"]});
    admin.post("/v1/roles", catalogue).await.assert_status(201);
    app.grant(
        "group",
        partners.parse().unwrap(),
        "catalogue",
        &[("category", Some(category))],
    );

    let instructor = app.holding(
        &[CoursesRead, EnrollmentsRead, EnrollmentsWrite],
        "category",
        Some(category),
    );
    for outsider in [employee, Uuid::now_v7()] {
        instructor
            .post(
                "/v1/enrollments",
                json!({"user_id": outsider, "course_id": course}),
            )
            .await
            .assert_problem(403, "forbidden");
    }
    instructor
        .post(
            "/v1/enrollments",
            json!({"user_id": partner, "course_id": course}),
        )
        .await
        .assert_status(201);
}

#[actix_web::test]
async fn the_overdue_report_names_no_manager_whom_the_caller_may_not_see() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let unit = json!({"code": "partners", "name": "Partners"});
    let unit: Uuid = admin.post("/v1/org-units", unit).await.id().parse().unwrap();
    let boss = person(&admin, "boss", json!({"email": "boss@example.com"})).await;
    let ana = person(&admin, "ana", json!({"manager_id": boss, "org_unit_id": unit})).await;
    let course = create_course(&admin, "FIRE", "Fire", json!({})).await;
    publish(&admin, &course).await.assert_status(201);
    require(&admin, ana, course.id().parse().unwrap())
        .await
        .assert_status(201);

    let reporter = app.holding(&[ReportsRun, UsersRead, OrgUnitsRead], "org_unit", Some(unit));
    for (client, name) in [(&admin, json!("boss")), (&reporter, Value::Null)] {
        let report = client.get("/v1/reports/overdue").await.assert_status(200);
        assert_eq!(report.at("/data/0/manager_id"), json!(boss));
        assert_eq!(report.at("/data/0/manager_username"), name);
        assert_eq!(report.text().contains("boss@example.com"), name.is_string());
    }
}

#[actix_web::test]
async fn learners_see_no_working_copy_and_no_addresses() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let link = |title: &str, url: &str| json!({"title": title, "kind": "link", "url": url});
    let modules = json!([{"title": "Read", "activities": [link("Plan", "https://learn.example.com/plan")]}]);
    let course = create_course(&admin, "FIRE", "Fire", json!({"modules": modules})).await;
    publish(&admin, &course).await.assert_status(201);
    let path = format!("/v1/courses/{}", course.id());
    let drafts = json!({"title": "Fire, new", "modules": [
        {"title": "Read", "activities": [link("Plan", "https://learn.example.com/plan")]},
        {"title": "Secret", "activities": [link("Draft", "https://intranet.example.com/draft")]},
    ]});
    admin.patch(&path, drafts).await.assert_status(200);
    let ana = person(&admin, "ana", json!({})).await;
    require(&admin, ana, course.id().parse().unwrap())
        .await
        .assert_status(201);
    let author = app.holding(
        &[CoursesRead, CoursesWrite],
        "course",
        Some(course.id().parse().unwrap()),
    );
    let ana = app.client_of(ana);

    for path in [
        &*path,
        "/v1/courses",
        "/v1/courses?q=fire",
        &format!("{path}/versions"),
        &format!("{path}/versions/1"),
        "/v1/requirements?expand=course",
    ] {
        let text = ana.get(path).await.assert_status(200).text();
        assert!(
            text.contains("Plan") && text.contains("\"Fire\""),
            "{path}: {text}"
        );
        for hidden in ["Secret", "intranet", "Fire, new", "learn.example.com"] {
            assert!(!text.contains(hidden), "{path}: {hidden} in {text}");
        }
    }
    for client in [&admin, &author] {
        let text = client.get(&path).await.assert_status(200).text();
        assert!(text.contains("Secret") && text.contains("Fire, new"), "{text}");
        let text = client.get(&format!("{path}/versions/1")).await.text();
        assert!(text.contains("learn.example.com"), "{text}");
    }
}
