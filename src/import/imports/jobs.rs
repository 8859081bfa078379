//! The jobs that plan and apply.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::store;
use crate::{
    app::Tx,
    http::{ApiError, ApiResult},
    import::{
        apply::{self, ApplyOutcome, Transactions},
        plan,
    },
    jobs::{Job, JobError, JobRun},
    operations,
};

/// Reads an import's file and makes its plan.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlanImport {
    /// Which.
    pub import_id: Uuid,
    /// The operation that tells of it.
    pub operation_id: Uuid,
}

impl Job for PlanImport {
    const KIND: &'static str = "import.plan";
    const IS_LONG: bool = true;
    const MAX_ATTEMPTS: i32 = 5;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let planned = run.finish(|tx| {
            let assessment = plan::plan(tx, self.import_id, &|rows| run.progress(rows))?;
            operations::set_total(tx, self.operation_id, assessment.counts.rows)?;
            operations::succeed(tx, self.operation_id, &assessment.counts)
        });
        fail_with_import(run, planned, |tx, why| {
            store::failed(tx, self.import_id, why)?;
            operations::fail(tx, self.operation_id, why)
        })
    }

    fn operation_id(&self) -> Option<Uuid> {
        Some(self.operation_id)
    }

    fn left_off(&self, tx: &mut Tx, problem: Option<&ApiError>) -> ApiResult<Value> {
        match problem {
            Some(problem) => store::failed(tx, self.import_id, problem)?,
            None => store::cancelled(
                tx,
                self.import_id,
                "Planning it was cancelled. Send the file again for a plan.",
            )?,
        }
        Ok(Value::Null)
    }
}

/// Applies an import's plan.
#[derive(Debug, Serialize, Deserialize)]
pub struct ApplyPlan {
    /// Which.
    pub import_id: Uuid,
    /// The operation that tells of it.
    pub operation_id: Uuid,
    /// Whether all of it is one transaction.
    pub all_or_nothing: bool,
}

/// When an import looks again whether another one is still being applied.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(5);

impl Transactions for JobRun<'_> {
    type Error = JobError;

    fn write<T>(&self, f: impl Fn(&mut Tx) -> ApiResult<T>) -> Result<T, JobError> {
        self.write(f)
    }

    fn is_cancelled(&self) -> Result<bool, JobError> {
        self.is_cancelled()
    }
}

impl ApplyPlan {
    fn whole(&self, run: &JobRun) -> Result<(), JobError> {
        run.finish(|tx| {
            apply::as_a_whole(tx, self.import_id, &|rows| run.progress(rows))?;
            let counts = apply::end(tx, self.import_id)?;
            operations::succeed(tx, self.operation_id, &counts)
        })
    }

    fn in_batches(&self, run: &JobRun) -> Result<(), JobError> {
        let ending = apply::in_batches(run, self.import_id, self.operation_id)?;
        run.finish(|tx| match ending {
            ApplyOutcome::Done => {
                let counts = apply::end(tx, self.import_id)?;
                operations::succeed(tx, self.operation_id, &counts)
            }
            ApplyOutcome::Cancelled => {
                let counts = apply::end_early(tx, self.import_id, None)?;
                operations::cancel(tx, self.operation_id, &counts)
            }
            ApplyOutcome::Waits => tx.enqueue_at(self, tx.now + LOOK_AGAIN),
        })
    }
}

impl Job for ApplyPlan {
    const KIND: &'static str = "import.apply";
    const IS_LONG: bool = true;
    const MAX_ATTEMPTS: i32 = 5;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let applied = if self.all_or_nothing {
            self.whole(run)
        } else {
            self.in_batches(run)
        };
        fail_with_import(run, applied, |tx, why| {
            apply::end_early(tx, self.import_id, Some(why))?;
            operations::fail(tx, self.operation_id, why)
        })
    }

    fn operation_id(&self) -> Option<Uuid> {
        Some(self.operation_id)
    }

    fn left_off(&self, tx: &mut Tx, problem: Option<&ApiError>) -> ApiResult<Value> {
        let counts = apply::end_early(tx, self.import_id, problem)?;
        serde_json::to_value(counts).map_err(ApiError::internal)
    }
}

/// What the file or the plan is to blame for ends the import with the operation, by `fail`.
fn fail_with_import(
    run: &JobRun,
    outcome: Result<(), JobError>,
    fail: impl Fn(&mut Tx, &ApiError) -> ApiResult<()>,
) -> Result<(), JobError> {
    match outcome {
        Err(JobError::Refused(why)) => run.finish(|tx| fail(tx, &why)),
        outcome => outcome,
    }
}
