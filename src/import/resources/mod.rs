//! Resources as targets of imports whose rows go through the resource's own writer: its checks, its events, and what follows
//! from a change are those of the API. A domain says which fields and references a row has.

mod planned;
mod references;

use std::marker::PhantomData;

use self::planned::PlannedRow;
pub use self::references::{Named, RowReference};
use super::{
    Target, keyed,
    mapping::KEEP,
    stale,
    target::{Declaration, Empty, Field, Kind, Match, Part, Plan},
};
use crate::{
    app::{EventKind, Tx},
    db::Fixed,
    http::{ApiResult, bulk::write_each},
    resource::{Resource, write},
    sql,
};

/// How many rows of a plan are checked together.
const ROWS_A_CHECK: i64 = 2_000;

/// Over the object `t`: its status, for a [`Declaration`].
pub const STATUS: &str = "CASE WHEN t.archived_at IS NULL THEN 'current' ELSE 'archived' END";

/// Over the object `t` and its key `e`, for a [`Declaration`]: whether it was archived for being missing, and by nobody since.
pub const STILL_MISSING: &str = "t.archived_at = (e.missing ->> 'at')::timestamptz";

/// Rows with an `id` are about the record that has it, for a [`Declaration`].
pub const MATCH_BY_ID: &[Match] = &[Match {
    field: "id",
    wanted: "g.fields ->> 'id'",
    present: "t.id::text",
}];

/// A field of a row: what profiles call it, what it holds, and what an empty value does. It is a column of the table.
pub type RowField = (&'static str, fn() -> Kind, Empty);

/// Writes the rows of imports as `T`.
pub struct ResourceImport<T> {
    declaration: &'static Declaration,
    key_added: EventKind,
    fields: &'static [RowField],
    references: &'static [RowReference],
    /// Why rows cannot add anything, if they cannot.
    adds_none: Option<&'static str>,
    resource: PhantomData<fn() -> T>,
}

impl<T: Resource> ResourceImport<T> {
    /// Rows that are declared so. Each reference of the declaration is one of `references`.
    pub const fn new(
        declaration: &'static Declaration,
        key_added: EventKind,
        fields: &'static [RowField],
        references: &'static [RowReference],
    ) -> Self {
        ResourceImport {
            declaration,
            key_added,
            fields,
            references,
            adds_none: None,
            resource: PhantomData,
        }
    }

    /// Rows are about what is there: new ones are refused, with the reason `why`.
    pub const fn of_present_ones(mut self, why: &'static str) -> Self {
        self.adds_none = Some(why);
        self
    }

    /// Refuses the rows among `rows` that have an error.
    fn refuse(
        &self,
        tx: &mut Tx,
        plan: &Plan,
        rows: &[PlannedRow],
        outcomes: Vec<ApiResult<()>>,
    ) -> ApiResult<()> {
        let mut refused = Vec::new();
        for (row, outcome) in rows.iter().zip(outcomes) {
            match outcome {
                Ok(()) => {}
                // Not the row's fault.
                Err(error) if error.is_retryable || error.code.status().is_server_error() => {
                    return Err(error);
                }
                Err(error) => refused.push((row.line, references::issues(plan, self.references, &error))),
            }
        }
        stale::refuse_each(tx, plan, &refused)
    }

    /// Archives what is missing from the file, as applying the plan will do before it writes other rows. To be taken back.
    fn end_missing(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
        if plan.mapping.missing.then == KEEP {
            return Ok(());
        }
        sql!(
            "UPDATE {table} SET archived_at = {tx.now} FROM import_rows r
             WHERE r.action = 'end' AND r.object_id = {table}.id AND r.import_id = {plan.import}",
            table = Fixed(T::TABLE),
        )
        .execute(tx.conn)?;
        Ok(())
    }
}

impl<T: Resource> Target for ResourceImport<T> {
    fn declaration(&self) -> &'static Declaration {
        self.declaration
    }

    fn fields(&self, _: &mut Tx) -> ApiResult<Vec<Field>> {
        let id: RowField = ("id", || Kind::Id, Empty::Left);
        let fields = self.fields.iter().chain([&id]);
        Ok(fields
            .map(|(name, kind, empty)| Field {
                name: (*name).into(),
                kind: kind(),
                empty: *empty,
                present: sql!("to_jsonb(t.{column})", column = Fixed(name)),
                number_after: None,
            })
            .collect())
    }

    fn resolve(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
        references::refuse_unknown_ids(tx, plan)?;
        if let Some(why) = self.adds_none {
            references::refuse_new(tx, plan, why)?;
        }
        let references = self.references.iter();
        for reference in references {
            if let Some(mapping) = plan.mapping.references.get(reference.name) {
                reference.find(tx, plan, mapping)?;
            }
        }
        Ok(())
    }

    /// In parts, each of which is taken back, so that its locks do not outlast it. What two rows of different parts say against each
    /// other is found when they are written.
    fn check(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<()> {
        let mut last = 0;
        loop {
            let rows = PlannedRow::after(tx, plan, last, ROWS_A_CHECK)?;
            let Some(end) = rows.last() else {
                return Ok(());
            };
            last = end.line;
            let (outcomes, _) = tx.rehearse(|tx| {
                self.end_missing(tx, plan)?;
                let changes = planned::changes::<T>(tx, self.references, &rows)?;
                write_each(changes, |changes| write::check(tx, changes))
            })?;
            let outcomes = outcomes?.into_iter().map(|outcome| outcome.map(drop));
            self.refuse(tx, plan, &rows, outcomes.collect())?;
        }
    }

    fn side_effects(&self, _: &mut Tx, _: &Plan) -> ApiResult<Vec<(&'static str, i64)>> {
        Ok(Vec::new())
    }

    fn prepare(&self, _: &mut Tx, _: &Plan) -> ApiResult<()> {
        Ok(())
    }

    /// The writer looks at everything again.
    fn refuse_outdated(&self, _: &mut Tx, _: &Plan, _: Part) -> ApiResult<()> {
        Ok(())
    }

    fn write(&self, tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()> {
        for actions in [PlannedRow::ENDS, PlannedRow::OTHERS] {
            let rows = PlannedRow::of(tx, plan, part, actions)?;
            let changes = planned::changes::<T>(tx, self.references, &rows)?;
            let outcomes = write_each(changes, |changes| write::write(tx, changes))?;
            let outcomes = outcomes.into_iter().map(|outcome| outcome.map(drop));
            self.refuse(tx, plan, &rows, outcomes.collect())?;
        }
        let object_kind = self.declaration.external_kind;
        keyed::add_keys(tx, plan, part, object_kind)?;
        keyed::link_keys(tx, plan, part, &self.key_added)?;
        keyed::note_missing(tx, plan, part, object_kind)
    }
}
