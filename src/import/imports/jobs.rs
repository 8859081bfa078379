//! The jobs that plan and apply.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::store;
use crate::{
    http::{ApiError, ApiResult},
    import::{apply, plan},
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
    const MAX_ATTEMPTS: i32 = 5;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let planned = run.finish(|tx| {
            let assessment = plan::plan(tx, self.import_id, &|rows| run.progress(rows))?;
            operations::set_total(tx, self.operation_id, assessment.counts.rows)?;
            operations::succeed(tx, self.operation_id, &assessment.counts)
        });
        or_fail(run, planned, self.import_id, self.operation_id)
    }

    fn operation_id(&self) -> Option<Uuid> {
        Some(self.operation_id)
    }
}

/// Applies an import's plan.
#[derive(Debug, Serialize, Deserialize)]
pub struct ApplyPlan {
    /// Which.
    pub import_id: Uuid,
    /// The operation that tells of it.
    pub operation_id: Uuid,
    /// The plan's hash.
    pub plan_hash: String,
    /// Lets the plan remove more than its profile allows.
    pub allow_removals_percent: Option<u32>,
}

impl Job for ApplyPlan {
    const KIND: &'static str = "import.apply";
    const MAX_ATTEMPTS: i32 = 5;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let applied = run.finish(|tx| {
            let counts = apply::apply(
                tx,
                self.import_id,
                &self.plan_hash,
                self.allow_removals_percent,
                &|rows| run.progress(rows),
            )?;
            operations::succeed(tx, self.operation_id, &counts)
        });
        or_fail(run, applied, self.import_id, self.operation_id)
    }

    fn operation_id(&self) -> Option<Uuid> {
        Some(self.operation_id)
    }
}

/// What the file or the plan is to blame for fails the import with the operation.
fn or_fail(
    run: &JobRun,
    outcome: Result<(), JobError>,
    import: Uuid,
    operation: Uuid,
) -> Result<(), JobError> {
    let fail = |why: &ApiError| -> Result<(), JobError> {
        run.finish(|tx| -> ApiResult<()> {
            store::failed(tx, import, why)?;
            operations::fail(tx, operation, why)
        })
    };
    match outcome {
        Err(JobError::Refused(why)) => fail(&why),
        outcome => outcome,
    }
}
