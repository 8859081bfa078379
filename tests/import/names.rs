//! Org units and categories that files name.

use serde_json::{Value, json};

use super::{Importing, outline, small_profile};

fn by_name(columns: &[&str], on_missing: &str) -> Value {
    let mut profile = small_profile();
    profile["mapping"]["references"] = json!({ "org_unit": {
        "by": "name", "value": { "columns": columns }, "on_missing": on_missing,
    }});
    profile
}

async fn unit_of(importing: &Importing, key: &str) -> (Value, Value, Value) {
    let unit = importing.user(key).await.at("/org_unit_id");
    let unit = importing
        .admin
        .get(&format!("/v1/org-units/{}", unit.as_str().unwrap()))
        .await;
    (unit.at("/code"), unit.at("/name"), unit.at("/parent_id"))
}

async fn code_of(importing: &Importing, key: &str) -> Value {
    unit_of(importing, key).await.0
}

async fn add(importing: &Importing, unit: Value) -> String {
    importing
        .admin
        .post("/v1/org-units", unit)
        .await
        .assert_status(201)
        .id()
}

// Fault 2.
#[actix_web::test]
async fn names_that_make_one_code_are_several_units() {
    let importing = Importing::with(by_name(&["area", "boss"], "create")).await;
    let file = "id,name,area,boss\n1,Ana,R&D,\n2,Bea,R D,\n3,Cem,r&d,A/B\n4,Dan,R D,A/B\n5,Eve,R&D,A-B\n6,Fee,R&D,a/b\n7,Gil,++,\n8,Hal,हिन्दी,\n";

    let import = importing.plan("small", file).await;
    assert_eq!(import.at("/counts/also_created"), json!({ "org_unit": 7 }));
    importing.applied(&import).await;

    let mut codes = Vec::new();
    for key in 1..=8 {
        codes.push(code_of(&importing, &key.to_string()).await);
    }
    let expected = [
        "r-d",
        "r-d-2",
        "r-d-a-b",
        "r-d-a-b-2",
        "r-d-a-b-3",
        "r-d-a-b",
        "org-unit",
        "हिन्दी",
    ];
    assert_eq!(codes, expected.map(Value::from));
    let again = importing.plan("small", file).await;
    assert_eq!(again.at("/counts/unchanged"), 8, "{}", again.text());
}

// Fault 2.
#[actix_web::test]
async fn the_unit_nearest_below_the_one_before_it_is_meant() {
    let importing = Importing::with(by_name(&["area", "boss"], "create")).await;
    let emea = add(&importing, json!({ "code": "E", "name": "EMEA" })).await;
    let apac = add(&importing, json!({ "code": "A", "name": "APAC" })).await;
    let sales = add(
        &importing,
        json!({ "code": "es", "name": "Sales", "parent_id": emea }),
    )
    .await;
    add(
        &importing,
        json!({ "code": "as", "name": "Sales", "parent_id": apac }),
    )
    .await;
    add(
        &importing,
        json!({ "code": "c", "name": "C", "parent_id": sales }),
    )
    .await;

    let file = "id,name,area,boss\n1,Ana,emea,sales\n2,Bea,Emea,C\n3,Cem,Sales,\n4,Dan,C,\n5,Eve,C++,\n";
    let import = importing.plan("small", file).await;

    let told = importing.rows(&import, "issue pr").await;
    assert_eq!(outline(&told), [(4, "org_unit:org_unit_ambiguous".to_owned())]);
    importing.applied(&import).await;
    for (key, code) in [("1", "es"), ("2", "c"), ("4", "c"), ("5", "c-2")] {
        assert_eq!(code_of(&importing, key).await, code, "{key}");
    }
    assert_eq!(importing.user("3").await.at("/org_unit_id"), json!(null));

    // Where nothing is made, a name that nothing has is unknown, though its code be another's.
    let mut profile = by_name(&["area"], "error");
    profile["code"] = json!("strict");
    importing
        .admin
        .post("/v1/import-profiles", profile)
        .await
        .assert_status(201);
    let import = importing
        .plan("strict", "id,name,area\n1,Ana,C#\n2,Bea,c++\n")
        .await;
    let refused = importing.rows(&import, "action eq \"refuse\"").await;
    assert_eq!(outline(&refused), [(2, "org_unit:org_unit_unknown".to_owned())]);
}

