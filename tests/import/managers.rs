use provost::authz::Permission;
use serde_json::{Value, json};

use super::{Importing, small_profile};

/// As `small_profile`, and managers who are nobody are made.
fn making(change: impl FnOnce(&mut Value)) -> Value {
    let mut profile = small_profile();
    let manager = &mut profile["mapping"]["references"]["manager"];
    manager["on_missing"] = json!("create");
    change(manager);
    profile
}

#[actix_web::test]
async fn managers_without_a_row_are_made_and_their_own_row_makes_them_a_person_like_others() {
    let importing = Importing::with(making(|_| ())).await;
    let file = "id,name,boss\n2,Bea,1\n3,Cem,1\n4,Dan,2\n5,Eva,hq 7\n";

    let import = importing.plan("small", file).await;

    assert_eq!(
        (
            import.at("/counts/create"),
            import.at("/counts/warnings"),
            import.at("/counts/also_created")
        ),
        (json!(4), json!(0), json!({ "user": 2 }))
    );
    importing.applied(&import).await;
    let boss = importing.user("1").await.assert_status(200);
    for (field, value) in [
        ("status", "invited"),
        ("username", "hr:1"),
        ("given_name", "1"),
        ("family_name", ""),
    ] {
        assert_eq!(boss.at(&format!("/{field}")), value, "{field}");
    }
    for key in ["2", "3"] {
        assert_eq!(importing.user(key).await.at("/manager_id"), boss.at("/id"));
    }
    assert_eq!(importing.user("hq%207").await.at("/username"), "hr:hq-7");
    assert_eq!(
        importing.user("4").await.at("/manager_id"),
        importing.user("2").await.at("/id")
    );

    // They are not in the file, and not missing from it either.
    let events = importing.events().await;
    let again = importing.plan("small", file).await;
    assert_eq!(
        (
            again.at("/counts/unchanged"),
            again.at("/counts/end"),
            again.at("/counts/present")
        ),
        (json!(4), json!(0), json!(4))
    );
    importing.applied(&again).await;
    assert_eq!(importing.events().await, events);

    let import = importing
        .plan(
            "small",
            "id,name,boss\n1,Ana,\n2,Bea,1\n3,Cem,1\n4,Dan,2\n5,Eva,1\n",
        )
        .await;
    let brought = importing.rows(&import, "key eq \"1\"").await;
    assert_eq!(
        brought[0]["changes"],
        json!({
            "username": { "from": "hr:1", "to": "u1" },
            "given_name": { "from": "1", "to": "Ana" },
            "status": { "from": "invited", "to": "active" },
            "placeholder": { "from": true, "to": false },
        })
    );
    importing.applied(&import).await;
    let ana = importing.user("1").await;
    assert_eq!(
        (ana.at("/id"), ana.at("/status"), ana.at("/username")),
        (boss.at("/id"), json!("active"), json!("u1"))
    );
    let gone = importing
        .plan("small", "id,name,boss\n2,Bea,\n3,Cem,\n4,Dan,\n5,Eva,\n")
        .await;
    assert_eq!(gone.at("/counts/end"), 1);
}

#[actix_web::test]
async fn made_managers_take_their_names_from_the_file_and_their_key_from_its_own_system() {
    let profile = making(|manager| {
        manager["source"] = json!("bosses");
        manager["value"] = json!({ "column": "boss no" });
        manager["made"] = json!({
            "username": { "template": "boss-{boss no}" },
            "given_name": { "column": "boss", "steps": [{ "step": "take", "separator": " ", "part": 1 }] },
            "family_name": { "column": "boss", "steps": [{ "step": "take", "separator": " ", "part": 2 }] },
            "email": { "column": "mail" },
        });
    });
    let importing = Importing::with(profile).await;

    let import = importing
        .plan(
            "small",
            "id,name,boss,boss no,mail\n1,Ana,,7,none\n2,Bea,Zoe Zimmer,7,zoe@example.com\n3,Cem,Other Name,7,\n4,Dan,,,\n",
        )
        .await;

    let warned = importing.rows(&import, "severity eq \"warning\"").await;
    assert_eq!(warned.len(), 1);
    assert_eq!(
        (
            &warned[0]["line"],
            &warned[0]["issues"][0]["field"],
            &warned[0]["issues"][0]["column"]
        ),
        (&json!(2), &json!("manager.email"), &json!("mail"))
    );
    importing.applied(&import).await;
    let zoe = importing
        .admin
        .get("/v1/users/ext:bosses:7")
        .await
        .assert_status(200);
    assert_eq!(
        (
            zoe.at("/given_name"),
            zoe.at("/family_name"),
            zoe.at("/email"),
            zoe.at("/username")
        ),
        (
            json!("Zoe"),
            json!("Zimmer"),
            json!("zoe@example.com"),
            json!("boss-7")
        )
    );
    assert_eq!(importing.user("1").await.at("/manager_id"), zoe.at("/id"));
    assert_eq!(importing.user("4").await.at("/manager_id"), json!(null));
    importing.user("7").await.assert_problem(404, "not_found");
}

