//! The check of every event that a test has made, by whatever way, against the catalogue of events.

use std::{collections::HashMap, sync::LazyLock};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use provost::{
    app::{Acting, App, EventKind},
    contract::events,
    sql,
};
use serde_json::Value;

#[derive(QueryableByName)]
struct Recorded {
    #[diesel(sql_type = sql_types::Text)]
    action: String,
    #[diesel(sql_type = sql_types::Text)]
    object_kind: String,
    #[diesel(sql_type = sql_types::SmallInt)]
    version: i16,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Jsonb>)]
    before: Option<Value>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Jsonb>)]
    after: Option<Value>,
}

static KINDS: LazyLock<HashMap<(&str, &str), EventKind>> = LazyLock::new(|| {
    let kinds = events::all().into_iter();
    kinds
        .map(|kind| ((kind.action, kind.object_kind), kind))
        .collect()
});

/// What is wrong with the first event that is not as the catalogue says. Of events that are alike, the first 50 are looked at.
pub fn fault(app: &App) -> Option<String> {
    let recorded = app.read_blocking(&Acting::system("test"), |tx| {
        let statement = sql!(
            "SELECT action, object_kind, version, before, after
             FROM (SELECT *, row_number() OVER (PARTITION BY action, actor_kind, before IS NULL, after IS NULL
                    ORDER BY id) AS place FROM events) AS events
             WHERE place <= 50 AND salt IS NOT NULL AND NOT starts_with(action, 'test.')"
        );
        Ok(statement.load::<Recorded>(tx.conn)?)
    });
    match recorded {
        Ok(recorded) => recorded.iter().find_map(fault_of),
        // The test has taken its database away.
        Err(error) if error.code.status().as_u16() == 503 => None,
        Err(error) => Some(format!("{error:?}")),
    }
}

fn fault_of(event: &Recorded) -> Option<String> {
    let name = format!("{} of {}", event.action, event.object_kind);
    let Some(kind) = KINDS.get(&(event.action.as_str(), event.object_kind.as_str())) else {
        return Some(format!("{name} is not in the catalogue"));
    };
    if kind.version != event.version {
        return Some(format!(
            "{name} has the version {} of {}",
            event.version, kind.version
        ));
    }
    let fault = kind.check(event.before.as_ref(), event.after.as_ref()).err()?;
    Some(format!("{name}: {fault}"))
}
