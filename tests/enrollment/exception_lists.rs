//! Who finds which exceptions from rules, and by what.

use provost::{
    authz::Permission::{self, *},
    sql,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{course, person, rule};
use crate::support::{Client, TestApp};

const LISTS: [&str; 5] = [
    "/v1/absences",
    "/v1/rule-overrides",
    "/v1/extensions",
    "/v1/waivers",
    "/v1/course-equivalences",
];

/// An exception of each kind for Ana and for Bea, an extension for Bea's group, and an equivalence of two courses.
struct World {
    app: TestApp,
    admin: Client,
    ana: Uuid,
    bea: Uuid,
}

impl World {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let admin = app.admin().await;
        let (ana, bea) = (
            person(&admin, "Ana", "Sales").await,
            person(&admin, "Bea", "Sales").await,
        );
        let key = json!({"source": "hr", "key": "4711"});
        let path = format!("/v1/users/{ana}/external-keys");
        admin.post(&path, key).await.assert_status(201);
        let (fire, lift) = (course(&app, "Fire drill", None), course(&app, "LIFT-1", None));
        app.write(|tx| {
            sql!("UPDATE courses SET title = 'Über Höhen' WHERE id = {lift}").execute(tx.conn)?;
            Ok(())
        });
        let sales = rule(&app, &admin, "Sales", "P30D", &[fire]).await;
        let group = json!({"code": "night", "name": "Nightingales"});
        let group = admin.post("/v1/groups", group).await.assert_status(201).id();
        let members = format!("/v1/groups/{group}/members");
        admin
            .post(&members, json!({"add": [bea]}))
            .await
            .assert_status(200);
        let target = json!({"kind": "course", "id": fire});
        for user in [ana, bea] {
            let absence = json!({"user_id": user, "kind": "leave", "starts_on": "2027-01-04"});
            let released =
                json!({"rule_id": sales, "user_id": user, "effect": "released", "reason": "Off site"});
            let waiver =
                json!({"user_id": user, "target": target, "begins_on": "2027-01-01", "reason": "Licence"});
            let extension =
                json!({"user_id": user, "target": target, "due_on": "2027-01-31", "reason": "Flood"});
            for (path, body) in LISTS.iter().zip([absence, released, extension, waiver]) {
                admin.post(path, body).await.assert_status(201);
            }
        }
        let of_group =
            json!({"group_id": group, "target": target, "due_on": "2027-02-28", "reason": "Night work"});
        admin.post("/v1/extensions", of_group).await.assert_status(201);
        let equivalence = json!({"course_id": fire, "equivalent_id": lift});
        admin
            .post("/v1/course-equivalences", equivalence)
            .await
            .assert_status(201);
        World { app, admin, ana, bea }
    }

    fn holding(&self, permissions: &[Permission]) -> Client {
        self.app.holding(permissions, "everything", None)
    }
}

async fn page(client: &Client, path: &str) -> Vec<Value> {
    let page = client.get(path).await.assert_status(200);
    page.at("/data").as_array().cloned().unwrap()
}

/// How many rows each list has for what was typed.
async fn found(client: &Client, typed: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for path in LISTS {
        let rows = page(client, &format!("{path}?q={}", typed.replace(' ', "%20"))).await;
        found.push(rows.len());
    }
    found
}

