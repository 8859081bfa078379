//! Runs one claim and settles how it ended.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::AtomicBool},
};

use chrono::TimeDelta;

use super::{
    Handler, JobError, JobRun,
    store::{self, Claim},
};
use crate::{
    app::{App, Tx},
    http::{ApiError, ApiResult, Code},
    operations,
};

/// Runs `claim` by its handler. `lost` is set when a heartbeat finds that another worker has it.
pub fn execute(app: &App, handlers: &[Handler], claim: &Claim, lost: Arc<AtomicBool>) {
    let Some((handler, run)) = prepare(app, handlers, claim, lost) else {
        return;
    };
    let ended = catch_unwind(AssertUnwindSafe(|| attempt(handler, claim, &run)))
        .unwrap_or_else(|_| Err(JobError::Retry("the handler panicked".into())));
    record_outcome(app, handler, claim, &run, ended);
}

/// Buries a claim whose last attempt ended with its worker.
pub fn dead_letter_lost(app: &App, handlers: &[Handler], claim: &Claim) {
    if let Some((handler, run)) = prepare(app, handlers, claim, Arc::default()) {
        record_outcome(
            app,
            handler,
            claim,
            &run,
            Err(JobError::Dead("its worker was lost".into())),
        );
    }
}

fn prepare<'a>(
    app: &'a App,
    handlers: &'a [Handler],
    claim: &'a Claim,
    lost: Arc<AtomicBool>,
) -> Option<(&'a Handler, JobRun<'a>)> {
    // Only kinds that have a handler are claimed.
    let handler = handlers.iter().find(|handler| handler.kind == claim.kind)?;
    let operation_id = (handler.operation_id)(&claim.payload);
    Some((handler, JobRun::new(app, claim, operation_id, lost)))
}

fn attempt(handler: &Handler, claim: &Claim, run: &JobRun) -> Result<(), JobError> {
    if let Some(operation) = run.operation_id()
        && !run.write(|tx| operations::start(tx, operation))?
    {
        return run.finish(|tx| {
            if operations::is_cancel_requested(tx, operation)? {
                let done = (handler.left_off)(&claim.payload, tx, None)?;
                operations::cancel(tx, operation, &done)?;
            }
            Ok(())
        });
    }
    (handler.run)(&claim.payload, run)
}

fn record_outcome(app: &App, handler: &Handler, claim: &Claim, run: &JobRun, ended: Result<(), JobError>) {
    let (id, kind, attempts) = (claim.id, &claim.kind, claim.attempts);
    let outcome = match &ended {
        Ok(()) if run.is_finished() => Ok("succeeded"),
        Ok(()) => run.finish(|_| Ok(())).map(|()| "succeeded"),
        Err(JobError::Fenced) => Err(JobError::Fenced),
        Err(error @ JobError::Retry(_)) if attempts < claim.max_attempts => {
            log::warn!("job {id} ({kind}) failed in attempt {attempts} and is tried again: {error}");
            retry(run, claim, error).map(|()| "retried")
        }
        // Clients that watch the operation are told why; nothing is wrong with the job.
        Err(JobError::Refused(problem)) if run.operation_id().is_some() => run
            .finish(|tx| fail_operation(tx, run, problem))
            .map(|()| "refused"),
        Err(error) => {
            log::error!("job {id} ({kind}) is dead after {attempts} attempts: {error}");
            run.write(|tx| dead_letter(tx, handler, claim, run, error))
                .map(|()| "dead")
        }
    };
    let outcome = outcome.unwrap_or_else(|error| {
        // Its lease will run out, and the next worker finds nothing half done.
        log::warn!("job {id} ({kind}), attempt {attempts}, could not be settled: {error}");
        "lost"
    });
    app.metrics.count_job(kind, outcome);
}

fn retry(run: &JobRun, claim: &Claim, error: &JobError) -> Result<(), JobError> {
    let delay = backoff(claim.attempts);
    run.write(|tx| {
        store::retry_later(tx.conn, claim, &error.to_string(), tx.now + delay)?;
        Ok(())
    })
}

fn fail_operation(tx: &mut Tx, run: &JobRun, problem: &ApiError) -> ApiResult<()> {
    match run.operation_id() {
        Some(operation) => operations::fail(tx, operation, problem),
        None => Ok(()),
    }
}

fn dead_letter(
    tx: &mut Tx,
    handler: &Handler,
    claim: &Claim,
    run: &JobRun,
    error: &JobError,
) -> ApiResult<()> {
    store::dead_letter(tx.conn, claim, &error.to_string(), tx.now)?;
    let problem = ApiError::new(
        Code::Internal,
        "The work failed time and again; the dead job under /v1/jobs says why, and can be retried there.",
    );
    (handler.left_off)(&claim.payload, tx, Some(&problem))?;
    fail_operation(tx, run, &problem)
}

const FIRST_DELAY: f64 = 5.0;
const LONGEST_DELAY: f64 = 3600.0;

/// How long a job waits after so many failed attempts: twice as long each time, spread so that jobs which failed together do not
/// come back together.
pub fn backoff(attempts: i32) -> TimeDelta {
    let seconds = (FIRST_DELAY * 2f64.powi(attempts - 1)).min(LONGEST_DELAY);
    TimeDelta::milliseconds((seconds * rand::random_range(800.0..1200.0)) as i64)
}
