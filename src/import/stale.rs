//! What of a plan no longer fits when it is applied: single rows, which are refused, or so much that the plan is stale.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::{Value, json};

use super::{
    Target,
    assess::{self, issue},
    read::Issue,
    target::{Part, Plan},
};
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::{ApiError, ApiResult, Code},
    sql,
};

/// Rows that the plan writes.
pub(super) fn every_row(plan: &Plan) -> Sql {
    sql!("r.action IN ('create', 'update', 'restore', 'end') AND r.import_id = {plan.import}")
}

/// Locks the objects of `rows` against changes; other rows may still refer to them.
pub(super) fn lock(tx: &mut Tx, plan: &Plan, target: &dyn Target, rows: Sql) -> ApiResult<()> {
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

/// A query of the `line` of those of `rows` whose object or key is not as it was when the plan was made. Of an object only
/// what the row says counts: others may have changed the rest of it.
pub(super) fn outdated(plan: &Plan, target: &dyn Target, rows: Sql) -> Sql {
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
            t.version IS DISTINCT FROM r.object_version AND (t.id IS NULL OR r.object_version IS NULL
                OR CASE WHEN r.action = 'end' THEN {status} IS DISTINCT FROM r.changes #>> '{status,from}'
                    ELSE r.changes IS DISTINCT FROM ({changes}) END)
            OR r.action = 'restore' AND NOT ({still_missing})
            OR e.object_id IS DISTINCT FROM
                CASE WHEN r.action = 'create' OR r.refs ? 'external_key' THEN NULL ELSE r.object_id END
            OR r.refs ? 'external_key' AND EXISTS (SELECT 1 FROM external_keys o
                WHERE o.object_id = r.object_id AND {o_of_source})) AND {rows}",
        status = Fixed(declaration.status),
        changes = assess::changes(plan, declaration),
        still_missing = Fixed(declaration.still_missing),
        table = Fixed(declaration.table),
        e_of_source = keyed("e"),
        o_of_source = keyed("o"),
    )
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

/// Refuses the plan if anything that it would write has changed since it was made.
pub(super) fn refuse_changed(tx: &mut Tx, plan: &Plan, target: &dyn Target) -> ApiResult<()> {
    match count_outdated(tx, plan, target)?.outdated {
        0 => Ok(()),
        _ => Err(stale()),
    }
}

/// One in so many rows of a plan may have changed since. If more have, the plan is no longer the one that was reviewed.
const ONE_IN: i64 = 10;
/// So many rows may have changed of any plan, as long as others are left.
const A_FEW: i64 = 5;

/// Refuses the plan if much of what it would write has changed since it was made, or all of it.
pub fn refuse_stale(tx: &mut Tx, plan: &Plan, target: &dyn Target) -> ApiResult<()> {
    let Outdated { outdated, written } = count_outdated(tx, plan, target)?;
    if outdated > A_FEW.max(written / ONE_IN) || outdated > 0 && outdated == written {
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

/// Refuses rows, each by its line with what is wrong with it.
pub fn refuse_each(tx: &mut Tx, plan: &Plan, refused: &[(i64, Vec<Issue>)]) -> ApiResult<()> {
    if refused.is_empty() {
        return Ok(());
    }
    let refused = refused
        .iter()
        .map(|(line, issues)| json!({ "line": line, "issues": issues }));
    sql!(
        "UPDATE import_rows r SET action = 'refuse', issues = r.issues || refused.issues
         FROM jsonb_to_recordset({refused}) AS refused(line bigint, issues jsonb)
         WHERE r.line = refused.line AND r.import_id = {plan.import}",
        refused = Value::Array(refused.collect()),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Whether a row of `part` is refused.
pub(super) fn is_any_refused(tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<bool> {
    let found = sql!(
        "SELECT 1 FROM import_rows r WHERE r.action = 'refuse' AND {rows} LIMIT 1",
        rows = part.rows(plan),
    )
    .execute(tx.conn)?;
    Ok(found > 0)
}

/// The plan is not the present one.
pub fn stale() -> ApiError {
    ApiError::new(
        Code::PlanStale,
        "Too much of what the plan would write has changed since it was planned, or it is not this import's plan. Plan the file again and look at the new plan.",
    )
}
