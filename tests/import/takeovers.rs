use serde_json::{Value, json};

use super::{Importing, outline, small_profile};

fn matching(by: &str) -> Value {
    let mut profile = small_profile();
    profile["mapping"]["key"]["match_by"] = json!(by);
    profile["mapping"]["fields"] = json!({
        "username": { "template": "u{id}" },
        "given_name": { "column": "name" },
        "email": { "column": "mail" },
    });
    profile["mapping"]["references"] = json!({});
    profile
}

async fn add(importing: &Importing, username: &str, email: &str) -> String {
    let body =
        json!({ "username": username, "email": email, "given_name": "Of the API", "family_name": "Person" });
    importing
        .admin
        .post("/v1/users", body)
        .await
        .assert_status(201)
        .id()
}

#[actix_web::test]
async fn a_user_without_a_key_is_taken_over_by_username() {
    let importing = Importing::with(matching("username")).await;
    let id = add(&importing, "U1", "one@example.com").await;
    let file = "id,name,mail\n1,Ana,one@example.com\n2,Bea,two@example.com\n";

    let import = importing.plan("small", file).await;

    assert_eq!(
        (import.at("/counts/create"), import.at("/counts/update")),
        (json!(1), json!(1))
    );
    let rows = importing.rows(&import, "action eq \"update\"").await;
    assert_eq!(rows[0]["object_id"], json!(id));
    assert_eq!(
        rows[0]["changes"],
        json!({
            "username": { "from": "U1", "to": "u1" },
            "given_name": { "from": "Of the API", "to": "Ana" },
            "external_key": { "from": null, "to": "hr:1" },
        })
    );
    importing.applied(&import).await;
    let ana = importing.user("1").await.assert_status(200);
    assert_eq!((ana.id(), ana.at("/given_name")), (id.clone(), json!("Ana")));
    let told = importing.app.write(|tx| {
        Ok(provost::sql!(
            "SELECT 1 FROM events WHERE action = 'external_key.added'
                AND after = '{\"source\": \"hr\", \"key\": \"1\"}'"
        )
        .execute(tx.conn)?)
    });
    assert_eq!(told, 1);

    let again = importing.plan("small", file).await;
    assert_eq!(
        (again.at("/counts/unchanged"), again.at("/counts/update")),
        (json!(2), json!(0))
    );
}

#[actix_web::test]
async fn nobody_is_taken_over_unless_the_profile_says_so() {
    let mut profile = matching("username");
    profile["mapping"]["key"]
        .as_object_mut()
        .unwrap()
        .remove("match_by");
    let importing = Importing::with(profile).await;
    add(&importing, "u1", "one@example.com").await;

    let import = importing
        .plan("small", "id,name,mail\n1,Ana,one@example.com\n")
        .await;

    let refused = importing.rows(&import, "action eq \"refuse\"").await;
    assert_eq!(outline(&refused), [(2, "username:already_taken".to_owned())]);
}

#[actix_web::test]
async fn a_row_that_may_be_about_several_is_refused() {
    let importing = Importing::with(matching("email")).await;
    add(&importing, "a", "same@example.com").await;
    add(&importing, "b", "SAME@example.com").await;
    let only = add(&importing, "c", "only@example.com").await;
    let taken = add(&importing, "d", "taken@example.com").await;
    let key = json!({ "source": "hr", "key": "old" });
    importing
        .admin
        .post(&format!("/v1/users/{taken}/external-keys"), key)
        .await
        .assert_status(201);

    let import = importing
        .plan(
            "small",
            "id,name,mail\n1,Ana,same@example.com\n2,Bea,only@example.com\n3,Cem,only@example.com\n4,Dan,Taken@example.com\n5,Eva,\n6,Fee,new@example.com\n7,Gil,new@example.com\n",
        )
        .await;

    let refused = importing.rows(&import, "action eq \"refuse\"").await;
    let expected = [
        (2, "email:match_ambiguous"),
        (3, "email:match_ambiguous"),
        (4, "email:match_ambiguous"),
        (5, "email:match_has_key"),
    ];
    assert_eq!(
        outline(&refused),
        expected.map(|(line, code)| (line, code.to_owned()))
    );
    assert_eq!(import.at("/counts/create"), 3);

    let import = importing
        .plan("small", "id,name,mail\n2,Bea,only@example.com\n")
        .await;
    assert_eq!(
        importing.rows(&import, "key eq \"2\"").await[0]["object_id"],
        json!(only)
    );
}

#[actix_web::test]
async fn a_planned_takeover_is_stale_when_the_user_changes() {
    let importing = Importing::with(matching("username")).await;
    let id = add(&importing, "u1", "one@example.com").await;
    let import = importing
        .plan("small", "id,name,mail\n1,Ana,one@example.com\n")
        .await;
    let key = json!({ "source": "hr", "key": "other" });
    importing
        .admin
        .post(&format!("/v1/users/{id}/external-keys"), key)
        .await
        .assert_status(201);

    importing.apply(&import).await.assert_problem(409, "plan_stale");
}

#[actix_web::test]
async fn a_leaver_who_is_taken_over_counts_among_those_who_were_here() {
    let mut profile = matching("username");
    profile["mapping"]["fields"]["status"] = json!({ "constant": "archived" });
    let importing = Importing::with(profile).await;
    add(&importing, "u1", "one@example.com").await;

    let import = importing
        .plan("small", "id,name,mail\n1,Ana,one@example.com\n")
        .await;

    assert_eq!(
        (import.at("/counts/removals"), import.at("/counts/present")),
        (json!(1), json!(1))
    );
    importing.applied(&import).await;
    assert_eq!(importing.user("1").await.at("/status"), "archived");
}

#[actix_web::test]
async fn only_a_field_that_tells_people_apart_and_is_filled_can_match() {
    let importing = Importing::with(small_profile()).await;
    for by in ["given_name", "email"] {
        let mut profile = small_profile();
        profile["code"] = json!("other");
        profile["mapping"]["key"]["match_by"] = json!(by);
        importing
            .admin
            .post("/v1/import-profiles", profile)
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault("/mapping/key/match_by");
    }
}

#[actix_web::test]
async fn a_course_is_taken_over_by_its_code() {
    let profile = json!({ "code": "catalog", "name": "Catalog", "resource": "courses", "mapping": {
        "key": { "source": "lms", "value": { "column": "id" }, "match_by": "code" },
        "fields": {
            "code": { "column": "code" }, "title": { "column": "title" }, "language": { "constant": "en" },
        },
    }});
    let importing = Importing::with(profile).await;
    let body = json!({ "code": "fire-safety", "title": "Fire safety", "language": "en" });
    let course = importing.admin.post("/v1/courses", body).await.assert_status(201);

    let import = importing
        .plan("catalog", "id,code,title\n77,fire-safety,Fire safety\n")
        .await;
    importing.applied(&import).await;

    let found = importing
        .admin
        .get("/v1/courses/ext:lms:77")
        .await
        .assert_status(200);
    assert_eq!(found.id(), course.id());
}
