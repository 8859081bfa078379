//! Lists sort as people read: letters first, then accents, then case. Fault 9.

use provost::sql;
use serde_json::{Value, json};

use super::person;
use crate::{
    scim,
    support::{Client, TestApp},
};

const GIVEN: [&str; 5] = ["Zola", "abel", "Ábel", "Abel", "de la Cruz"];
const SORTED: [&str; 5] = ["abel", "Abel", "Ábel", "de la Cruz", "Zola"];

/// The members of that name of a whole list, read a row at a time.
async fn walk(client: &Client, path: &str, member: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client
            .get(&format!("{path}&limit=1{cursor}"))
            .await
            .assert_status(200);
        let value = page.at(&format!("/data/0/{member}"));
        values.extend(value.as_str().map(str::to_owned));
        match page.at("/next_cursor").as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return values,
        }
    }
}

#[actix_web::test]
async fn lists_sort_by_letters_then_accents_then_case() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let provider = scim::provider(&app, "directory").await;
    for (n, name) in GIVEN.into_iter().enumerate() {
        let code = format!("c{n}");
        let username = format!("{}{n}", if n % 2 == 0 { "U" } else { "u" });
        person(
            &admin,
            &username,
            json!({"family_name": name, "department": "order"}),
        )
        .await;
        for (path, body) in [
            ("/v1/org-units", json!({"code": code, "name": name})),
            ("/v1/groups", json!({"code": code, "name": name})),
            ("/v1/categories", json!({"code": code, "name": name})),
            (
                "/v1/courses",
                json!({"code": code, "title": name, "language": "en"}),
            ),
        ] {
            admin.post(path, body).await.assert_status(201);
        }
    }

    let of_the_test = "filter=department%20eq%20%22order%22";
    let mut reversed = SORTED;
    reversed.reverse();
    for (path, member) in [
        (format!("/v1/users?{of_the_test}&sort="), "family_name"),
        ("/v1/org-units?sort=".to_owned(), "name"),
        ("/v1/groups?sort=".to_owned(), "name"),
        ("/v1/categories?sort=".to_owned(), "name"),
        ("/v1/courses?sort=".to_owned(), "title"),
    ] {
        let up = walk(&admin, &format!("{path}{member}"), member).await;
        let down = walk(&admin, &format!("{path}-{member}"), member).await;
        assert_eq!(up, SORTED, "{path}");
        assert_eq!(down, reversed, "{path}");
    }
    assert_eq!(
        walk(
            &admin,
            &format!("/v1/users?{of_the_test}&sort=username"),
            "username"
        )
        .await,
        ["U0", "u1", "U2", "u3", "U4"]
    );
    let in_scim = provider
        .scim
        .get("/Users?sortBy=name.familyName&filter=userName%20sw%20%22u%22")
        .await
        .assert_status(200);
    let names: Vec<Value> = in_scim
        .at("/Resources")
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["name"]["familyName"].clone())
        .collect();
    assert_eq!(names, SORTED);
}

/// The keyset of a page must be a range of an index. Of resources of the one shape: `contract::resources`.
#[actix_web::test]
async fn each_order_of_texts_has_its_index() {
    let app = TestApp::start().await;
    for (table, column) in [
        ("courses", "code"),
        ("courses", "title"),
        ("rules", "name"),
        ("roles", "code"),
        ("service_accounts", "name"),
        ("identity_providers", "name"),
    ] {
        let count = app.write(|tx| {
            let found = sql!(
                "SELECT 1 FROM pg_indexes WHERE schemaname = current_schema() AND tablename = {table}
                    AND indexdef LIKE '%(' || {column} || ' COLLATE provost_order, id)'"
            );
            Ok(found.execute(tx.conn)?)
        });
        assert_eq!(count, 1, "{table}.{column}");
    }
}