#[actix_web::test]
async fn exceptions_are_found_by_what_they_name() {
    let world = World::start().await;
    let admin = &world.admin;

    assert_eq!(found(admin, "").await, [2, 2, 3, 2, 1]);
    assert_eq!(found(admin, "ana").await, [1, 1, 1, 1, 0]);
    assert_eq!(found(admin, "TES an").await, [1, 1, 1, 1, 0]);
    assert_eq!(found(admin, "4711").await, [1, 1, 1, 1, 0]);
    assert_eq!(found(admin, "sales").await, [0, 2, 0, 0, 0]);
    assert_eq!(found(admin, "bea sales-p30d").await, [0, 1, 0, 0, 0]);
    assert_eq!(found(admin, "fire").await, [0, 0, 3, 2, 1]);
    assert_eq!(found(admin, "drill night").await, [0, 0, 1, 0, 0]);
    assert_eq!(found(admin, "uber hohen").await, [0, 0, 0, 0, 1]);
    assert_eq!(found(admin, "lift-1 fire").await, [0, 0, 0, 0, 1]);
    assert_eq!(found(admin, "nobody").await, [0, 0, 0, 0, 0]);
    let odd = found(admin, "%25 _ %5C ' %E2%80%94").await;
    assert_eq!(odd, [0, 0, 0, 0, 0]);
    let of_ana = format!(
        "/v1/waivers?q=ana&filter=user_id%20eq%20%22{}%22&sort=-begins_on",
        world.ana
    );
    assert_eq!(page(admin, &of_ana).await.len(), 1);
    for (path, member) in [("rule-overrides", "until"), ("waivers", "expires_on")] {
        let mut days = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/{path}?sort={member}&limit=1{cursor}");
            let rows = admin.get(&path).await.assert_status(200);
            days.push(rows.at(&format!("/data/0/{member}")));
            match rows.at("/next_cursor").as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(days.len(), 2, "{path}");
        let key = |day: &Value| day.as_str().unwrap_or("9999").to_owned();
        assert!(days.is_sorted_by_key(key), "{path}: {days:?}");
    }
    let csv = admin
        .get("/v1/absences?q=bea&format=csv")
        .await
        .assert_status(200);
    assert_eq!(csv.text().lines().count(), 2);

    // Many who are found are looked for in another way than few.
    world.app.write(|tx| {
        sql!(
            "WITH made AS (INSERT INTO users (id, username, username_folded, given_name, given_name_folded, family_name,
                    family_name_folded, status, locale, attributes, created_at, updated_at)
                SELECT gen_random_uuid(), 'many' || n, 'many' || n, 'Many', 'many', 'Test', 'test', 'active', 'en', '{}',
                    {tx.now}, {tx.now} FROM generate_series(1, 1100) AS n RETURNING id)
             INSERT INTO absences (id, user_id, kind, starts_on, created_at, updated_at)
             SELECT gen_random_uuid(), id, 'leave', '2027-01-04', {tx.now}, {tx.now} FROM made LIMIT 3"
        )
        .execute(tx.conn)?;
        Ok(())
    });
    assert_eq!(found(admin, "many").await, [3, 0, 0, 0, 0]);
    assert_eq!(found(admin, "test an").await, [1, 1, 1, 1, 0]);

    // A name that the caller may not see finds nothing, though they see the row.
    let blind = world.holding(&[
        AbsencesRead,
        OverridesRead,
        ExtensionsRead,
        WaiversRead,
        CoursesRead,
    ]);
    assert_eq!(found(&blind, "ana").await, [0, 0, 0, 0, 0]);
    assert_eq!(found(&blind, "fire").await, [0, 0, 3, 2, 1]);
    assert_eq!(found(&blind, "").await, [5, 2, 3, 2, 1]);
}

#[actix_web::test]
async fn learners_read_the_exceptions_that_are_theirs() {
    let world = World::start().await;
    for (learner, other, rows) in [
        (world.ana, world.bea, [1, 1, 1, 1]),
        (world.bea, world.ana, [1, 1, 2, 1]),
    ] {
        let client = world.app.client_of(learner);
        let admin = &world.admin;
        for (path, count) in LISTS.into_iter().zip(rows) {
            let own = page(&client, path).await;
            assert_eq!(own.len(), count, "{path}");
            for row in &own {
                assert_ne!(row["user_id"], json!(other), "{path}");
                let one = format!("{path}/{}", row["id"].as_str().unwrap());
                client.get(&one).await.assert_status(200);
                client
                    .patch(&one, json!({}))
                    .await
                    .assert_problem(403, "forbidden");
            }
            let of_other = format!("{path}?filter=user_id%20eq%20%22{other}%22");
            assert_eq!(page(&client, &of_other).await, Vec::<Value>::new());
            let theirs = page(admin, &of_other).await;
            let one = format!("{path}/{}", theirs[0]["id"].as_str().unwrap());
            client.get(&one).await.assert_problem(404, "not_found");
            let csv = client
                .with("Accept", "text/csv")
                .get(path)
                .await
                .assert_status(200);
            assert_eq!(csv.text().lines().count(), 1 + count, "{path}");
        }
    }
}
