use chrono::Days;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Company, Stand, column, csv_column};

const PATH: &str = "/v1/reports/compliance";

async fn company() -> Company {
    let company = Company::start().await;
    company.require(company.mia, company.fire, 1, Stand::Satisfied);
    company.require(company.mia, company.first_aid, 1, Stand::Overdue);
    company.require(company.nils, company.fire, 1, Stand::Expired);
    company.require(company.nils, company.first_aid, 1, Stand::Open);
    company.require(company.wanda, company.fire, 1, Stand::Overdue);
    company.require(company.wanda, company.first_aid, 1, Stand::Ended);
    company.require(company.boss, company.fire, 1, Stand::Upcoming);
    company
}

fn row(report: &Value, unit: Option<Uuid>) -> Value {
    let rows = report["data"].as_array().unwrap();
    rows.iter()
        .find(|row| row["org_unit_id"] == json!(unit))
        .cloned()
        .unwrap_or(Value::Null)
}

fn counts(people: i64, states: [i64; 5], rate: Option<f64>) -> Value {
    let [satisfied, open, overdue, expired, upcoming] = states;
    json!({"people": people, "required": states.iter().sum::<i64>(), "satisfied": satisfied, "open": open,
        "overdue": overdue, "expired": expired, "upcoming": upcoming, "absent": 0, "waived": 0, "rate": rate})
}

#[actix_web::test]
async fn each_unit_has_its_own_counts_and_those_of_its_subtree() {
    let company = company().await;

    let report = company.of_all().get(PATH).await.assert_status(200).json();

    assert_eq!(
        column(&report["data"], "org_unit_code"),
        [
            json!("root"),
            json!("east"),
            json!("north"),
            json!("west"),
            json!(null)
        ]
    );
    assert_eq!(
        column(&report["data"], "depth"),
        [json!(0), json!(1), json!(2), json!(1), json!(null)]
    );
    let east = row(&report, Some(company.east));
    assert_eq!(east["direct"], counts(1, [1, 0, 1, 0, 0], Some(0.5)));
    assert_eq!(east["subtree"], counts(2, [1, 1, 1, 1, 0], Some(1.0 / 3.0)));
    let root = row(&report, Some(company.root));
    assert_eq!(root["direct"], counts(0, [0, 0, 0, 0, 0], None));
    assert_eq!(root["subtree"], counts(3, [1, 1, 2, 1, 0], Some(0.25)));
    assert_eq!(row(&report, None)["subtree"], counts(1, [0, 0, 0, 0, 1], None));
    assert_eq!(report["total"], counts(4, [1, 1, 2, 1, 1], Some(0.25)));
    assert_eq!(report["day"], json!(company.today()));
}

#[actix_web::test]
async fn a_person_and_a_course_count_once_whatever_the_cycle() {
    let company = Company::start().await;
    company.require(company.mia, company.fire, 1, Stand::Satisfied);
    company.require(company.mia, company.fire, 2, Stand::Open);
    company.require(company.nils, company.fire, 1, Stand::Satisfied);
    company.require(company.nils, company.fire, 2, Stand::Overdue);
    company.require(company.wanda, company.fire, 1, Stand::Expired);
    company.require(company.wanda, company.fire, 2, Stand::Open);
    company.require(company.boss, company.fire, 1, Stand::Expired);
    company.require(company.boss, company.fire, 2, Stand::Satisfied);

    let report = company.of_all().get(PATH).await.assert_status(200).json();

    assert_eq!(
        row(&report, Some(company.east))["direct"],
        counts(1, [1, 0, 0, 0, 0], Some(1.0))
    );
    assert_eq!(
        row(&report, Some(company.north))["direct"],
        counts(1, [0, 0, 1, 0, 0], Some(0.0))
    );
    assert_eq!(
        row(&report, Some(company.west))["direct"],
        counts(1, [0, 1, 0, 0, 0], None)
    );
    assert_eq!(
        row(&report, None)["direct"],
        counts(1, [1, 0, 0, 0, 0], Some(1.0))
    );
}

