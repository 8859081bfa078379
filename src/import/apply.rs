//! Applying a plan, in batches that each commit by themselves, or all of it in one transaction.
//!
//! What was planned is written, and nothing else: rows that the plan leaves as they are do not matter any more. Each row
//! stands for itself: one whose object has changed since the plan was made is refused, and the others go in. Only a plan of
//! which much has changed is refused as a whole, before the first row is written.

use std::time::{Duration, Instant};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{
    Target,
    assess::{self, issue},
    imports::{model::ImportCounts, store},
    plan::Prepared,
    target::{Part, Plan},
};
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::{ApiError, ApiResult, Code},
    operations, sql,
};

/// How long a batch should take: everybody who wants to write one of its people waits that long at most.
const BATCH: Duration = Duration::from_millis(120);
/// Rows about records that are here, in the first batch.
const FIRST_ROWS: i64 = 100;
/// The same in every other batch at least: with fewer, what a batch costs whatever its size would be most of the work, and
/// nobody would wait less.
const FEWEST_ROWS: i64 = 200;
/// Rows of a batch at most. Nobody waits for records that are new.
const MOST_ROWS: i64 = 2_000;
/// Rows that one statement writes where all is one transaction.
const ROWS_A_STATEMENT: i64 = 5_000;

/// What runs the transactions of an application, one after the other.
pub trait Transactions {
    /// How they fail.
    type Error: From<ApiError>;

    /// Writes in one transaction. `f` may run more than once.
    fn write<T>(&self, f: impl Fn(&mut Tx) -> ApiResult<T>) -> Result<T, Self::Error>;

    /// Whether somebody asked to end early.
    fn is_cancelled(&self) -> Result<bool, Self::Error>;

    /// Hears how many rows are written.
    fn tell(&self, _rows: i64) {}
}

/// How an application in batches came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Every row had its turn.
    Done,
    /// Somebody asked to end early.
    Cancelled,
    /// Another import of the resource is being applied; nothing was written.
    Waits,
}

/// Applies the import's plan batch by batch, and tells `operation` how far it is. An application that was broken off
/// goes on where it was.
pub fn in_batches<W: Transactions>(work: &W, import: Uuid, operation: Uuid) -> Result<Ending, W::Error> {
    let Some(Begun {
        prepared,
        mut done,
        turns,
    }) = work.write(|tx| begin(tx, import))?
    else {
        return Ok(Ending::Waits);
    };
    let plan = prepared.plan();
    let mut rows = FIRST_ROWS;
    while done < turns {
        if work.is_cancelled()? {
            return Ok(Ending::Cancelled);
        }
        let started = Instant::now();
        let (last, held) = work.write(|tx| {
            let Batch { last, held } = next_batch(tx, &plan, done, rows)?;
            let part = Part {
                first: done + 1,
                last,
            };
            store::move_on(tx, import, done, last)?;
            write_part(tx, &prepared, &plan, part)?;
            operations::progress(tx, operation, last)?;
            Ok((last, held))
        })?;
        // What new records took says little of the others.
        if held > 0 {
            rows = next_size(held, started.elapsed());
        }
        done = last;
        work.tell(done);
    }
    Ok(Ending::Done)
}

#[derive(QueryableByName)]
struct Batch {
    /// The turn of its last row.
    #[diesel(sql_type = sql_types::BigInt)]
    last: i64,
    /// How many of its rows are about records that are here.
    #[diesel(sql_type = sql_types::BigInt)]
    held: i64,
}

/// The rows after `done`, at most `rows` of them about records that are here.
fn next_batch(tx: &mut Tx, plan: &Plan, done: i64, rows: i64) -> ApiResult<Batch> {
    let batch = sql!(
        "SELECT coalesce(max(turn), {done}) AS last, coalesce(max(held), 0) AS held FROM (
            SELECT turn, count(object_version) OVER (ORDER BY turn) AS held FROM import_rows
            WHERE import_id = {plan.import} AND turn BETWEEN {first} AND {last}) AS rows
         WHERE held <= {rows}",
        first = done + 1,
        last = done + MOST_ROWS,
    )
    .get_result(tx.conn)?;
    Ok(batch)
}