#[actix_web::test]
async fn made_managers_cannot_sign_in_and_nobody_is_made_with_a_taken_name() {
    let profile = making(|manager| manager["made"] = json!({ "username": { "template": "u{boss}" } }));
    let importing = Importing::with(profile).await;
    let body = json!({ "username": "U9", "given_name": "Other", "family_name": "Person" });
    importing.admin.post("/v1/users", body).await.assert_status(201);
    let long = "x".repeat(201);

    let import = importing
        .plan(
            "small",
            format!("id,name,boss\n1,Ana,9\n2,Bea,8\n3,Cem,{long}\n4,Dan,04\nx,Eva,4\n"),
        )
        .await;

    let refused = importing.rows(&import, "action eq \"refuse\"").await;
    let codes: Vec<_> = refused
        .iter()
        .map(|row| {
            (
                row["line"].as_i64().unwrap(),
                row["issues"][0]["code"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(codes, [(2, "already_taken"), (4, "too_long")]);
    importing.applied(&import).await;
    let made: uuid::Uuid = importing.user("8").await.id().parse().unwrap();
    importing
        .app
        .client_of(made)
        .get("/v1/me")
        .await
        .assert_problem(401, "unauthenticated");
}

#[actix_web::test]
async fn a_refused_row_makes_no_manager() {
    let importing = Importing::with(making(|_| ())).await;

    let import = importing.plan("small", "id,name,boss\n1,,7\n2,Bea,1\n").await;
    importing.applied(&import).await;

    importing.user("7").await.assert_problem(404, "not_found");
    // Whoever is in the file with a fault is known by their key until the fault is fixed.
    assert_eq!(importing.user("1").await.at("/status"), "invited");
    let fixed = importing.plan("small", "id,name,boss\n1,Ana,7\n2,Bea,1\n").await;
    importing.applied(&fixed).await;
    assert_eq!(importing.user("1").await.at("/given_name"), "Ana");
    assert_eq!(
        importing.user("1").await.at("/manager_id"),
        importing.user("7").await.at("/id")
    );
}

#[actix_web::test]
async fn a_profile_that_makes_managers_says_how() {
    let importing = Importing::with(small_profile()).await;
    let cases = [
        (
            json!({ "by": "name", "value": { "column": "boss" }, "on_missing": "create" }),
            "on_missing",
        ),
        (
            json!({ "by": "key", "value": { "column": "boss" }, "made": { "given_name": { "column": "boss" } } }),
            "made",
        ),
        (
            json!({ "by": "key", "value": { "column": "boss" }, "on_missing": "create",
                "made": { "status": { "constant": "active" } } }),
            "made/status",
        ),
        (
            json!({ "by": "key", "value": { "column": "boss" }, "on_missing": "create",
                "made": { "given_name": { "template": "{" } } }),
            "made/given_name/template",
        ),
    ];
    for (manager, pointer) in cases {
        let mut profile = small_profile();
        profile["code"] = json!("other");
        profile["mapping"]["references"]["manager"] = manager;
        importing
            .admin
            .post("/v1/import-profiles", profile)
            .await
            .assert_problem(422, "validation_failed")
            .assert_fault(&format!("/mapping/references/manager/{pointer}"));
    }
    let reader = importing
        .app
        .holding(&[Permission::ImportsRead], "everything", None);
    reader
        .post("/v1/import-profiles", making(|_| ()))
        .await
        .assert_problem(403, "forbidden");
}