#[actix_web::test]
async fn a_managers_report_counts_their_own_line_only() {
    let company = company().await;
    let mia = company.manager(company.mia);

    let report = mia.get(PATH).await.assert_status(200).json();

    assert_eq!(
        column(&report["data"], "org_unit_code"),
        [json!("east"), json!("north")]
    );
    assert_eq!(
        row(&report, Some(company.east))["direct"],
        counts(0, [0, 0, 0, 0, 0], None)
    );
    assert_eq!(report["total"], counts(1, [0, 1, 0, 1, 0], Some(0.0)));

    let text = mia.get(&format!("{PATH}?format=csv")).await;
    assert_eq!(csv_column(&text, "org_unit_code"), ["east", "north"]);
    assert_eq!(csv_column(&text, "subtree_people"), ["1", "1"]);
    assert_eq!(csv_column(&text, "direct_required"), ["0", "2"]);
}

#[actix_web::test]
async fn a_unit_admins_report_counts_their_subtree_only() {
    let company = company().await;
    for (unit, codes, people) in [
        (company.east, vec!["east", "north"], 2),
        (company.west, vec!["west"], 1),
    ] {
        let client = company.of_unit(unit);

        let report = client.get(PATH).await.assert_status(200).json();
        let csv = client.with("Accept", "text/csv").get(PATH).await;

        assert_eq!(column(&report["data"], "org_unit_code"), codes);
        assert_eq!(report["total"]["people"], json!(people));
        assert_eq!(csv_column(&csv, "org_unit_code"), codes);
    }
}

#[actix_web::test]
async fn a_course_admins_report_counts_their_course_only() {
    let company = company().await;
    let client = company.app.holding(
        &[provost::authz::Permission::ReportsRun],
        "course",
        Some(company.first_aid),
    );

    let report = client.get(PATH).await.assert_status(200).json();

    assert_eq!(report["total"], counts(3, [0, 1, 1, 0, 0], Some(0.0)));
}

#[actix_web::test]
async fn a_report_is_narrowed_by_unit_course_and_filter() {
    let company = company().await;
    let all = company.of_all();

    let below = all
        .get(&format!("{PATH}?org_unit_id={}", company.east))
        .await
        .assert_status(200)
        .json();
    assert_eq!(
        column(&below["data"], "org_unit_code"),
        [json!("east"), json!("north")]
    );
    assert_eq!(below["total"]["people"], json!(2));
    let course = all
        .get(&format!("{PATH}?course_id={}", company.fire))
        .await
        .assert_status(200)
        .json();
    assert_eq!(course["total"], counts(4, [1, 0, 1, 1, 1], Some(1.0 / 3.0)));
    let filtered = all
        .get(&format!("{PATH}?filter=username%20eq%20%22wanda%22"))
        .await
        .assert_status(200)
        .json();
    assert_eq!(filtered["total"], counts(1, [0, 0, 1, 0, 0], Some(0.0)));

    all.get(&format!("{PATH}?filter=nonsense"))
        .await
        .assert_problem(400, "invalid_filter");
    company
        .of_unit(company.west)
        .get(&format!("{PATH}?org_unit_id={}", company.east))
        .await
        .assert_problem(400, "invalid_parameter")
        .assert_fault("?org_unit_id");
    company
        .app
        .client_of(company.nils)
        .get(PATH)
        .await
        .assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn users_who_are_absent_are_not_late_and_those_with_a_waiver_need_not() {
    let company = Company::start().await;
    let admin = company.app.admin().await;
    let today = company.today();
    let course = json!({"code": "hot", "title": "Hot", "language": "en", "modules": [{"title": "All"}]});
    let course = admin.post("/v1/courses", course).await.assert_status(201).id();
    let path = format!("/v1/courses/{course}/publications");
    admin.post(&path, json!({})).await.assert_status(201);
    for user in [company.mia, company.wanda, company.nils] {
        let body = json!({"user_id": user, "target": {"kind": "course", "id": course}, "opens_on": today - Days::new(9), "due_on": today - Days::new(3)});
        admin.post("/v1/requirements", body).await.assert_status(201);
    }
    let away = json!({"user_id": company.wanda, "kind": "parental_leave", "starts_on": today});
    admin.post("/v1/absences", away).await.assert_status(201);
    let waiver = json!({"user_id": company.nils, "target": {"kind": "course", "id": course},
        "begins_on": today, "reason": "Paramedic."});
    admin.post("/v1/waivers", waiver).await.assert_status(201);

    let report = company.of_all().get(PATH).await.assert_status(200).json();

    let total = |name: &str| report["total"][name].as_i64().unwrap();
    assert_eq!(
        (total("overdue"), total("absent"), total("open"), total("waived")),
        (1, 1, 1, 1),
        "{report:#}"
    );
}
