//! Filters by instants and requests, over more positions than one span has.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, sql_types};
use provost::{
    app::Acting,
    db::{Fixed, schema::ledger_entries},
    ledger, sql,
};
use uuid::Uuid;

use super::DONE;
use crate::support::{Client, TestApp};

fn record(app: &TestApp, request: &str, events: usize) {
    let acting = Acting::system(request);
    let write = |tx: &mut provost::app::Tx| {
        (0..events).for_each(|_| tx.record(ledger::Event::new(&DONE, Uuid::now_v7())));
        Ok(())
    };
    app.app.write_blocking(&acting, write).unwrap();
    ledger::seal(&app.app).unwrap();
}

/// The positions of the events that the feed shows, all of them.
async fn shown(admin: &Client, filter: &str, sort: &str) -> Vec<i64> {
    let filter = filter.replace(' ', "%20").replace('"', "%22");
    let path = format!("/v1/events?format=ndjson&sort={sort}&filter={filter}");
    let lines = admin.get(&path).await.assert_status(200).text();
    let positions = lines.lines().map(|line| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["position"].as_i64().unwrap()
    });
    positions.collect()
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::BigInt)]
    position: i64,
}

#[actix_web::test]
async fn filters_by_instants_find_what_long_transactions_recorded() {
    let app = TestApp::start().await;
    record(&app, "first", 950);
    app.app.clock.advance(TimeDelta::minutes(5));
    record(&app, "second", 100);
    app.app.clock.advance(TimeDelta::minutes(5));
    record(&app, "third", 10);
    // As by a transaction that began ten minutes before it was committed.
    app.app.clock.advance(TimeDelta::minutes(-10));
    record(&app, "long", 1);
    app.app.clock.advance(TimeDelta::minutes(10));
    let admin = app.admin().await;
    ledger::seal(&app.app).unwrap();

    let between: DateTime<Utc> = app.write(|tx| {
        let second = ledger_entries::table.filter(ledger_entries::request_id.eq("second"));
        Ok(second.select(ledger_entries::recorded_at).first(tx.conn)?)
    });
    let instant = between.to_rfc3339_opts(SecondsFormat::Micros, true);
    for (filter, condition) in [
        ("recorded_at ge", "recorded_at >= "),
        ("recorded_at gt", "recorded_at > "),
        ("recorded_at le", "recorded_at <= "),
        ("recorded_at lt", "recorded_at < "),
        ("recorded_at eq", "recorded_at = "),
        ("recorded_at ne", "recorded_at <> "),
        ("not recorded_at ge", "recorded_at < "),
        ("not recorded_at le", "recorded_at > "),
        (
            "request_id eq \"long\" or recorded_at gt",
            "request_id = 'long' OR recorded_at > ",
        ),
        (
            "action eq \"test.done\" and recorded_at lt",
            "action = 'test.done' AND recorded_at < ",
        ),
        (
            "actor_kind eq \"system\" and recorded_at lt",
            "actor_id IS NULL AND recorded_at < ",
        ),
    ] {
        let condition = Fixed(condition);
        let expected: Vec<Row> = app.write(|tx| {
            let rows =
                sql!("SELECT position FROM ledger_entries WHERE {condition}{between} ORDER BY position");
            Ok(rows.load(tx.conn)?)
        });
        let mut expected: Vec<i64> = expected.iter().map(|row| row.position).collect();
        let filter = match filter.strip_prefix("not ") {
            Some(inner) => format!("not ({inner} \"{instant}\")"),
            None => format!("{filter} \"{instant}\""),
        };
        assert_eq!(shown(&admin, &filter, "position").await, expected, "{filter}");
        expected.reverse();
        assert_eq!(shown(&admin, &filter, "-position").await, expected, "{filter}");
    }

    for (filter, events) in [
        ("recorded_at gt \"2999-01-01T00:00:00Z\"", 0),
        ("recorded_at lt \"1999-01-01T00:00:00Z\"", 0),
        ("request_id eq \"second\"", 100),
        ("request_id eq \"long\"", 1),
    ] {
        let positions: BTreeSet<i64> = shown(&admin, filter, "position").await.into_iter().collect();
        assert_eq!(positions.len(), events, "{filter}");
    }
}
