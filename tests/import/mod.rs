//! Imports: messy files, plans, applications, and files that are no CSV at all.

mod applications;
mod batches;
mod dates;
mod exceptions;
mod files;
mod managers;
mod names;
mod numbers;
mod people;
mod profiles;
mod real_files;
mod returns;
mod steps;
mod taken_names;
mod takeovers;

use awc::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

/// An app with an administrator who works on imports.
pub struct Importing {
    pub app: TestApp,
    pub admin: Client,
}

pub const MESSY: &str = include_str!("../data/messy_hr.csv");

pub fn messy_profile() -> Value {
    serde_json::from_str(include_str!("../data/messy_hr.json")).unwrap()
}

/// A profile for small files: `id,name,boss`.
pub fn small_profile() -> Value {
    json!({ "code": "small", "name": "Small", "resource": "users", "mapping": {
        "key": { "source": "hr", "value": { "column": "id" } },
        "fields": {
            "username": { "template": "u{id}" },
            "given_name": { "column": "name" },
        },
        "references": { "manager": { "by": "key", "value": { "column": "boss" } } },
        "missing": { "then": "archived", "max_removals_percent": 100 },
    }})
}

impl Importing {
    pub async fn with(profile: Value) -> Self {
        let app = TestApp::start().await;
        let admin = app.admin().await;
        admin
            .post("/v1/import-profiles", profile)
            .await
            .assert_status(201);
        Importing { app, admin }
    }

    pub async fn send(&self, profile: &str, file: impl Into<Vec<u8>>) -> Answer {
        send(&self.admin, profile, file).await
    }

    /// Sends and plans; answers the import, whatever came of it.
    pub async fn plan(&self, profile: &str, file: impl Into<Vec<u8>>) -> Answer {
        let sent = self.send(profile, file).await.assert_status(202);
        self.app.run_jobs();
        self.admin
            .get(&format!("/v1/imports/{}", sent.id()))
            .await
            .assert_status(200)
    }

    pub async fn apply(&self, import: &Answer) -> Answer {
        let body = json!({ "plan_hash": import.at("/plan_hash") });
        let path = format!("/v1/imports/{}/application", import.id());
        self.admin.post(&path, body).await
    }

    /// Applies a plan that must go through.
    pub async fn applied(&self, import: &Answer) -> Answer {
        let operation = self.apply(import).await.assert_status(202);
        self.app.run_jobs();
        let operation = self
            .admin
            .get(&format!("/v1/operations/{}", operation.id()))
            .await;
        assert_eq!(operation.at("/status"), "succeeded", "{}", operation.text());
        self.admin
            .get(&format!("/v1/imports/{}", import.id()))
            .await
            .assert_status(200)
    }

    pub async fn rows(&self, import: &Answer, filter: &str) -> Vec<Value> {
        let filter = filter.replace(' ', "%20").replace('"', "%22");
        let path = format!("/v1/imports/{}/rows?limit=200&filter={filter}", import.id());
        self.admin
            .get(&path)
            .await
            .assert_status(200)
            .at("/data")
            .as_array()
            .unwrap()
            .clone()
    }

    pub async fn user(&self, key: &str) -> Answer {
        self.admin.get(&format!("/v1/users/ext:hr:{key}")).await
    }

    pub async fn events(&self) -> i64 {
        self.app.write(|tx| {
            let count: Count = diesel::RunQueryDsl::get_result(
                provost::sql!(
                    "SELECT count(*) AS count FROM events
                     WHERE object_kind IN ('user', 'org_unit', 'course', 'category')"
                ),
                tx.conn,
            )?;
            Ok(count.count)
        })
    }
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

pub async fn send(client: &Client, profile: &str, file: impl Into<Vec<u8>>) -> Answer {
    let path = format!("/v1/imports?profile={profile}&file_name=people.csv");
    client
        .send(Method::POST, &path, Some(file.into()), "text/csv")
        .await
}

/// `action`, `line` and the codes of the issues of each row.
pub fn outline(rows: &[Value]) -> Vec<(i64, String)> {
    rows.iter()
        .map(|row| {
            let codes: Vec<_> = row["issues"]
                .as_array()
                .unwrap()
                .iter()
                .map(|issue| {
                    format!(
                        "{}:{}",
                        issue["field"].as_str().unwrap_or("-"),
                        issue["code"].as_str().unwrap()
                    )
                })
                .collect();
            (row["line"].as_i64().unwrap(), codes.join(" "))
        })
        .collect()
}
