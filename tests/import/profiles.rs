use serde_json::json;

use super::{Importing, small_profile};
use crate::support::TestApp;

#[actix_web::test]
async fn a_bad_mapping_names_all_its_faults_in_two_stages() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut profile = small_profile();
    profile["mapping"] = json!({
        "format": { "delimiter": "é", "encoding": "klingon" },
        "date_formats": ["%Q"],
        "key": { "source": "hr", "value": { "column": "id", "constant": "1" } },
        "fields": {
            "given_nam": { "column": "name" },
            "username": { "template": "u{id", "parts": { "id": { "column": "id" } } },
            "department": { "template": "{a}", "parts": {
                "a": { "column": "x", "steps": [{ "step": "take", "separator": "/", "part": 0 }] },
            } },
            "title": { "column": "t", "steps": [
                { "step": "take", "separator": "/", "part": 0 },
                { "step": "lookup", "values": {}, "otherwise": "default" },
            ] },
            "email": { "columns": ["a", "b"] },
        },
        "references": { "manager": { "by": "code", "value": { "column": "boss" }, "on_missing": "create" } },
        "missing": { "then": "retired" },
    });

    // What holds of every mapping is its form; the rest depends on what it fills.
    let answer = admin.post("/v1/import-profiles", profile.clone()).await;
    let answer = answer.assert_problem(422, "validation_failed");
    for pointer in [
        "/mapping/format/delimiter",
        "/mapping/format/encoding",
        "/mapping/date_formats/0",
        "/mapping/key/value",
        "/mapping/fields/username/template",
        "/mapping/fields/username/parts/id",
        "/mapping/fields/department/parts/a/steps/0/part",
        "/mapping/fields/title/steps/0/part",
        "/mapping/fields/title/steps/1/default",
    ] {
        answer.clone().assert_fault(pointer);
    }
    let mapping = profile["mapping"].as_object_mut().unwrap();
    mapping.remove("format");
    mapping.remove("date_formats");
    mapping["key"]["value"] = json!({ "column": "id" });
    for field in ["username", "department", "title"] {
        mapping["fields"][field] = json!({ "column": field });
    }
    let answer = admin.post("/v1/import-profiles", profile).await;
    let answer = answer.assert_problem(422, "validation_failed");
    for pointer in [
        "/mapping/fields/given_nam",
        "/mapping/fields/given_name",
        "/mapping/fields/email/columns",
        "/mapping/references/manager/by",
        "/mapping/references/manager/on_missing",
        "/mapping/missing/then",
    ] {
        answer.clone().assert_fault(pointer);
    }
    assert!(
        answer.text().contains("did you mean given_name?"),
        "{}",
        answer.text()
    );
}

#[actix_web::test]
async fn unknown_words_in_a_mapping_are_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (pointer, value) in [
        ("/mapping/colour", json!("red")),
        ("/mapping/fields/username/steps", json!([{ "step": "explode" }])),
        ("/mapping/fields/username/colour", json!(1)),
        ("/resource", json!("horses")),
    ] {
        let mut profile = small_profile();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        profile.pointer_mut(parent).unwrap()[name] = value;
        admin
            .post("/v1/import-profiles", profile)
            .await
            .assert_problem(422, "validation_failed");
    }
}

#[actix_web::test]
async fn a_change_is_a_new_version_and_the_old_one_stays() {
    let importing = Importing::with(small_profile()).await;
    let admin = &importing.admin;
    let listed = admin
        .get("/v1/import-profiles?filter=code%20eq%20%22small%22")
        .await
        .assert_status(200);
    let id = listed.at("/data/0/id").as_str().unwrap().to_owned();
    let path = format!("/v1/import-profiles/{id}");
    let mut mapping = small_profile()["mapping"].clone();
    mapping["key"]["source"] = json!("payroll");

    let changed = admin
        .patch(&path, json!({ "mapping": mapping }))
        .await
        .assert_status(200);

    assert_eq!(
        (changed.at("/version"), changed.at("/mapping/key/source")),
        (json!(2), json!("payroll"))
    );
    let versions = admin.get(&format!("{path}/versions")).await.assert_status(200);
    assert_eq!(versions.at("/data/0/mapping/key/source"), "hr");
    assert_eq!(versions.at("/data/1/mapping/key/source"), "payroll");
    admin
        .post("/v1/import-profiles", small_profile())
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/code");

    admin.delete(&path).await.assert_status(204);
    importing
        .send("small", "id,name,boss\n1,Ana,\n")
        .await
        .assert_problem(409, "conflict");
    importing
        .send(&id, "id,name,boss\n1,Ana,\n")
        .await
        .assert_problem(409, "conflict");
}
