//! Who and what was missing and is there again.

use serde_json::json;

use super::{Importing, outline, small_profile};
use crate::{
    catalog::contents::{add_version, create_content, create_course_of},
    scim::provider,
};

const BOTH: &str = "id,name,boss\n1,Ana,\n2,Bea,\n";
const ONE: &str = "id,name,boss\n1,Ana,\n";

async fn applied(importing: &Importing, profile: &str, file: &str) {
    let import = importing.plan(profile, file).await;
    importing.applied(&import).await;
}

async fn patch(importing: &Importing, key: &str, changes: serde_json::Value) {
    let id = importing.user(key).await.id();
    let path = format!("/v1/users/{id}");
    importing.admin.patch(&path, changes).await.assert_status(200);
}

// Fault 6.
#[actix_web::test]
async fn who_was_archived_for_being_missing_comes_back_as_they_were() {
    let importing = Importing::with(small_profile()).await;
    applied(&importing, "small", BOTH).await;
    applied(&importing, "small", ONE).await;
    let gone = importing.user("2").await;
    assert_eq!(gone.at("/status"), "archived");

    let import = importing.plan("small", BOTH.replace("Bea", "Bee")).await;

    assert_eq!(
        (
            import.at("/counts/restore"),
            import.at("/counts/unchanged"),
            import.at("/counts/removals"),
            import.at("/counts/present")
        ),
        (json!(1), json!(1), json!(0), json!(1))
    );
    let rows = importing.rows(&import, "action eq \"restore\"").await;
    assert_eq!(
        rows[0]["changes"],
        json!({
            "given_name": { "from": "Bea", "to": "Bee" },
            "status": { "from": "archived", "to": "active" },
            "left_on": { "from": gone.at("/left_on"), "to": null },
        })
    );
    importing.applied(&import).await;
    let back = importing.user("2").await;
    assert_eq!(
        (back.at("/status"), back.at("/left_on"), back.at("/given_name")),
        (json!("active"), json!(null), json!("Bee"))
    );

    // A user who is archived by hand stays archived, and the plan says so.
    applied(&importing, "small", ONE).await;
    patch(&importing, "2", json!({ "status": "active" })).await;
    patch(&importing, "2", json!({ "status": "archived" })).await;
    let import = importing.plan("small", BOTH.replace("Bea", "Bee")).await;
    assert_eq!(import.at("/counts/unchanged"), 2);
    let told = importing.rows(&import, "issue eq \"stays_gone\"").await;
    assert_eq!(outline(&told), [(3, "status:stays_gone".to_owned())]);

    // A user who is then suspended by hand stays suspended, and the plan says so too.
    patch(&importing, "2", json!({ "status": "active" })).await;
    applied(&importing, "small", ONE).await;
    patch(&importing, "2", json!({ "status": "suspended" })).await;
    let import = importing.plan("small", BOTH.replace("Bea", "Bee")).await;
    assert_eq!(import.at("/counts/unchanged"), 2);
    let told = importing.rows(&import, "issue eq \"stays_gone\"").await;
    assert_eq!(outline(&told), [(3, "status:stays_gone".to_owned())]);
}

// Fault 6.
#[actix_web::test]
async fn who_is_deleted_by_scim_after_being_missing_stays_gone() {
    let importing = Importing::with(small_profile()).await;
    applied(&importing, "small", BOTH).await;
    applied(&importing, "small", ONE).await;
    let planned = importing.plan("small", BOTH).await;
    assert_eq!(planned.at("/counts/restore"), 1);
    let scim = provider(&importing.app, "Entra").await.scim;
    let id = importing.user("2").await.id();
    scim.delete(&format!("/Users/{id}")).await.assert_status(204);

    let import = importing.plan("small", BOTH).await;

    assert_eq!(import.at("/counts/restore"), 0);
    let told = importing.rows(&import, "issue eq \"stays_gone\"").await;
    assert_eq!(outline(&told), [(3, "status:stays_gone".to_owned())]);
    // Nor by the plan that was made before.
    importing.apply(&planned).await.assert_problem(409, "plan_stale");
}

