//! A kind of job and what runs it, as the list in `cli/worker.rs` holds it.

use serde_json::Value;
use uuid::Uuid;

use super::{Job, JobError, JobRun};
use crate::{
    app::Tx,
    http::{ApiError, ApiResult},
};

/// A kind of job that a worker knows how to run. Jobs of other kinds are left to other workers.
#[derive(Debug, Clone, Copy)]
pub struct Handler {
    /// The kind.
    pub kind: &'static str,
    pub(super) run: fn(&Value, &JobRun) -> Result<(), JobError>,
    pub(super) operation_id: fn(&Value) -> Option<Uuid>,
    pub(super) left_off: fn(&Value, &mut Tx, Option<&ApiError>) -> ApiResult<Value>,
}

impl Handler {
    /// The handler of `J`.
    pub const fn of<J: Job>() -> Self {
        Handler {
            kind: J::KIND,
            run: run::<J>,
            operation_id: operation_id::<J>,
            left_off: left_off::<J>,
        }
    }
}

fn run<J: Job>(payload: &Value, run: &JobRun) -> Result<(), JobError> {
    let job: J = serde_json::from_value(payload.clone())
        .map_err(|error| JobError::Dead(format!("the payload cannot be read: {error}")))?;
    job.run(run)
}

fn operation_id<J: Job>(payload: &Value) -> Option<Uuid> {
    let job: J = serde_json::from_value(payload.clone()).ok()?;
    job.operation_id()
}

fn left_off<J: Job>(payload: &Value, tx: &mut Tx, problem: Option<&ApiError>) -> ApiResult<Value> {
    match serde_json::from_value::<J>(payload.clone()) {
        Ok(job) => job.left_off(tx, problem),
        // Nobody can tell what it was about.
        Err(_) => Ok(Value::Null),
    }
}
