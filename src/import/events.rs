//! Events of set-based changes: one for each thing changed, in one statement with the change itself.

use crate::{
    app::Tx,
    db::{Sql, bind},
    http::ApiResult,
    sql,
};

/// What the events of one statement are about.
#[derive(Debug, Clone, Copy)]
pub struct EventKind {
    /// What was done, such as `user.updated`.
    pub action: &'static str,
    /// What it was done to, such as `user`.
    pub object_kind: &'static str,
    /// Whether the thing is a person.
    pub is_person: bool,
}

/// Runs `change`, a statement that ends with `RETURNING` the columns `id` and `after`, and records an event
/// for each row that it answers. `before` is a query of `id` and `before` over the state ahead of the change.
pub fn record(tx: &mut Tx, kind: EventKind, before: Option<Sql>, change: Sql) -> ApiResult<usize> {
    let actor = tx.caller.actor;
    let before = before.unwrap_or_else(|| sql!["SELECT NULL::uuid AS id, NULL::jsonb AS before WHERE FALSE"]);
    let recorded = sql![
        "WITH before AS MATERIALIZED (",
        before,
        "), changed AS (",
        change,
        ") INSERT INTO events (id, recorded_at, actor_kind, actor_id, on_behalf_of, request_id, action,
            object_kind, object_id, user_id, before, after)
         SELECT ",
        new_id(tx),
        ", ",
        bind(tx.now),
        ", ",
        bind(actor.kind.as_str()),
        ", ",
        bind(actor.id),
        ", ",
        bind(actor.on_behalf_of),
        ", ",
        bind(tx.request_id.as_str()),
        ", ",
        bind(kind.action),
        ", ",
        bind(kind.object_kind),
        ", changed.id, CASE WHEN ",
        bind(kind.is_person),
        " THEN changed.id END, before.before, changed.after
         FROM changed LEFT JOIN before ON before.id = changed.id ORDER BY changed.id"
    ]
    .execute(tx.conn)?;
    Ok(recorded)
}

/// An SQL expression that makes a UUIDv7 of the transaction's instant, another one for each row.
pub fn new_id(tx: &Tx) -> Sql {
    sql![
        "(lpad(to_hex(",
        bind(tx.now.timestamp_millis()),
        "), 12, '0') || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid"
    ]
}
