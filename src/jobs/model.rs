//! The types of `/v1/jobs`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{db::schema::jobs, text_enum};

text_enum! {
    /// Where a job stands.
    JobState {
        /// Waits for its time and for a worker.
        Ready = "ready",
        /// A worker has it.
        Running = "running",
        /// Done; kept for a week.
        Succeeded = "succeeded",
        /// Given up after its last attempt; kept for a month, and can be retried.
        Dead = "dead",
    }
}

/// A retried job as its event tells of it: its payload is no business of the ledger's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RetriedJob {
    /// What kind of work.
    #[schema(example = "system.purge")]
    pub kind: String,
    /// Attempts until then.
    pub attempts: i32,
    /// Why the last of them failed.
    pub last_error: Option<String>,
    /// The request in which it was queued.
    pub request_id: String,
}

impl From<&QueuedJob> for RetriedJob {
    fn from(job: &QueuedJob) -> Self {
        RetriedJob {
            kind: job.kind.clone(),
            attempts: job.attempts,
            last_error: job.last_error.clone(),
            request_id: job.request_id.clone(),
        }
    }
}

/// Work in the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = jobs)]
#[schema(as = Job)]
pub struct QueuedJob {
    /// Our id.
    pub id: Uuid,
    /// What kind of work.
    #[schema(example = "system.purge")]
    pub kind: String,
    /// What to do.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// The status.
    pub state: JobState,
    /// Jobs of higher priority are begun first.
    pub priority: i16,
    /// Not begun before.
    pub run_at: DateTime<Utc>,
    /// Attempts until now.
    pub attempts: i32,
    /// Attempts before it is given up.
    pub max_attempts: i32,
    /// Until when its worker has it, if it does not ask for longer.
    pub lease_until: Option<DateTime<Utc>>,
    /// The worker that had it last.
    pub worker: Option<String>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// Who caused it.
    pub on_behalf_of: Option<Uuid>,
    /// The request in which they did.
    pub request_id: String,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}
