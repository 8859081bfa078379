//! Writing what has external keys: its creation, its changes and its taking over, part by part.

use diesel::{QueryableByName, RunQueryDsl, sql_types};

use super::{
    events::{EventKind, record},
    target::Plan,
};
use crate::{
    app::Tx,
    db::{Sql, bind},
    http::ApiResult,
    sql,
};

/// Rows that one statement writes.
const ROWS_A_STATEMENT: i64 = 5_000;

/// A part of an import's rows with one action, by their lines.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Lines {
    #[diesel(sql_type = sql_types::BigInt)]
    first: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    last: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    rows: i64,
}

impl Lines {
    /// A condition over the row `r`, after others.
    pub fn among_rows(self) -> Sql {
        sql![" AND r.line BETWEEN ", bind(self.first), " AND ", bind(self.last)]
    }
}

/// The rows with `action`, part by part, so that whoever watches sees how far a large import is.
fn parts(tx: &mut Tx, plan: &Plan, action: &'static str) -> ApiResult<Vec<Lines>> {
    let parts = sql![
        "SELECT min(line) AS first, max(line) AS last, count(*) AS rows
         FROM (SELECT line, (row_number() OVER (ORDER BY line) - 1) / ",
        bind(ROWS_A_STATEMENT),
        " AS part FROM import_rows WHERE action = ",
        bind(action),
        " AND import_id = ",
        bind(plan.import),
        ") AS numbered GROUP BY part ORDER BY part"
    ];
    Ok(parts.load(tx.conn)?)
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
    pub fn create(
        &self,
        tx: &mut Tx,
        plan: &Plan,
        kind: EventKind,
        next: impl Fn(&Tx, Lines) -> Sql,
    ) -> ApiResult<()> {
        for lines in parts(tx, plan, "create")? {
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
                next(tx, lines),
                ") AS next ",
                self.returning()
            ];
            record(tx, kind, None, created)?;
            plan.progress.add(lines.rows);
        }
        insert_keys(tx, plan, kind.object_kind, "action = 'create'").execute(tx.conn)?;
        Ok(())
    }

    /// Runs `change` over the objects of rows with `action`, and records what they were and are.
    pub fn change(
        &self,
        tx: &mut Tx,
        plan: &Plan,
        action: &'static str,
        kind: EventKind,
        change: impl Fn(&Tx, Lines) -> Sql,
    ) -> ApiResult<usize> {
        let mut changed = 0;
        for lines in parts(tx, plan, action)? {
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
                lines.among_rows(),
                " AND r.import_id = ",
                bind(plan.import)
            ];
            let change = sql![change(tx, lines), " ", self.returning()];
            changed += record(tx, kind, Some(before), change)?;
            plan.progress.add(lines.rows);
        }
        Ok(changed)
    }

    fn returning(&self) -> Sql {
        sql!["RETURNING ", self.table, ".id, ", self.shown, " AS after"]
    }
}

/// Gives those whom updates take over their key; whoever was only known by theirs is a thing like others now.
pub fn take_over(tx: &mut Tx, plan: &Plan, kind: EventKind) -> ApiResult<()> {
    let added = sql![
        insert_keys(
            tx,
            plan,
            kind.object_kind,
            "action = 'update' AND refs ? 'external_key'"
        ),
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

/// Gives the objects of the rows `which` their keys.
fn insert_keys(tx: &Tx, plan: &Plan, object_kind: &'static str, which: &'static str) -> Sql {
    sql![
        "INSERT INTO external_keys (kind, source, key, object_id, created_at) SELECT ",
        bind(object_kind),
        ", ",
        bind(plan.source()),
        ", key, object_id, ",
        bind(tx.now),
        " FROM import_rows WHERE ",
        which,
        " AND import_id = ",
        bind(plan.import)
    ]
}