/// So many rows as would have filled the time of a batch, and not many more than the last time.
fn next_size(rows: i64, took: Duration) -> i64 {
    let fitting = rows as f64 * BATCH.as_secs_f64() / took.as_secs_f64().max(0.001);
    (fitting as i64).clamp(FEWEST_ROWS, (rows * 2).clamp(FEWEST_ROWS, MOST_ROWS))
}

/// Applies the import's plan in this transaction. `tell` hears how many rows are written.
pub fn as_a_whole(tx: &mut Tx, import: Uuid, tell: &dyn Fn(i64)) -> ApiResult<()> {
    let prepared = Prepared::of(tx, import)?;
    let plan = prepared.plan();
    let target = prepared.target;
    take_turns(tx, target)?;
    lock(tx, &plan, target, every_row(&plan))?;
    if count_outdated(tx, &plan, target)?.outdated > 0 {
        return Err(stale());
    }
    target.prepare(tx, &plan)?;
    let turns = give_turns(tx, &plan, target)?;
    let mut done = 0;
    while done < turns {
        let part = Part {
            first: done + 1,
            last: turns.min(done + ROWS_A_STATEMENT),
        };
        target.refuse_outdated(tx, &plan, part)?;
        if count_refused(tx, &plan, part)? > 0 {
            return Err(stale());
        }
        target.write(tx, &plan, part).map_err(|error| match error.code {
            // Somebody took the name or the key after the check.
            Code::AlreadyExists => ApiError {
                cause: Some(error.to_string()),
                ..stale()
            },
            _ => error,
        })?;
        done = part.last;
        tell(done);
    }
    Ok(())
}

/// The import is applied; answers what was done.
pub fn end(tx: &mut Tx, import: Uuid) -> ApiResult<ImportCounts> {
    let counts = counts(tx, import)?;
    store::applied(tx, import, &counts)?;
    Ok(counts)
}

/// The application ended early; answers what was done until then.
pub fn end_early(tx: &mut Tx, import: Uuid) -> ApiResult<ImportCounts> {
    let counts = counts(tx, import)?;
    let why = ApiError::new(
        Code::Conflict,
        "Applying it was cancelled. The rows that were written by then stay; plan the file again for the others.",
    );
    store::failed(tx, import, &why)?;
    Ok(counts)
}

fn counts(tx: &mut Tx, import: Uuid) -> ApiResult<ImportCounts> {
    let prepared = Prepared::of(tx, import)?;
    assess::recount(tx, &prepared.plan(), prepared.target.declaration())
}

struct Begun {
    prepared: Prepared,
    /// The turn up to which rows are written.
    done: i64,
    turns: i64,
}

/// Makes ready for the first batch, or finds out where the last attempt ended. None while another import of the
/// resource is being applied.
fn begin(tx: &mut Tx, import: Uuid) -> ApiResult<Option<Begun>> {
    let prepared = Prepared::of(tx, import)?;
    let target = prepared.target;
    let plan = prepared.plan();
    take_turns(tx, target)?;
    let (done, turns) = match store::applied_turn(tx, import)? {
        Some(done) => (done, count_turns(tx, &plan)?),
        None if store::is_another_applied(tx, import, target.declaration().resource)? => return Ok(None),
        None => {
            refuse_stale(tx, &plan, target)?;
            target.prepare(tx, &plan)?;
            let turns = give_turns(tx, &plan, target)?;
            store::begin_application(tx, import)?;
            (0, turns)
        }
    };
    Ok(Some(Begun {
        prepared,
        done,
        turns,
    }))
}

/// One import of a resource begins at a time.
fn take_turns(tx: &mut Tx, target: &dyn Target) -> ApiResult<()> {
    tx.take_turns(format!("import {}", target.declaration().resource))
}

