use provost::sql;
use serde_json::json;

use super::{Company, Stand, column, csv_column, run};

const PATH: &str = "/v1/reports/overdue";

async fn company() -> Company {
    let company = Company::start().await;
    for person in [company.boss, company.mia, company.nils, company.wanda] {
        company.require(person, company.first_aid, 1, Stand::Overdue);
        company.require(person, company.fire, 1, Stand::Open);
    }
    company
}

#[actix_web::test]
async fn what_is_overdue_comes_with_unit_and_manager() {
    let company = company().await;

    let page = company.of_all().get(PATH).await.assert_status(200);

    let rows = page.at("/data");
    let nils = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["username"] == "nils")
        .unwrap();
    assert_eq!(
        (
            &nils["org_unit_code"],
            &nils["course_code"],
            &nils["days_overdue"]
        ),
        (&json!("north"), &json!("aid"), &json!(3))
    );
    assert_eq!(
        (
            &nils["manager_username"],
            &nils["manager_name"],
            &nils["manager_email"]
        ),
        (&json!("mia"), &json!("mia Smith"), &json!("mia@example.com"))
    );
    let boss = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["username"] == "boss")
        .unwrap();
    assert_eq!(
        (&boss["org_unit_code"], &boss["manager_id"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(rows.as_array().unwrap().len(), 4);
}

#[actix_web::test]
async fn managers_and_unit_admins_see_their_own_people_only() {
    let company = company().await;
    for (client, expected) in [
        (company.manager(company.mia), vec!["nils"]),
        (company.of_unit(company.east), vec!["mia", "nils"]),
        (company.of_unit(company.west), vec!["wanda"]),
    ] {
        let page = client.get(PATH).await.assert_status(200);
        let csv = client.get(&format!("{PATH}?format=csv")).await;

        let mut names = column(&page.at("/data"), "username");
        names.sort_by_key(|name| name.to_string());
        assert_eq!(names, expected);
        let mut names = csv_column(&csv, "username");
        names.sort();
        assert_eq!(names, expected);
    }
}

#[actix_web::test]
async fn pages_and_csv_hold_the_same_rows_however_many() {
    let company = Company::start().await;
    run(
        &company.app,
        sql!(
            "INSERT INTO users (id, username, username_folded, given_name, given_name_folded, family_name,
                family_name_folded, status, created_at, updated_at)
             SELECT gen_random_uuid(), 'u' || n, 'u' || n, '=HYPERLINK(\"http://x\")',
                '=hyperlink(\"http://x\")', 'Ü, \"' || n, 'ü, \"' || n, 'active', now(), now()
             FROM generate_series(1, 2500) n"
        ),
    );
    run(
        &company.app,
        sql!(
            "INSERT INTO requirements (id, user_id, course_id, cycle, opens_on, due_on, created_at,
                updated_at)
             SELECT gen_random_uuid(), id, {company.fire}, 1, DATE '2020-01-01', DATE '2020-02-01', now(),
                now()
             FROM users WHERE username LIKE 'u%'"
        ),
    );
    let client = company.of_all();

    let csv = client.with("Accept", "text/csv").get(PATH).await;

    assert!(
        csv.text().starts_with("requirement_id,user_id,username,"),
        "{}",
        &csv.text()[..100]
    );
    let mut ids = csv_column(&csv, "requirement_id");
    assert_eq!(ids.len(), 2500);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2500);
    assert_eq!(csv_column(&csv, "given_name")[0], "'=HYPERLINK(\"http://x\")");
    let first = client.get(&format!("{PATH}?limit=200")).await.assert_status(200);
    let second = client
        .get(&format!(
            "{PATH}?limit=200&cursor={}",
            first.at("/next_cursor").as_str().unwrap()
        ))
        .await
        .assert_status(200);
    let pages: Vec<_> = [first, second]
        .iter()
        .flat_map(|page| column(&page.at("/data"), "requirement_id"))
        .collect();
    assert_eq!(pages, csv_column(&csv, "requirement_id")[..400]);
}

#[actix_web::test]
async fn the_format_parameter_wins_over_accept() {
    let company = company().await;
    let client = company.of_all();

    let json = client
        .with("Accept", "text/csv")
        .get(&format!("{PATH}?format=json"))
        .await;
    assert_eq!(json.header("content-type"), Some("application/json"));
    let csv = client
        .with("Accept", "application/json")
        .get(&format!("{PATH}?format=csv"))
        .await;
    assert_eq!(csv_column(&csv, "course_title")[0], "'=First Aid");
    client
        .get(&format!("{PATH}?format=xml"))
        .await
        .assert_problem(400, "invalid_parameter");
    client
        .get(&format!("{PATH}?format=csv&filter=nonsense"))
        .await
        .assert_problem(400, "invalid_filter");
    company
        .app
        .client_of(company.nils)
        .get(PATH)
        .await
        .assert_problem(403, "forbidden");
}