// Fault 2.
#[actix_web::test]
async fn categories_are_told_apart_by_their_whole_names() {
    let profile = json!({ "code": "catalog", "name": "Catalog", "resource": "courses", "mapping": {
        "key": { "source": "lms", "value": { "column": "id" } },
        "fields": {
            "code": { "column": "id" }, "title": { "column": "id" }, "language": { "constant": "en" },
        },
        "references": { "category": {
            "by": "name", "value": { "columns": ["area", "subject"] }, "on_missing": "create",
        }},
    }});
    let importing = Importing::with(profile).await;
    let body = json!({ "code": "c", "name": "Law" });
    importing
        .admin
        .post("/v1/categories", body)
        .await
        .assert_status(201);
    let file = "id,area,subject\n1,C++,\n2,C#,\n3,C,\n4,c++,\n5,C,Intro\n6,C#,Intro\n7,LAW,\n";

    let import = importing.plan("catalog", file).await;
    assert_eq!(import.at("/counts/also_created"), json!({ "category": 5 }));
    importing.applied(&import).await;

    let mut found = Vec::new();
    for key in 1..=7 {
        let course = importing.admin.get(&format!("/v1/courses/ext:lms:{key}")).await;
        let category = course.at("/category_id").as_str().unwrap().to_owned();
        let category = importing.admin.get(&format!("/v1/categories/{category}")).await;
        found.push((category.at("/code"), category.at("/name")));
    }
    let expected = [
        ("c-2", "C++"),
        ("c-3", "C#"),
        ("c-4", "C"),
        ("c-2", "C++"),
        ("c-intro", "C / Intro"),
        ("c-intro-2", "C# / Intro"),
        ("c", "Law"),
    ];
    assert_eq!(found, expected.map(|(code, name)| (json!(code), json!(name))));
    let again = importing.plan("catalog", file).await;
    assert_eq!(again.at("/counts/unchanged"), 7, "{}", again.text());

    let import = importing.plan("catalog", "id,area,subject\n8,D++,\n9,E,\n").await;
    let body = json!({ "code": "d", "name": "Totally Other" });
    importing
        .admin
        .post("/v1/categories", body)
        .await
        .assert_status(201);
    importing.applied(&import).await;
    let refused = importing.rows(&import, "action eq \"refuse\"").await;
    assert_eq!(outline(&refused), [(2, "key:changed_since_planned".to_owned())]);
}

// Fault 2.
#[actix_web::test]
async fn rows_whose_new_code_goes_to_another_name_meanwhile_are_refused() {
    let importing = Importing::with(by_name(&["area", "boss"], "create")).await;
    let file = "id,name,area,boss\n1,Ana,Q+ mtxc,\n2,Bea,Q+ mtxc,Law\n3,Cem,Art,\n4,Dan,Old,\n";
    let old = add(&importing, json!({ "code": "old", "name": "Old" })).await;
    let import = importing.plan("small", file).await;
    let other = importing
        .plan("small", "id,name,area,boss\n5,Eve,ART!,\n6,Fee,Art,\n")
        .await;
    add(&importing, json!({ "code": "q-mtxc", "name": "Totally Other" })).await;
    importing
        .admin
        .patch(
            &format!("/v1/org-units/{old}"),
            json!({ "name": "Something Else" }),
        )
        .await
        .assert_status(200);

    importing.applied(&import).await;
    let refused = importing.rows(&import, "action eq \"refuse\"").await;
    let expected = [2, 3, 5].map(|line| (line, "key:changed_since_planned".to_owned()));
    assert_eq!(outline(&refused), expected);
    assert_eq!(code_of(&importing, "3").await, "art");
    let below = importing.admin.get("/v1/org-units?limit=200").await;
    assert!(!below.text().contains("Law"), "{}", below.text());

    // Of two plans, the second one finds the code of its unit taken by the first one's, and the name of the other one: no two
    // units of one name stand side by side.
    importing.applied(&other).await;
    let refused = importing.rows(&other, "action eq \"refuse\"").await;
    let expected = [2, 3].map(|line| (line, "key:changed_since_planned".to_owned()));
    assert_eq!(outline(&refused), expected);
    let units = importing.admin.get("/v1/org-units?limit=200").await;
    assert_eq!(units.text().matches("\"Art\"").count(), 1, "{}", units.text());
    let again = importing.plan("small", "id,name,area,boss\n6,Fee,Art,\n").await;
    importing.applied(&again).await;
    assert_eq!(code_of(&importing, "6").await, "art");
}
