//! What a target's set-based statements share: a change with an event for each row that it touches, and the
//! creation and the taking over of what has an external key.

use super::target::Plan;
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
    let before = before.unwrap_or_else(|| sql!["SELECT NULL::uuid AS id, NULL::jsonb AS before WHERE FALSE"]);
    let recorded = sql![
        "WITH before AS MATERIALIZED (",
        before,
        "), changed AS (",
        change,
        "), changes AS (SELECT ",
        bind(kind.action),
        " AS action, changed.id, CASE WHEN ",
        bind(kind.is_person),
        " THEN changed.id END AS user_id, before.before, changed.after
            FROM changed LEFT JOIN before ON before.id = changed.id ORDER BY changed.id)",
        tx.events_from(kind.object_kind, "changes")
    ]
    .execute(tx.conn)?;
    Ok(recorded)
}

/// A table whose rows have external keys, as its imports write it.
#[derive(Debug)]
pub struct Keyed {
    /// The table.
    pub table: &'static str,
    /// The columns that imports write, between commas, without id and times.
    pub columns: &'static str,
    /// A row of the table as the API shows it.
    pub shown: &'static str,
}

impl Keyed {
    /// Adds the rows of the query `next`, which has the id and then the columns, with their events and keys.
    pub fn create(&self, tx: &mut Tx, plan: &Plan, kind: EventKind, next: Sql) -> ApiResult<()> {
        let created = sql![
            "INSERT INTO ",
            self.table,
            " (id, ",
            self.columns,
            ", created_at, updated_at) SELECT next.*, ",
            bind(tx.now),
            ", ",
            bind(tx.now),
            " FROM (",
            next,
            ") AS next ",
            self.returning()
        ];
        record(tx, kind, None, created)?;
        sql![
            "INSERT INTO external_keys (kind, source, key, object_id, created_at) SELECT ",
            bind(kind.object_kind),
            ", ",
            bind(plan.source()),
            ", key, object_id, ",
            bind(tx.now),
            " FROM import_rows WHERE action = 'create' AND import_id = ",
            bind(plan.import)
        ]
        .execute(tx.conn)?;
        Ok(())
    }

    /// Runs `change` over the objects of rows with `action`, and records what they were and are.
    pub fn change(
        &self,
        tx: &mut Tx,
        plan: &Plan,
        action: &'static str,
        kind: EventKind,
        change: Sql,
    ) -> ApiResult<usize> {
        let before = sql![
            "SELECT ",
            self.table,
            ".id, ",
            self.shown,
            " AS before FROM ",
            self.table,
            " JOIN import_rows r ON r.object_id = ",
            self.table,
            ".id WHERE r.action = ",
            bind(action),
            " AND r.import_id = ",
            bind(plan.import)
        ];
        record(tx, kind, Some(before), sql![change, " ", self.returning()])
    }

    fn returning(&self) -> Sql {
        sql!["RETURNING ", self.table, ".id, ", self.shown, " AS after"]
    }
}

/// Gives those whom updates take over their key; whoever was only known by theirs is a thing like others now.
pub fn take_over(tx: &mut Tx, plan: &Plan, kind: EventKind) -> ApiResult<()> {
    let added = sql![
        "INSERT INTO external_keys (kind, source, key, object_id, created_at) SELECT ",
        bind(kind.object_kind),
        ", ",
        bind(plan.source()),
        ", key, object_id, ",
        bind(tx.now),
        " FROM import_rows WHERE action = 'update' AND refs ? 'external_key' AND import_id = ",
        bind(plan.import),
        " RETURNING object_id AS id, jsonb_build_object('source', source, 'key', key) AS after"
    ];
    record(tx, kind, None, added)?;
    sql![
        "UPDATE external_keys e SET is_placeholder = false FROM import_rows r
         WHERE r.action = 'update' AND r.refs ? 'placeholder' AND r.import_id = ",
        bind(plan.import),
        " AND e.is_placeholder AND e.object_id = r.object_id AND e.kind = ",
        bind(kind.object_kind)
    ]
    .execute(tx.conn)?;
    Ok(())
}
