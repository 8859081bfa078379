use provost::authz::Permission;
use serde_json::{Value, json};

use super::{person, unit, uuid};
use crate::support::{Answer, Client, TestApp, count};

const BOTH: &[Permission] = &[Permission::AbsencesRead, Permission::AbsencesWrite];

fn absence(user: &str, starts_on: &str, ends_on: Option<&str>) -> Value {
    json!({"user_id": user, "kind": "sickness", "starts_on": starts_on, "ends_on": ends_on})
}

async fn create(client: &Client, user: &str, starts_on: &str, ends_on: Option<&str>) -> Answer {
    client
        .post("/v1/absences", absence(user, starts_on, ends_on))
        .await
}

async fn first_days(client: &Client, query: &str) -> Vec<Value> {
    let page = client
        .get(&format!("/v1/absences?{query}"))
        .await
        .assert_status(200);
    let rows = page.at("/data").as_array().cloned().unwrap();
    rows.iter().map(|row| row["starts_on"].clone()).collect()
}

#[actix_web::test]
async fn an_absence_lives_through_changes_and_keeps_its_past() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let bea = person(&admin, "bea", json!({})).await;
    create(&admin, &bea, "2027-01-04", Some("2027-01-08"))
        .await
        .assert_status(201);
    let made = create(&admin, &ana, "2027-03-01", None).await.assert_status(201);
    let path = format!("/v1/absences/{}", made.id());
    assert_eq!(
        [made.at("/ends_on"), made.at("/archived_at")],
        [Value::Null, Value::Null]
    );

    let of_ana = format!("filter=user_id%20eq%20%22{ana}%22");
    assert_eq!(first_days(&admin, &of_ana).await, ["2027-03-01"]);
    assert_eq!(
        first_days(&admin, "sort=starts_on").await,
        ["2027-01-04", "2027-03-01"]
    );
    let running = "filter=ends_on%20eq%20null%20and%20kind%20eq%20%22sickness%22";
    assert_eq!(first_days(&admin, running).await, ["2027-03-01"]);
    let shown = admin.get(&format!("{path}?expand=user")).await.assert_status(200);
    assert_eq!(shown.at("/user/username"), "ana");

    let ended = json!({"kind": "parental_leave", "ends_on": "2027-08-31"});
    let ended = admin.patch(&path, ended).await.assert_status(200);
    assert_eq!(ended.at("/version"), 2);
    admin
        .patch(&path, json!({"ends_on": "2027-02-28"}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/ends_on");
    admin
        .patch(&path, json!({"user_id": bea}))
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/user_id");
    let archived = admin.post(&format!("{path}/archival"), json!({})).await;
    assert!(archived.assert_status(200).at("/archived_at").is_string());
    assert_eq!(
        count(
            &app,
            "SELECT count(*) FROM absence_history past JOIN absences USING (id)
             WHERE past.kind = 'sickness' AND past.ends_on IS NULL AND past.archived_at IS NULL
                OR past.kind = 'parental_leave' AND past.ends_on = '2027-08-31'
                    AND past.superseded_at = absences.updated_at",
        ),
        2
    );
    app.run_jobs();
    let events = format!("/v1/events?filter=object_id%20eq%20%22{}%22", made.id());
    let events = admin.get(&events).await.assert_status(200);
    let events = events.at("/data").as_array().cloned().unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| (&event["action"], &event["user_id"]))
        .collect();
    let of_ana = json!(ana);
    for action in ["absence.created", "absence.updated", "absence.archived"] {
        assert!(told.contains(&(&json!(action), &of_ana)), "{action}: {told:?}");
    }
}