// Fault 6.
#[actix_web::test]
async fn who_was_suspended_before_comes_back_suspended_and_a_mapped_status_wins() {
    let importing = Importing::with(small_profile()).await;
    applied(&importing, "small", BOTH).await;
    patch(&importing, "2", json!({ "status": "suspended" })).await;
    applied(&importing, "small", ONE).await;
    applied(&importing, "small", BOTH).await;
    assert_eq!(importing.user("2").await.at("/status"), "suspended");

    // First suspended for being missing, then archived for it.
    patch(&importing, "2", json!({ "status": "active" })).await;
    let mut profile = small_profile();
    profile["code"] = json!("mild");
    profile["mapping"]["missing"]["then"] = json!("suspended");
    importing
        .admin
        .post("/v1/import-profiles", profile.clone())
        .await
        .assert_status(201);
    applied(&importing, "mild", ONE).await;
    assert_eq!(importing.user("2").await.at("/status"), "suspended");
    let import = importing.plan("mild", BOTH).await;
    assert_eq!(import.at("/counts/restore"), 1);
    applied(&importing, "small", ONE).await;
    assert_eq!(importing.user("2").await.at("/status"), "archived");
    let import = importing.plan("mild", BOTH).await;
    assert_eq!(import.at("/counts/restore"), 1, "{}", import.text());
    importing.applied(&import).await;
    let back = importing.user("2").await;
    assert_eq!(
        (back.at("/status"), back.at("/left_on")),
        (json!("active"), json!(null))
    );

    applied(&importing, "small", ONE).await;
    profile["code"] = json!("told");
    profile["mapping"]["fields"]["status"] = json!({ "column": "boss" });
    profile["mapping"]["references"] = json!({});
    importing
        .admin
        .post("/v1/import-profiles", profile)
        .await
        .assert_status(201);
    let import = importing
        .plan("told", "id,name,boss\n1,Ana,active\n2,Bea,archived\n")
        .await;
    assert_eq!(
        (import.at("/counts/unchanged"), import.at("/counts/warnings")),
        (json!(2), json!(0))
    );
    applied(&importing, "told", "id,name,boss\n1,Ana,active\n2,Bea,invited\n").await;
    let back = importing.user("2").await;
    assert_eq!(
        (back.at("/status"), back.at("/left_on")),
        (json!("invited"), json!(null))
    );
}

// Fault 6.
#[actix_web::test]
async fn a_course_whose_contents_block_publishing_is_not_published_by_an_import() {
    let profile = json!({ "code": "catalog", "name": "Catalog", "resource": "courses", "mapping": {
        "key": { "source": "lms", "value": { "column": "code" }, "match_by": "code" },
        "fields": { "code": { "column": "code" }, "title": { "column": "title" },
            "language": { "constant": "en" }, "status": { "constant": "published" } },
    }});
    let importing = Importing::with(profile).await;
    let admin = &importing.admin;
    let content = create_content(admin, "page", "page", json!({})).await;
    let body = json!({"format": "markdown", "text": "![](door.png)"});
    let version = add_version(admin, &content, body).await.assert_status(201);
    let doors = create_course_of(admin, "doors", &[&version.id()]).await;
    let check = async |action: &str| {
        let choice = json!({"checks": [{"code": "alt_missing", "action": action}]});
        admin.put("/v1/content-checks", choice).await.assert_status(200);
    };
    let status = async || {
        let course = admin.get(&format!("/v1/courses/{}", doors.id())).await;
        course.at("/status")
    };
    let file = "code,title\ndoors,Doors\n";
    check("block").await;
    let refused = importing.plan("catalog", file).await;
    let rows = importing.rows(&refused, "action eq \"refuse\"").await;
    assert_eq!(rows[0]["issues"][0]["code"], "content_blocks_publishing");

    check("warn").await;
    let import = importing.plan("catalog", file).await;
    check("block").await;
    importing.applied(&import).await;
    assert_eq!(status().await, "draft");
    check("warn").await;
    let import = importing.plan("catalog", file).await;
    importing.applied(&import).await;
    assert_eq!(status().await, "published");
}

#[actix_web::test]
async fn a_course_that_was_retired_for_being_missing_is_published_again() {
    let profile = json!({ "code": "catalog", "name": "Catalog", "resource": "courses", "mapping": {
        "key": { "source": "lms", "value": { "column": "id" } },
        "fields": {
            "code": { "column": "id" }, "title": { "column": "title" }, "language": { "constant": "en" },
            "link": { "template": "https://example.com/{id}" },
        },
        "missing": { "then": "retired", "max_removals_percent": 100 },
    }});
    let importing = Importing::with(profile).await;
    let both = "id,title\na,A\nb,B\n";
    applied(&importing, "catalog", both).await;
    let course = async || importing.admin.get("/v1/courses/ext:lms:b").await;
    let id = course().await.id();
    importing
        .admin
        .post(&format!("/v1/courses/{id}/publications"), json!({}))
        .await
        .assert_status(201);
    applied(&importing, "catalog", "id,title\na,A\n").await;
    assert_eq!(course().await.at("/status"), "retired");

    let import = importing.plan("catalog", both).await;
    let rows = importing.rows(&import, "action eq \"restore\"").await;
    assert_eq!(
        rows[0]["changes"],
        json!({ "status": { "from": "retired", "to": "published" } })
    );
    importing.applied(&import).await;

    assert_eq!(
        (course().await.at("/status"), course().await.at("/retired_at")),
        (json!("published"), json!(null))
    );
}
