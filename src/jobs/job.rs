//! What a job is.

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use super::JobRun;
use crate::{
    app::{NewJob, Queueable, Tx},
    db::DbError,
    http::{ApiError, ApiResult, Code},
};

/// Work that is done after the transaction that wants it, by any worker. The value is the payload.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// Its name in the queue; never changes.
    const KIND: &'static str;
    /// Attempts before it is a dead letter.
    const MAX_ATTEMPTS: i32 = 10;
    /// Jobs of higher priority are begun first.
    const PRIORITY: i16 = 0;
    /// Whether one job may take seconds, because it reads or writes many rows. A worker runs few of these at once, so that
    /// they keep no short job waiting; see [`long_jobs`](super::long_jobs).
    const IS_LONG: bool = false;

    /// Does the work. It may be run again after any failure, so what it writes goes through [`JobRun::write`],
    /// and its last write through [`JobRun::finish`].
    fn run(&self, run: &JobRun) -> Result<(), JobError>;

    /// Of several waiting jobs with the same key, one is enough. One that runs already does not count.
    fn unique_key(&self) -> Option<String> {
        None
    }

    /// The operation whose work this is. The worker starts it, skips the work of one that was cancelled, and
    /// fails it when the job becomes a dead letter.
    fn operation_id(&self) -> Option<Uuid> {
        None
    }

    /// Called where the job's work ends without [`Job::run`]: its operation was cancelled (no `problem`), or the job is a dead
    /// letter. What stands beside the operation ends here too; answers what the operation is to tell of what was done.
    fn left_off(&self, _tx: &mut Tx, _problem: Option<&ApiError>) -> ApiResult<Value> {
        Ok(Value::Null)
    }
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It may succeed later.
    #[error("{0}")]
    Retry(String),
    /// It never will.
    #[error("{0}")]
    Dead(String),
    /// It never will; this text says why to clients that watch the operation.
    #[error("{0}")]
    Refused(ApiError),
    /// Another worker took over: this attempt's lease ran out, and it may write nothing more.
    #[error("the attempt was fenced off")]
    Fenced,
}

/// What is wrong with the request stays wrong; what is wrong with the moment passes.
impl From<ApiError> for JobError {
    fn from(error: ApiError) -> Self {
        let may_pass = matches!(
            error.code,
            Code::AlreadyExists | Code::RequestInProgress | Code::TooManyRequests
        );
        if error.code.status().is_client_error() && !may_pass {
            JobError::Refused(error)
        } else {
            JobError::Retry(error.to_string())
        }
    }
}

impl From<DbError> for JobError {
    fn from(error: DbError) -> Self {
        ApiError::from(error).into()
    }
}

impl<J: Job> Queueable for J {
    fn to_new_job(&self, now: DateTime<Utc>) -> ApiResult<NewJob> {
        Ok(NewJob {
            id: Uuid::now_v7(),
            kind: J::KIND,
            payload: serde_json::to_value(self).map_err(ApiError::internal)?,
            unique_key: self.unique_key(),
            is_long: J::IS_LONG,
            priority: J::PRIORITY,
            run_at: now,
            max_attempts: J::MAX_ATTEMPTS,
            on_behalf_of: None,
            request_id: String::new(),
            created_at: now,
        })
    }
}
