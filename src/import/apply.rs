//! Applying a plan, in batches that each commit by themselves, or all of it in one transaction.
//!
//! What was planned is written, and nothing else: rows that the plan leaves as they are do not matter any more. Each row
//! stands for itself: one whose object has changed since the plan was made is refused, and the others go in. Only a plan of
//! which much has changed is refused as a whole, before the first row is written.

use std::time::{Duration, Instant};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{
    Target, assess,
    imports::{model::ImportCounts, store},
    plan::Prepared,
    stale::{self, every_row, outdated, stale},
    target::{Part, Plan},
};
use crate::{
    app::Tx,
    db::Fixed,
    http::{ApiError, ApiResult, Code},
    operations,
    pace::Pace,
    sql,
};

/// The batches, by their rows about records that are here: everybody who wants to write one of its people waits that long at most.
/// With fewer rows, what a batch costs whatever its size would be most of the work, and nobody would wait less.
const PACE: Pace = Pace {
    part: Duration::from_millis(120),
    fewest: 100,
    most: 2_000,
};
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
pub enum ApplyOutcome {
    /// Every row had its turn.
    Done,
    /// Somebody asked to end early.
    Cancelled,
    /// Another import of the resource is being applied; nothing was written.
    Waits,
}

/// Applies the import's plan batch by batch, and tells `operation` how far it is. An application that was broken off
/// goes on where it was.
pub fn in_batches<W: Transactions>(
    work: &W,
    import: Uuid,
    operation: Uuid,
) -> Result<ApplyOutcome, W::Error> {
    let Some(Progress {
        prepared,
        mut done,
        turns,
    }) = work.write(|tx| begin(tx, import))?
    else {
        return Ok(ApplyOutcome::Waits);
    };
    let plan = prepared.plan();
    let mut rows = PACE.fewest;
    let mut growth = AnalyzeSchedule::default();
    while done < turns {
        if work.is_cancelled()? {
            return Ok(ApplyOutcome::Cancelled);
        }
        let started = Instant::now();
        let (last, held) = work.write(|tx| {
            let Batch { last, held } = next_batch(tx, &prepared, done, rows)?;
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
            rows = PACE.next(held, started.elapsed());
        }
        done = last;
        work.tell(done);
        if growth.is_large(done, turns) {
            work.write(|tx| analyze(tx, prepared.target))?;
        }
    }
    Ok(ApplyOutcome::Done)
}

/// How much was written since PostgreSQL last looked at the tables.
#[derive(Default)]
struct AnalyzeSchedule {
    looked: i64,
}

impl AnalyzeSchedule {
    /// Whether it is time to look again: when twice as much is written, and at the end.
    fn is_large(&mut self, done: i64, turns: i64) -> bool {
        const MUCH: i64 = 1_000;
        let is_large = done >= MUCH && (done >= 2 * self.looked || done == turns);
        if is_large {
            self.looked = done;
        }
        is_large
    }
}

/// Has PostgreSQL look at what is there. By itself it does so minutes later; until then it takes tables that have just grown for small
/// ones, and compares each row of a batch, and of the next plan, with every key.
fn analyze(tx: &mut Tx, target: &dyn Target) -> ApiResult<()> {
    sql!(
        "ANALYZE external_keys, {table}",
        table = Fixed(target.declaration().table),
    )
    .execute(tx.conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Batch {
    /// The turn of its last row.
    #[diesel(sql_type = sql_types::BigInt)]
    last: i64,
    /// How many of its rows keep other writers waiting: they are about records that are here.
    #[diesel(sql_type = sql_types::BigInt)]
    held: i64,
}

/// The rows after `done`, at most `rows` of them about records that are here.
fn next_batch(tx: &mut Tx, prepared: &Prepared, done: i64, rows: i64) -> ApiResult<Batch> {
    let held = match prepared.target.declaration().new_ones_lock {
        true => "turn",
        false => "object_version",
    };
    let batch = sql!(
        "SELECT coalesce(max(turn), {done}) AS last, coalesce(max(held), 0) AS held FROM (
            SELECT turn, count({held}) OVER (ORDER BY turn) AS held FROM import_rows
            WHERE import_id = {prepared.id} AND turn BETWEEN {first} AND {last}) AS rows
         WHERE held <= {rows}",
        held = Fixed(held),
        first = done + 1,
        last = done + PACE.most,
    )
    .get_result(tx.conn)?;
    Ok(batch)
}

/// Applies the import's plan in this transaction. `tell` hears how many rows are written.
pub fn as_a_whole(tx: &mut Tx, import: Uuid, tell: &dyn Fn(i64)) -> ApiResult<()> {
    let prepared = Prepared::of(tx, import)?;
    let plan = prepared.plan();
    let target = prepared.target;
    lock_imports(tx, target)?;
    stale::lock(tx, &plan, target, every_row(&plan))?;
    stale::refuse_changed(tx, &plan, target)?;
    target.prepare(tx, &plan)?;
    let turns = assign_turns(tx, &plan, target)?;
    let mut done = 0;
    let mut growth = AnalyzeSchedule::default();
    while done < turns {
        let part = Part {
            first: done + 1,
            last: turns.min(done + ROWS_A_STATEMENT),
        };
        target.refuse_outdated(tx, &plan, part)?;
        if stale::is_any_refused(tx, &plan, part)? {
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
        if stale::is_any_refused(tx, &plan, part)? {
            return Err(stale());
        }
        done = part.last;
        tell(done);
        if growth.is_large(done, turns) {
            analyze(tx, target)?;
        }
    }
    store::written(tx, import, done)
}

/// The import is applied; answers what was done.
pub fn end(tx: &mut Tx, import: Uuid) -> ApiResult<ImportCounts> {
    let counts = counts(tx, import)?;
    store::applied(tx, import, &counts)?;
    Ok(counts)
}

/// Applying ended early: with a problem, or because somebody cancelled it. Answers what was done until then.
pub fn end_early(tx: &mut Tx, import: Uuid, problem: Option<&ApiError>) -> ApiResult<ImportCounts> {
    const CANCELLED: &str = "Applying it was cancelled. The rows that were written by then stay; plan the file again for the others.";
    let counts = counts(tx, import)?;
    store::set_counts(tx, import, &counts)?;
    match problem {
        Some(problem) => store::failed(tx, import, problem)?,
        None => store::cancelled(tx, import, CANCELLED)?,
    }
    Ok(counts)
}

fn counts(tx: &mut Tx, import: Uuid) -> ApiResult<ImportCounts> {
    let (resource, _) = store::mapping(tx, import)?;
    let target = super::stored_target(tx.app, &resource)?;
    assess::recount(tx, import, target.declaration())
}

struct Progress {
    prepared: Prepared,
    /// The turn up to which rows are written.
    done: i64,
    turns: i64,
}

/// Makes ready for the first batch, or finds out where the last attempt ended. None while another import of the
/// resource is being applied.
fn begin(tx: &mut Tx, import: Uuid) -> ApiResult<Option<Progress>> {
    let prepared = Prepared::of(tx, import)?;
    let target = prepared.target;
    let plan = prepared.plan();
    lock_imports(tx, target)?;
    let (done, turns) = match store::applied_turn(tx, import)? {
        Some(done) => {
            store::resume(tx, import)?;
            (done, count_turns(tx, &plan)?)
        }
        None if store::is_another_applied(tx, import, target.declaration().resource)? => return Ok(None),
        None => {
            stale::refuse_stale(tx, &plan, target)?;
            target.prepare(tx, &plan)?;
            let turns = assign_turns(tx, &plan, target)?;
            store::written(tx, import, 0)?;
            (0, turns)
        }
    };
    Ok(Some(Progress {
        prepared,
        done,
        turns,
    }))
}

/// One import of a resource begins at a time.
fn lock_imports(tx: &mut Tx, target: &dyn Target) -> ApiResult<()> {
    tx.advisory_lock(format!("import {}", target.declaration().resource))
}

/// Writes the rows of `part` but those that were outrun, which it refuses.
fn write_part(tx: &mut Tx, prepared: &Prepared, plan: &Plan, part: Part) -> ApiResult<()> {
    let target = prepared.target;
    stale::lock(tx, plan, target, part.rows(plan))?;
    stale::refuse(tx, plan, outdated(plan, target, part.rows(plan)))?;
    const ATTEMPTS: u32 = 5;
    for attempt in 1.. {
        let written = tx.attempt(|tx| {
            target.refuse_outdated(tx, plan, part)?;
            target.write(tx, plan, part)
        });
        match written {
            // Somebody took the name or the key after the check, which sees it now.
            Err(error) if error.code == Code::AlreadyExists && attempt < ATTEMPTS => {
                stale::refuse(tx, plan, outdated(plan, target, part.rows(plan)))?;
            }
            written => return written,
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

/// Gives each row that is written its turn, from 1 on without gaps; answers how many there are.
fn assign_turns(tx: &mut Tx, plan: &Plan, target: &dyn Target) -> ApiResult<i64> {
    let ranks = target.ranks(plan);
    let ranks = ranks.unwrap_or_else(|| sql!("SELECT NULL::uuid AS id, 0 AS rank WHERE FALSE"));
    let turns = sql!(
        "WITH ranks AS MATERIALIZED ({ranks}),
         ordered AS (SELECT r.line, row_number() OVER (ORDER BY (r.action = 'end') <> {ends_first},
            ranks.rank, r.line) AS turn
            FROM import_rows r LEFT JOIN ranks ON ranks.id = r.object_id WHERE {every_row})
         UPDATE import_rows r SET turn = ordered.turn FROM ordered
         WHERE r.line = ordered.line AND r.import_id = {plan.import}",
        ends_first = target.declaration().ends_first,
        every_row = every_row(plan),
    )
    .execute(tx.conn)?;
    // The statements of the batches go by it.
    sql!("ANALYZE import_rows (import_id, action, turn)").execute(tx.conn)?;
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