/// Writes the rows of `part` but those that were outrun, which it refuses.
fn write_part(tx: &mut Tx, prepared: &Prepared, plan: &Plan, part: Part) -> ApiResult<()> {
    let target = prepared.target;
    lock(tx, plan, target, part.rows(plan))?;
    refuse(tx, plan, outdated(plan, target, part.rows(plan)))?;
    const ATTEMPTS: u32 = 5;
    for attempt in 1.. {
        let written = tx.attempt(|tx| {
            target.refuse_outdated(tx, plan, part)?;
            target.write(tx, plan, part)
        });
        match written {
            // Somebody took the name or the key after the check, which sees it now.
            Err(error) if error.code == Code::AlreadyExists && attempt < ATTEMPTS => {
                refuse(tx, plan, outdated(plan, target, part.rows(plan)))?;
            }
            written => return written,
        }
    }
    Ok(())
}

/// Rows that the plan writes.
fn every_row(plan: &Plan) -> Sql {
    sql!("r.action IN ('create', 'update', 'restore', 'end') AND r.import_id = {plan.import}")
}

/// Locks the objects of `rows`, but not against those who refer to them.
fn lock(tx: &mut Tx, plan: &Plan, target: &dyn Target, rows: Sql) -> ApiResult<()> {
    sql!(
        "WITH locked AS (SELECT t.id FROM {table} t
            WHERE t.id IN (SELECT r.object_id FROM import_rows r WHERE r.object_version IS NOT NULL
                    AND {rows} AND r.import_id = {plan.import}) ORDER BY t.id FOR NO KEY UPDATE)
         SELECT count(*) FROM locked",
        table = Fixed(target.declaration().table),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// A query of the `line` of those of `rows` whose object or key is not as it was when the plan was made.
fn outdated(plan: &Plan, target: &dyn Target, rows: Sql) -> Sql {
    let declaration = target.declaration();
    let keyed = |key: &'static str| {
        sql!(
            "{key}.kind = {declaration.external_kind} AND {key}.source = {source}",
            key = Fixed(key),
            source = plan.source(),
        )
    };
    sql!(
        "SELECT r.line FROM import_rows r LEFT JOIN {table} t ON t.id = r.object_id
         LEFT JOIN external_keys e ON {e_of_source} AND e.key = r.key
         WHERE r.action IN ('create', 'update', 'restore', 'end') AND (
            t.version IS DISTINCT FROM r.object_version
            OR e.object_id IS DISTINCT FROM
            CASE WHEN r.action = 'create' OR r.refs ? 'external_key' THEN NULL ELSE r.object_id END
            OR r.refs ? 'external_key' AND EXISTS (SELECT 1 FROM external_keys o
                WHERE o.object_id = r.object_id AND {o_of_source})) AND {rows}",
        table = Fixed(declaration.table),
        e_of_source = keyed("e"),
        o_of_source = keyed("o"),
    )
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Outdated {
    #[diesel(sql_type = sql_types::BigInt)]
    outdated: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    written: i64,
}

/// How many of the rows that the plan would write no longer fit, and how many there are.
fn count_outdated(tx: &mut Tx, plan: &Plan, target: &dyn Target) -> ApiResult<Outdated> {
    let counted = sql!(
        "SELECT (SELECT count(*) FROM ({outdated}) AS found) AS outdated,
            (SELECT count(*) FROM import_rows r WHERE {every_row}) AS written",
        outdated = outdated(plan, target, every_row(plan)),
        every_row = every_row(plan),
    )
    .get_result(tx.conn)?;
    Ok(counted)
}

/// Of so many rows that a plan writes, one may have changed since; if there are more, it is not the plan that somebody
/// looked at.
const ONE_IN: i64 = 10;

/// Refuses the plan if much of what it would write has changed since it was made.
pub fn refuse_stale(tx: &mut Tx, plan: &Plan, target: &dyn Target) -> ApiResult<()> {
    let Outdated { outdated, written } = count_outdated(tx, plan, target)?;
    if outdated * ONE_IN > written {
        return Err(stale());
    }
    Ok(())
}

/// Refuses the rows whose `line` the query answers: what they are about has changed since.
pub fn refuse(tx: &mut Tx, plan: &Plan, lines: Sql) -> ApiResult<usize> {
    let fault = issue(
        plan,
        "key",
        "changed_since_planned",
        sql!(
            "'what the row is about, or what it names, has changed since it was planned, so it was left as it is; plan the file again'"
        ),
        "error",
    );
    let refused = sql!(
        "UPDATE import_rows r SET action = 'refuse', issues = r.issues || {fault}
         FROM ({lines}) AS found WHERE r.line = found.line AND r.import_id = {plan.import}"
    )
    .execute(tx.conn)?;
    Ok(refused)
}

fn count_refused(tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<i64> {
    let found: Number = sql!(
        "SELECT count(*) AS number FROM import_rows r WHERE r.action = 'refuse' AND {rows}",
        rows = part.rows(plan),
    )
    .get_result(tx.conn)?;
    Ok(found.number)
}

/// Gives each row that is written its turn, from 1 on without gaps; answers how many there are.
fn give_turns(tx: &mut Tx, plan: &Plan, target: &dyn Target) -> ApiResult<i64> {
    let ranks = target.ranks(plan);
    let ranks = ranks.unwrap_or_else(|| sql!("SELECT NULL::uuid AS id, 0 AS rank WHERE FALSE"));
    let turns = sql!(
        "WITH ranks AS MATERIALIZED ({ranks}),
         ordered AS (SELECT r.line, row_number() OVER (ORDER BY r.action = 'end', ranks.rank,
            r.line) AS turn
            FROM import_rows r LEFT JOIN ranks ON ranks.id = r.object_id WHERE {every_row})
         UPDATE import_rows r SET turn = ordered.turn FROM ordered
         WHERE r.line = ordered.line AND r.import_id = {plan.import}",
        every_row = every_row(plan),
    )
    .execute(tx.conn)?;
    // The statements of the batches go by it.
    sql!("ANALYZE import_rows (import_id, turn)").execute(tx.conn)?;
    Ok(turns as i64)
}

fn count_turns(tx: &mut Tx, plan: &Plan) -> ApiResult<i64> {
    let found: Number = sql!(
        "SELECT coalesce(max(turn), 0) AS number FROM import_rows
         WHERE turn IS NOT NULL AND import_id = {plan.import}"
    )
    .get_result(tx.conn)?;
    Ok(found.number)
}

/// The plan is not the present one.
pub fn stale() -> ApiError {
    ApiError::new(
        Code::PlanStale,
        "Too much of what the plan would write has changed since it was planned, or it is not this import's plan. Plan the file again and look at the new plan.",
    )
}

/// Refuses a plan that takes away more than is allowed, by its profile if nobody allows more.
pub fn check_removals(
    tx: &mut Tx,
    import: Uuid,
    counts: &ImportCounts,
    allowed: Option<u32>,
) -> ApiResult<()> {
    let allowed = match allowed {
        Some(allowed) => allowed,
        None => {
            Prepared::of(tx, import)?
                .plan()
                .mapping
                .missing
                .max_removals_percent
        }
    };
    if counts.removals * 100 <= i64::from(allowed) * counts.present {
        return Ok(());
    }
    Err(ApiError::new(
        Code::PlanRemovesTooMuch,
        format!(
            "The plan removes {} of {}, more than {allowed} percent. Is the file whole? If this is meant, apply it with a larger allow_removals_percent.",
            counts.removals, counts.present
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_and_shrink_with_what_they_take() {
        let size = |rows, millis| next_size(rows, Duration::from_millis(millis));
        assert_eq!(size(500, 120), 500);
        assert_eq!(size(500, 10), 1_000);
        assert_eq!(size(500, 240), 250);
        assert_eq!(size(500, 0), 1_000);
        assert_eq!(size(500, 10_000), FEWEST_ROWS);
        assert_eq!(size(1_900, 1), MOST_ROWS);
        assert_eq!(size(100, 120), FEWEST_ROWS);
    }
}