#[actix_web::test]
async fn absences_of_one_user_do_not_overlap() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ana = person(&admin, "ana", json!({})).await;
    let bea = person(&admin, "bea", json!({})).await;
    let march = create(&admin, &ana, "2027-03-01", Some("2027-03-31"))
        .await
        .assert_status(201);

    for (starts_on, ends_on) in [
        ("2027-03-31", None),
        ("2027-01-01", Some("2027-03-01")),
        ("2027-03-10", Some("2027-03-10")),
        ("2027-01-01", None),
    ] {
        let refused = create(&admin, &ana, starts_on, ends_on)
            .await
            .assert_problem(409, "conflict")
            .assert_fault("/starts_on");
        assert!(
            refused.text().contains(&march.id()),
            "the other one is named: {}",
            refused.text()
        );
    }
    create(&admin, &bea, "2027-03-10", None).await.assert_status(201);
    create(&admin, &ana, "2027-02-01", Some("2027-02-28"))
        .await
        .assert_status(201);
    let april = create(&admin, &ana, "2027-04-01", None).await.assert_status(201);
    let path = format!("/v1/absences/{}", april.id());
    admin
        .patch(&path, json!({"starts_on": "2027-03-31"}))
        .await
        .assert_problem(409, "conflict")
        .assert_fault("/starts_on");
    admin
        .patch(&path, json!({"kind": "leave", "starts_on": "2027-04-02"}))
        .await
        .assert_status(200);

    let march = format!("/v1/absences/{}/archival", march.id());
    admin.post(&march, json!({})).await.assert_status(200);
    create(&admin, &ana, "2027-03-15", Some("2027-03-20"))
        .await
        .assert_status(201);
    admin
        .with("If-Match", "*")
        .delete(&march)
        .await
        .assert_problem(409, "conflict");

    let rows = [
        absence(&ana, "2028-01-01", Some("2028-01-31")),
        absence(&ana, "2026-01-01", Some("2026-01-31")),
        absence(&ana, "2026-01-31", Some("2026-02-10")),
        absence(&ana, "2026-02-01", Some("2026-02-10")),
        absence(&bea, "2026-01-31", Some("2026-01-01")),
    ];
    let answer = admin
        .bulk("/v1/absences", rows.map(|row| json!({"create": row})))
        .await;
    assert_eq!(
        answer.row_outcomes(),
        [
            "409 conflict /starts_on",
            "201",
            "409 conflict /starts_on",
            "201",
            "422 validation_failed /ends_on"
        ]
    );
}

#[actix_web::test]
async fn absences_are_seen_and_written_in_the_scope_of_their_users_alone() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let here = unit(&admin, "here", None).await;
    let there = unit(&admin, "there", None).await;
    let ana = person(&admin, "ana", json!({"org_unit_id": here})).await;
    let bea = person(&admin, "bea", json!({"org_unit_id": there})).await;
    let of_ana = create(&admin, &ana, "2027-03-01", None).await.assert_status(201);
    let of_bea = create(&admin, &bea, "2027-04-01", None).await.assert_status(201);
    let keeper = app.holding(BOTH, "org_unit", Some(uuid(&here)));

    assert_eq!(first_days(&keeper, "").await, ["2027-03-01"]);
    let bea_path = format!("/v1/absences/{}", of_bea.id());
    keeper.get(&bea_path).await.assert_problem(404, "not_found");
    keeper
        .patch(
            &format!("/v1/absences/{}", of_ana.id()),
            json!({"ends_on": "2027-05-01"}),
        )
        .await
        .assert_status(200);

    // Whether somebody outside is away is told to nobody: neither where the user is out of sight nor where they are seen.
    let seer = person(&admin, "seer", json!({})).await;
    app.grant("user", uuid(&seer), "auditor", &[("everything", None)]);
    app.grant(
        "user",
        uuid(&seer),
        "hr_admin",
        &[("org_unit", Some(uuid(&here)))],
    );
    let seer = app.client_of(uuid(&seer));
    for day in ["2027-04-01", "2029-01-01"] {
        for user in [bea.as_str(), "01890000-0000-7000-8000-000000000000"] {
            create(&keeper, user, day, Some(day))
                .await
                .assert_problem(403, "forbidden");
        }
        create(&seer, &bea, day, Some(day))
            .await
            .assert_problem(403, "forbidden");
    }
    seer.get(&bea_path).await.assert_status(200);
    seer.patch(&bea_path, json!({"note": "x"}))
        .await
        .assert_problem(403, "forbidden");
    create(&admin, "01890000-0000-7000-8000-000000000000", "2026-01-01", None)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/user_id");
    create(&seer, &ana, "2026-01-01", Some("2026-01-02"))
        .await
        .assert_status(201);
}
