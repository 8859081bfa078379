//! Applying a plan: under locks, all of it in one transaction, or nothing.

use uuid::Uuid;

use super::{
    assess,
    imports::{model::ImportCounts, store},
    plan::Prepared,
    progress::Progress,
};
use crate::{
    app::Tx,
    db::bind,
    http::{ApiError, ApiResult, Code},
    sql,
};

/// Applies the import's plan if it is still what would come of planning now, and removes no more than
/// `allowed` percent. Answers what was done; `tell` hears how many rows are written, which comes after comparing.
pub fn apply(
    tx: &mut Tx,
    import: Uuid,
    plan_hash: &str,
    allowed: Option<u32>,
    tell: &dyn Fn(i64),
) -> ApiResult<ImportCounts> {
    let prepared = Prepared::of(tx, import)?;
    let progress = Progress::new(tell);
    let plan = prepared.plan(&progress);
    lock(tx, &prepared)?;
    let now = assess::assess(tx, prepared.target, &plan)?;
    if now.plan_hash != plan_hash {
        return Err(stale());
    }
    check_removals(
        &now.counts,
        allowed.unwrap_or(plan.mapping.missing.max_removals_percent),
    )?;
    prepared
        .target
        .write(tx, &plan)
        .map_err(|error| match error.code {
            // Somebody took the name or the key between the comparison and the write.
            Code::AlreadyExists => ApiError {
                cause: Some(error.to_string()),
                ..stale()
            },
            _ => error,
        })?;
    store::applied(tx, import)?;
    Ok(now.counts)
}

/// One import of a resource at a time, and nobody else changes what this one compares.
fn lock(tx: &mut Tx, prepared: &Prepared) -> ApiResult<()> {
    let declaration = prepared.target.declaration();
    tx.take_turns(bind(format!("import {}", declaration.resource)))?;
    sql![
        "WITH locked AS (SELECT t.id FROM ",
        declaration.table,
        " t WHERE t.id IN (SELECT object_id FROM import_rows WHERE object_version IS NOT NULL AND import_id = ",
        bind(prepared.id),
        ") ORDER BY t.id FOR UPDATE) SELECT count(*) FROM locked"
    ]
    .execute(tx.conn)?;
    Ok(())
}

/// The plan is not the present one.
pub fn stale() -> ApiError {
    ApiError::new(
        Code::PlanStale,
        "Something changed since it was planned, or it is not this import's plan. Plan the file again and look at the new plan.",
    )
}

/// Refuses a plan that takes away more than is allowed.
pub fn check_removals(counts: &ImportCounts, allowed: u32) -> ApiResult<()> {
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
