//! What a job is.

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use crate::http::{ApiError, ApiResult};

/// Work that is done after the transaction that wants it, by any worker. The value is the payload.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// Its name in the queue; never changes.
    const KIND: &'static str;
    /// Attempts before it is a dead letter.
    const MAX_ATTEMPTS: i32 = 10;

    /// Of several waiting jobs with the same key, one is enough.
    fn unique_key(&self) -> Option<String> {
        None
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
    /// Another worker took over: this attempt's lease ran out, and it may write nothing more.
    #[error("the attempt was fenced off")]
    Fenced,
}

impl From<ApiError> for JobError {
    fn from(error: ApiError) -> Self {
        JobError::Retry(error.to_string())
    }
}

/// A job on its way into the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its id.
    pub id: Uuid,
    /// Its kind.
    pub kind: &'static str,
    /// What to do.
    pub payload: Value,
    /// See [`Job::unique_key`].
    pub unique_key: Option<String>,
    /// Not before.
    pub run_at: DateTime<Utc>,
    /// Attempts before it is a dead letter.
    pub max_attempts: i32,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
}

impl NewJob {
    /// `job`, to be run at once.
    pub fn of<J: Job>(job: &J, now: DateTime<Utc>) -> ApiResult<Self> {
        Ok(NewJob {
            id: Uuid::now_v7(),
            kind: J::KIND,
            payload: serde_json::to_value(job).map_err(ApiError::internal)?,
            unique_key: job.unique_key(),
            run_at: now,
            max_attempts: J::MAX_ATTEMPTS,
            created_at: now,
        })
    }
}
