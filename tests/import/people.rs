use serde_json::json;

use super::{Importing, MESSY, messy_profile, outline, small_profile};

#[actix_web::test]
async fn org_units_are_found_by_their_codes_whatever_the_case() {
    let mut profile = small_profile();
    profile["mapping"]["references"] = json!({ "org_unit": {
        "by": "code", "value": { "columns": ["area", "boss"] }, "on_missing": "create", "under": "TOP",
    }});
    let importing = Importing::with(profile).await;
    let top = json!({"code": "Top", "name": "Top"});
    let top = importing
        .admin
        .post("/v1/org-units", top)
        .await
        .assert_status(201);
    let known = json!({"code": "Emea", "name": "EMEA", "parent_id": top.id()});
    let known = importing
        .admin
        .post("/v1/org-units", known)
        .await
        .assert_status(201);

    let file =
        "id,name,area,boss\n1,Ana,EMEA,\n2,Bea,emea,Sales\n3,Cem,Emea,SALES\n4,Dan,apac,\n5,Eve,APAC,\n";
    let import = importing.plan("small", file).await;
    assert_eq!(import.at("/counts/also_created"), json!({ "org_unit": 2 }));
    importing.applied(&import).await;

    let unit = async |key: &str| importing.user(key).await.at("/org_unit_id");
    assert_eq!(unit("1").await, json!(known.id()));
    assert_eq!(unit("2").await, unit("3").await);
    assert_eq!(unit("4").await, unit("5").await);
    let sales = unit("2").await.as_str().unwrap().to_owned();
    let sales = importing.admin.get(&format!("/v1/org-units/{sales}")).await;
    assert_eq!(
        (sales.at("/code"), sales.at("/parent_id")),
        (json!("Sales"), json!(known.id()))
    );
    let apac = unit("4").await.as_str().unwrap().to_owned();
    let apac = importing.admin.get(&format!("/v1/org-units/{apac}")).await;
    assert_eq!(
        (apac.at("/code"), apac.at("/parent_id")),
        (json!("apac"), json!(top.id()))
    );

    let again = importing.plan("small", file).await;
    assert_eq!(again.at("/counts/unchanged"), 5, "{}", again.text());
}

#[actix_web::test]
async fn a_messy_file_is_planned_line_by_line() {
    let importing = Importing::with(messy_profile()).await;

    let import = importing.plan("messy_hr", MESSY).await;

    assert_eq!(import.at("/status"), "planned", "{}", import.text());
    assert_eq!(
        import.at("/counts"),
        json!({ "rows": 26, "create": 16, "update": 0, "restore": 0, "unchanged": 0, "end": 0, "refuse": 8, "skip": 2,
            "warnings": 8, "removals": 0, "present": 0, "also_created": { "org_unit": 6 } })
    );
    let refused = importing.rows(&import, "action eq \"refuse\"").await;
    let expected = [
        (8, "hired_on:not_a_date"),
        (14, "left_on:left_before_hired"),
        (15, "status:not_in_lookup"),
        (18, "given_name:required"),
        (19, "key:repeated_key"),
        (20, "key:repeated_key"),
        (21, "key:no_key username:required"),
        (27, "hired_on:not_a_date"),
    ];
    assert_eq!(
        outline(&refused),
        expected.map(|(line, codes)| (line, codes.to_owned()))
    );
    let warned = importing.rows(&import, "severity eq \"warning\"").await;
    let expected = [
        (6, "manager:manager_unknown"),
        (11, "manager:manager_unknown"),
        (12, "manager:manager_unknown"),
        (13, "key:repeated_row"),
        (16, "manager:manager_cycle"),
        (17, "manager:manager_cycle"),
        (22, "-:blank_row"),
        // Fault 19.
        (24, "-:short_row"),
    ];
    assert_eq!(
        outline(&warned),
        expected.map(|(line, codes)| (line, codes.to_owned()))
    );
    assert_eq!(refused[0]["issues"][0]["column"], "Start");
    assert_eq!(warned[0]["issues"][0]["column"], "Boss");
}

#[actix_web::test]
async fn planning_twice_gives_the_same_hash_and_writes_nothing() {
    let importing = Importing::with(messy_profile()).await;
    let events = importing.events().await;

    let first = importing.plan("messy_hr", MESSY).await;
    let second = importing.plan("messy_hr", MESSY).await;

    assert_eq!(first.at("/plan_hash"), second.at("/plan_hash"));
    assert_eq!(importing.events().await, events);
    importing.user("7001").await.assert_problem(404, "not_found");
}

