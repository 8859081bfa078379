//! Names that another user or course has.

use serde_json::{Value, json};

use super::{Importing, outline, small_profile};

fn numbering() -> Value {
    let mut profile = small_profile();
    profile["mapping"]["fields"]["username"] =
        json!({ "column": "name", "steps": [{ "step": "lower" }], "on_taken": "number" });
    profile
}

// Fault 7.
#[actix_web::test]
async fn a_username_that_a_leaver_keeps_gets_a_number() {
    let importing = Importing::with(numbering()).await;
    let import = importing.plan("small", "id,name,boss\n1,Ana.Silva,\n").await;
    importing.applied(&import).await;

    let file = "id,name,boss\n2,ANA.Silva,\n3,Ana.Silva2,\n4,ana.silva,2\n5,Bea,\n6,Bea,\n";
    let import = importing.plan("small", file).await;

    let told = importing.rows(&import, "issue eq \"numbered\"").await;
    let expected = [2, 4, 6].map(|line| (line, "username:numbered".to_owned()));
    assert_eq!(outline(&told), expected);
    let detail = told[0]["issues"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("\"ana.silva3\""), "{detail}");
    importing.applied(&import).await;
    let mut names = Vec::new();
    for key in ["1", "2", "3", "4", "5", "6"] {
        names.push(importing.user(key).await.at("/username"));
    }
    let expected = [
        "ana.silva",
        "ana.silva3",
        "ana.silva2",
        "ana.silva4",
        "bea",
        "bea2",
    ];
    assert_eq!(names, expected.map(Value::from));

    let again = importing.plan("small", file).await;
    assert_eq!(
        (again.at("/counts/unchanged"), again.at("/counts/warnings")),
        (json!(5), json!(0)),
        "{:?}",
        importing.rows(&again, "line gt 0").await
    );
}

// Fault 7.
#[actix_web::test]
async fn only_names_that_no_two_may_share_are_numbered() {
    let importing = Importing::with(numbering()).await;
    for (member, pointer) in [
        ("given_name", "/mapping/fields/given_name/on_taken"),
        ("key", "/mapping/key/value/on_taken"),
    ] {
        let mut profile = numbering();
        profile["code"] = json!("other");
        let value = json!({ "column": "name", "on_taken": "number" });
        match member {
            "key" => profile["mapping"]["key"]["value"] = value,
            member => profile["mapping"]["fields"][member] = value,
        }
        importing
            .admin
            .post("/v1/import-profiles", profile)
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault(pointer);
    }
}
