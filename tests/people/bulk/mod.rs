//! Bulk requests: right rows are written, wrong ones told by their keys.

mod attributes;
mod external_keys;
mod groups;
mod org_units;
mod users;

use provost::db::sql::Sql;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

/// Row key, status, and the problem's code and first pointer.
fn told(answer: &Answer) -> Vec<(String, u64, String)> {
    let results = answer.at("/results");
    results
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let code = row["problem"]["code"].as_str().unwrap_or_default();
            let pointer = row["problem"]["errors"][0]["pointer"]
                .as_str()
                .unwrap_or_default();
            let key = row["row_key"].as_str().unwrap().to_owned();
            (
                key,
                row["status"].as_u64().unwrap(),
                format!("{code} {pointer}").trim().to_owned(),
            )
        })
        .collect()
}

fn row(key: &str, status: u64, problem: &str) -> (String, u64, String) {
    (key.into(), status, problem.into())
}

/// Sends rows, which have to be answered one by one.
async fn send(client: &Client, path: &str, rows: Value) -> Answer {
    client.post(path, json!({"rows": rows})).await.assert_status(200)
}

/// The id of what the row at `index` wrote.
fn id(answer: &Answer, index: usize) -> String {
    let id = answer.at(&format!("/results/{index}/resource/id"));
    id.as_str().unwrap().to_owned()
}

/// How many events of `action` the ledger holds.
fn events(app: &TestApp, action: &str) -> i64 {
    count(
        app,
        provost::sql!("SELECT count(*) AS count FROM events WHERE action = {action}"),
    )
}

fn count(app: &TestApp, statement: Sql) -> i64 {
    use diesel::{QueryableByName, RunQueryDsl, sql_types};

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = sql_types::BigInt)]
        count: i64,
    }
    app.write(|tx| Ok(statement.clone().load::<Count>(tx.conn)?))[0].count
}
