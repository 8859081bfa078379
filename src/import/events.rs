//! Events of set-based changes: one for each thing changed, in one statement with the change itself.

use crate::{app::Tx, db::Sql, http::ApiResult, sql};

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
    let before = before.unwrap_or_else(|| sql!("SELECT NULL::uuid AS id, NULL::jsonb AS before WHERE FALSE"));
    let recorded = sql!(
        "WITH before AS MATERIALIZED ({before}), changed AS ({change}),
         changes AS (SELECT {kind.action} AS action, changed.id,
                CASE WHEN {kind.is_person} THEN changed.id END AS user_id, before.before, changed.after
            FROM changed LEFT JOIN before ON before.id = changed.id ORDER BY changed.id){events}",
        events = tx.events_from(kind.object_kind, "changes"),
    )
    .execute(tx.conn)?;
    Ok(recorded)
}
