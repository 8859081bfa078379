//! Writing what has external keys: its creation, its changes and its taking over.

use super::{
    events::record,
    target::{Part, Plan},
};
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::ApiResult,
    ledger::EventKind,
    resource::{Row, record::shown},
    sql,
};

/// A table whose rows have external keys, as its imports write it.
#[derive(Debug)]
pub struct Keyed {
    /// The table.
    pub table: &'static str,
    /// A row of the table as the API shows it.
    pub shown: Sql,
}

impl Keyed {
    /// The table of a resource.
    pub fn of<T: Row>() -> Self {
        Keyed {
            table: T::TABLE,
            shown: shown::<T>(),
        }
    }

    /// Adds rows by the statement `insert`, with their events and keys.
    pub fn create(
        &self,
        tx: &mut Tx,
        plan: &Plan,
        part: Part,
        kind: &EventKind,
        insert: Sql,
    ) -> ApiResult<()> {
        let created = sql!("{insert} {returning}", returning = self.returning());
        record(tx, kind, None, created)?;
        add_keys(tx, plan, part, kind.object_kind)
    }

    /// Runs `change` over the objects of rows with `actions`, and records what they were and are.
    pub fn change(
        &self,
        tx: &mut Tx,
        plan: &Plan,
        part: Part,
        actions: &'static str,
        kind: &EventKind,
        change: Sql,
    ) -> ApiResult<usize> {
        let before = sql!(
            "SELECT {table}.id, {shown} AS before FROM {table}
             JOIN import_rows r ON r.object_id = {table}.id WHERE r.action IN {actions} AND {rows}",
            table = Fixed(self.table),
            shown = self.shown,
            actions = Fixed(actions),
            rows = part.rows(plan),
        );
        record(
            tx,
            kind,
            Some(before),
            sql!("{change} {returning}", returning = self.returning()),
        )
    }

    fn returning(&self) -> Sql {
        sql!(
            "RETURNING {table}.id, {shown} AS after",
            table = Fixed(self.table),
            shown = self.shown,
        )
    }
}

/// Adds the keys of new records.
pub fn add_keys(tx: &mut Tx, plan: &Plan, part: Part, object_kind: &'static str) -> ApiResult<()> {
    insert_keys(tx, plan, part, object_kind, "r.action = 'create'").execute(tx.conn)?;
    Ok(())
}

/// Adds keys to matched records and clears placeholders; the keys of restored records are missing no longer.
pub fn link_keys(tx: &mut Tx, plan: &Plan, part: Part, kind: &EventKind) -> ApiResult<()> {
    let added = sql!(
        "{insert_keys}
         RETURNING object_id AS id, jsonb_build_object('source', source, 'key', key) AS after",
        insert_keys = insert_keys(
            tx,
            plan,
            part,
            kind.object_kind,
            "r.action = 'update' AND r.refs ? 'external_key'"
        ),
    );
    record(tx, kind, None, added)?;
    sql!(
        "UPDATE external_keys e SET is_placeholder = false FROM import_rows r
         WHERE r.action IN ('update', 'restore') AND r.refs ? 'placeholder' AND e.is_placeholder
            AND e.object_id = r.object_id
            AND e.kind = {kind.object_kind} AND {rows}",
        rows = part.rows(plan),
    )
    .execute(tx.conn)?;
    sql!(
        "UPDATE external_keys e SET missing = NULL FROM import_rows r
         WHERE r.action = 'restore' AND {named} AND {rows}",
        named = named(plan, kind.object_kind),
        rows = part.rows(plan),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Notes with the keys of ended records what ended them, so that a later file which has them again takes it back.
pub fn note_missing(tx: &mut Tx, plan: &Plan, part: Part, object_kind: &'static str) -> ApiResult<()> {
    sql!(
        "UPDATE external_keys e
         SET missing = jsonb_build_object('at', {tx.now}, 'is',
            (SELECT jsonb_object_agg(change.key, change.value -> 'to')
                FROM jsonb_each(r.changes) AS change), 'was',
            (SELECT jsonb_object_agg(change.key, change.value -> 'from')
                FROM jsonb_each(r.changes) AS change)
            -- Suspended for being missing, then archived for it: the first state is the one to go back to.
            || CASE WHEN e.missing #>> '{is,status}' = r.changes #>> '{status,from}'
                THEN e.missing -> 'was' ELSE '{}' END)
         FROM import_rows r WHERE r.action = 'end' AND {named} AND {rows}",
        named = named(plan, object_kind),
        rows = part.rows(plan),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// A condition over the key `e` and the row `r`: that it is the row's.
fn named(plan: &Plan, object_kind: &'static str) -> Sql {
    sql!(
        "e.kind = {object_kind} AND e.source = {source} AND e.key = r.key",
        source = plan.source()
    )
}

/// Gives the objects of the rows `which` their keys.
fn insert_keys(tx: &Tx, plan: &Plan, part: Part, object_kind: &'static str, which: &'static str) -> Sql {
    sql!(
        "INSERT INTO external_keys (kind, source, key, object_id, created_at)
         SELECT {object_kind}, {source}, r.key, r.object_id, {tx.now} FROM import_rows r
         WHERE {which} AND {rows}",
        source = plan.source(),
        which = Fixed(which),
        rows = part.rows(plan),
    )
}
