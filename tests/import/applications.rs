use provost::authz::Permission;
use serde_json::json;

use super::{Importing, messy_profile, send, small_profile};

const THREE: &str = "id,name,boss\n1,Ana,\n2,Bea,1\n3,Cem,2\n";

#[actix_web::test]
async fn a_plan_is_refused_once_something_changed() {
    let importing = Importing::with(small_profile()).await;
    let import = importing.plan("small", THREE).await;
    importing.applied(&import).await;
    let import = importing.plan("small", THREE.replace("Bea", "Bee")).await;
    let id = importing.user("2").await.id();
    importing
        .admin
        .patch(&format!("/v1/users/{id}"), json!({ "given_name": "Bibi" }))
        .await
        .assert_status(200);

    importing.apply(&import).await.assert_problem(409, "plan_stale");

    let body = json!({ "plan_hash": "0".repeat(64) });
    let path = format!("/v1/imports/{}/application", import.id());
    importing
        .admin
        .post(&path, body)
        .await
        .assert_problem(409, "plan_stale");
    assert_eq!(importing.user("2").await.at("/given_name"), "Bibi");
}

#[actix_web::test]
async fn a_plan_that_became_stale_in_the_queue_fails_its_operation() {
    let importing = Importing::with(small_profile()).await;
    let first = importing.plan("small", THREE).await;
    let second = importing.plan("small", THREE.replace("Bea", "Bee")).await;
    let waiting = importing.apply(&second).await.assert_status(202);
    importing.apply(&first).await.assert_status(202);

    importing.app.run_jobs();

    let statuses: Vec<_> = [
        importing
            .admin
            .get(&format!("/v1/imports/{}", first.id()))
            .await
            .at("/status"),
        importing
            .admin
            .get(&format!("/v1/imports/{}", second.id()))
            .await
            .at("/status"),
    ]
    .into();
    assert_eq!(statuses, ["failed", "applied"]);
    assert_eq!(
        importing
            .admin
            .get(&format!("/v1/operations/{}", waiting.id()))
            .await
            .at("/status"),
        "succeeded"
    );
    let failed = importing.admin.get(&format!("/v1/imports/{}", first.id())).await;
    assert_eq!(failed.at("/problem/code"), "plan_stale");
    importing
        .apply(&failed)
        .await
        .assert_problem(409, "import_not_planned");
}

#[actix_web::test]
async fn a_file_that_would_remove_many_is_refused_unless_that_is_allowed() {
    let mut profile = small_profile();
    profile["mapping"]["missing"]["max_removals_percent"] = json!(50);
    let importing = Importing::with(profile).await;
    let import = importing.plan("small", THREE).await;
    importing.applied(&import).await;

    let import = importing.plan("small", "id,name,boss\n1,Ana,\n").await;

    assert_eq!(import.at("/counts/removals"), 2);
    importing
        .apply(&import)
        .await
        .assert_problem(409, "plan_removes_too_much");
    let body = json!({ "plan_hash": import.at("/plan_hash"), "allow_removals_percent": 67 });
    let path = format!("/v1/imports/{}/application", import.id());
    importing.admin.post(&path, body).await.assert_status(202);
    importing.app.run_jobs();
    assert_eq!(importing.user("3").await.at("/status"), "archived");
}

#[actix_web::test]
async fn planning_and_applying_need_the_right_to_write_everybody() {
    use Permission::*;
    let importing = Importing::with(small_profile()).await;
    let import = importing.plan("small", THREE).await;
    let body = json!({ "plan_hash": import.at("/plan_hash") });
    let path = format!("/v1/imports/{}/application", import.id());
    for lacking in [
        vec![ImportsRead, ImportsWrite],
        vec![ImportsRead, ImportsWrite, UsersRead, UsersWrite],
        vec![ImportsRead, ImportsWrite, UsersRead, OrgUnitsWrite],
        vec![ImportsRead, UsersWrite, OrgUnitsWrite],
    ] {
        let client = importing.app.holding(&lacking, "everything", None);
        send(&client, "small", THREE)
            .await
            .assert_problem(403, "forbidden");
        client
            .post(&path, body.clone())
            .await
            .assert_problem(403, "forbidden");
    }

    let enough = [ImportsRead, ImportsWrite, UsersWrite, OrgUnitsWrite];
    let planner = importing.app.holding(&enough, "everything", None);
    send(&planner, "small", THREE).await.assert_status(202);
    planner.post(&path, body).await.assert_status(202);
}