#[actix_web::test]
async fn a_messy_file_goes_in_and_a_second_run_has_nothing_to_do() {
    let importing = Importing::with(messy_profile()).await;
    let import = importing.plan("messy_hr", MESSY).await;

    let import = importing.applied(&import).await;

    assert_eq!(import.at("/status"), "applied");
    let lead = importing.user("7003").await.assert_status(200);
    for (field, value) in [
        ("given_name", "José Ángel"),
        ("family_name", "De la Cruz"),
        ("username", "p7003"),
        ("title", "Team Lead"),
        ("cost_centre", "00234"),
        ("department", "Production"),
        ("hired_on", "2012-05-14"),
        ("status", "active"),
    ] {
        assert_eq!(lead.at(&format!("/{field}")), value, "{field}");
    }
    assert_eq!(lead.at("/left_on"), json!(null));
    assert_eq!(lead.at("/manager_id"), importing.user("7002").await.at("/id"));
    let boss = importing.user("7001").await;
    assert_eq!(boss.at("/manager_id"), json!(null));
    for worker in ["7008", "7009"] {
        assert_eq!(
            importing.user(worker).await.at("/manager_id"),
            importing.user("7004").await.at("/id")
        );
    }
    let leaver = importing.user("7006").await;
    assert_eq!(
        (leaver.at("/status"), leaver.at("/left_on")),
        (json!("archived"), json!("2016-06-16"))
    );
    // Whoever is in a circle has nobody above.
    assert_eq!(importing.user("7014").await.at("/manager_id"), json!(null));

    let events = importing.events().await;
    let again = importing.plan("messy_hr", MESSY).await;
    let counts = again.at("/counts");
    assert_eq!(
        (
            &counts["create"],
            &counts["update"],
            &counts["unchanged"],
            &counts["end"],
            &counts["also_created"]
        ),
        (&json!(0), &json!(0), &json!(16), &json!(0), &json!({})),
        "{:?}",
        importing.rows(&again, "action eq \"update\"").await
    );
    importing.applied(&again).await;
    assert_eq!(importing.events().await, events);
    assert_eq!(importing.user("7003").await.at("/version"), 1);
}

#[actix_web::test]
async fn a_changed_file_gives_exact_differences_and_the_missing_are_archived() {
    let importing = Importing::with(messy_profile()).await;
    let import = importing.plan("messy_hr", MESSY).await;
    importing.applied(&import).await;
    // Kwame moves to line 1 and gets its lead; Ann is gone from the file; Udo has left.
    let changed: String = MESSY
        .lines()
        .filter(|line| !line.contains("7009"))
        .map(|line| match line {
            line if line.contains(";7008;") => {
                "Osei;Kwame;7008;0;Lead Technician;4567;2015/03/30;;Production;Line 1;José Ángel de la Cruz;"
                    .into()
            }
            line if line.contains(";7010;") => {
                "Meyer;Udo;7010;1;Clerk;8000;2016/01/11;2026/01/31;Head Office;;Wanda Unknown;".into()
            }
            line => line.to_owned(),
        })
        .collect::<Vec<String>>()
        .join("\n");

    let import = importing.plan("messy_hr", changed).await;

    let counts = import.at("/counts");
    assert_eq!(
        (
            &counts["update"],
            &counts["unchanged"],
            &counts["end"],
            &counts["removals"],
            &counts["present"]
        ),
        (&json!(2), &json!(13), &json!(1), &json!(2), &json!(14))
    );
    let updates = importing.rows(&import, "action eq \"update\"").await;
    assert_eq!(
        updates[0]["changes"],
        json!({
            "title": { "from": "Technician", "to": "Lead Technician" },
            "org_unit": { "from": "production-line-2", "to": "production-line-1" },
            "manager": { "from": "p7004", "to": "p7003" },
        })
    );
    assert_eq!(
        updates[1]["changes"],
        json!({
            "status": { "from": "active", "to": "archived" },
            "left_on": { "from": null, "to": "2026-01-31" },
        })
    );
    importing.applied(&import).await;
    let gone = importing.user("7009").await;
    assert_eq!(gone.at("/status"), "archived");
    assert_ne!(gone.at("/left_on"), json!(null));
    assert_eq!(
        importing.user("7008").await.at("/manager_id"),
        importing.user("7003").await.at("/id")
    );
    assert_eq!(importing.user("7008").await.at("/version"), 2);
}

#[actix_web::test]
async fn leavers_cannot_sign_in() {
    let importing = Importing::with(messy_profile()).await;
    let import = importing.plan("messy_hr", MESSY).await;
    importing.applied(&import).await;
    let id: uuid::Uuid = importing.user("7008").await.id().parse().unwrap();
    let hash = provost::access::hashing::hash_blocking("a long password").unwrap();
    importing
        .app
        .write(|tx| provost::access::passwords::set(tx, id, &hash, false));
    let user = importing.app.client_of(id);
    user.get("/v1/users").await.assert_status(200);

    let left = MESSY.replace("Osei;Kwame;7008;0", "Osei;Kwame;7008;1");
    let import = importing.plan("messy_hr", left).await;
    importing.applied(&import).await;

    user.get("/v1/users").await.assert_problem(401, "unauthenticated");
    let form = "grant_type=password&username=p7008&password=a+long+password";
    let answer = importing
        .app
        .anonymous()
        .send(
            awc::http::Method::POST,
            "/oauth/token",
            Some(form.into()),
            "application/x-www-form-urlencoded",
        )
        .await
        .assert_status(400);
    assert_eq!(answer.at("/error"), "invalid_grant");
}