#[actix_web::test]
async fn the_rows_of_a_plan_need_the_right_to_see_everybody() {
    use Permission::*;
    let importing = Importing::with(small_profile()).await;
    let import = importing.plan("small", THREE).await;
    let rows = format!("/v1/imports/{}/rows", import.id());

    for lacking in [
        vec![ImportsRead, ImportsWrite],
        vec![ImportsRead, OrgUnitsRead],
        vec![ImportsRead, ImportsWrite, UsersRead],
    ] {
        let client = importing.app.holding(&lacking, "everything", None);
        client
            .get(&format!("/v1/imports/{}", import.id()))
            .await
            .assert_status(200);
        client.get(&rows).await.assert_problem(403, "forbidden");
    }
    let reader = importing
        .app
        .holding(&[ImportsRead, UsersRead, OrgUnitsRead], "everything", None);
    reader.get(&rows).await.assert_status(200);
    let stranger = importing.app.holding(&[UsersRead], "everything", None);
    stranger.get("/v1/imports").await.assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn a_circle_with_those_who_are_here_is_told_and_left_out() {
    let importing = Importing::with(small_profile()).await;
    let import = importing.plan("small", THREE).await;
    importing.applied(&import).await;

    let import = importing
        .plan("small", "id,name,boss\n1,Ana,3\n2,Bea,1\n3,Cem,2\n")
        .await;

    let told = importing.rows(&import, "issue eq \"manager_cycle\"").await;
    assert_eq!(told.len(), 3);
    assert_eq!(import.at("/counts/unchanged"), 3);
    importing.applied(&import).await;
    assert_eq!(importing.user("1").await.at("/manager_id"), json!(null));
    assert_eq!(
        importing.user("2").await.at("/manager_id"),
        importing.user("1").await.at("/id")
    );
}

#[actix_web::test]
async fn reports_of_a_refused_row_are_refused_where_managers_must_be_known() {
    let mut profile = small_profile();
    profile["mapping"]["references"]["manager"]["on_missing"] = json!("error");
    let importing = Importing::with(profile).await;

    let import = importing
        .plan("small", "id,name,boss\n1,Ana,9\n2,Bea,1\n3,Cem,2\n4,Dan,\n")
        .await;

    assert_eq!(
        (import.at("/counts/refuse"), import.at("/counts/create")),
        (json!(3), json!(1))
    );
}

#[actix_web::test]
async fn a_username_of_somebody_else_is_refused() {
    let importing = Importing::with(small_profile()).await;
    let body = json!({ "username": "U2", "given_name": "Other", "family_name": "Person" });
    importing.admin.post("/v1/users", body).await.assert_status(201);

    let import = importing.plan("small", THREE).await;

    let refused = importing.rows(&import, "issue eq \"already_taken\"").await;
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["key"], "2");
}

#[actix_web::test]
async fn the_same_key_and_file_plan_once() {
    let importing = Importing::with(messy_profile()).await;
    let admin = importing.admin.with("Idempotency-Key", "file-1");

    let first = send(&admin, "messy_hr", super::MESSY).await.assert_status(202);
    let second = send(&admin, "messy_hr", super::MESSY).await.assert_status(202);

    assert_eq!(first.id(), second.id());
}

#[actix_web::test]
async fn the_operation_tells_how_many_rows_are_read_and_written() {
    let importing = Importing::with(small_profile()).await;
    // The first one's manager is written in a later part.
    let file: String = (1..=5_001)
        .map(|n| format!("{n},Ana,{}\n", if n == 1 { "5001" } else { "" }))
        .collect();

    let import = importing.plan("small", format!("id,name,boss\n{file}")).await;

    let operation = import.at("/operation_id").as_str().unwrap().to_owned();
    let planned = importing.admin.get(&format!("/v1/operations/{operation}")).await;
    assert_eq!(
        (planned.at("/progress"), planned.at("/total")),
        (json!(5001), json!(5001))
    );
    let applied = importing.applied(&import).await;
    let operation = applied.at("/operation_id").as_str().unwrap().to_owned();
    let applied = importing.admin.get(&format!("/v1/operations/{operation}")).await;
    assert_eq!(
        (applied.at("/progress"), applied.at("/total")),
        (json!(5001), json!(5001))
    );
    assert_eq!(
        importing.user("1").await.at("/manager_id"),
        importing.user("5001").await.at("/id")
    );

    // What was told stays told though the transaction comes to nothing.
    let broken = [format!("id,name,boss\n{file}").as_bytes(), b"9,\xff,\n"].concat();
    let import = importing.plan("small", broken).await;
    assert_eq!(import.at("/status"), "failed");
    let operation = import.at("/operation_id").as_str().unwrap().to_owned();
    let failed = importing.admin.get(&format!("/v1/operations/{operation}")).await;
    assert_eq!(
        (failed.at("/status"), failed.at("/total")),
        (json!("failed"), json!(null))
    );
}
