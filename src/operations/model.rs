//! The types of `/v1/operations`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    authz::ActorKind,
    db::schema::operations,
    http::{Problem, Versioned},
    text_enum,
};

text_enum! {
    /// How far an operation is.
    OperationStatus {
        /// Waits for a worker.
        Pending = "pending",
        /// Is being worked on.
        Running = "running",
        /// Done; `result` says what came out.
        Succeeded = "succeeded",
        /// Given up; `problem` says why.
        Failed = "failed",
        /// Ended early because somebody asked for it; what was done until then stays.
        Cancelled = "cancelled",
    }
}

/// Work that takes longer than a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = operations)]
pub struct Operation {
    /// Our id.
    pub id: Uuid,
    /// What is being done.
    #[schema(example = "ledger.verification")]
    pub kind: String,
    /// How far it is.
    pub status: OperationStatus,
    /// Rows or steps done.
    pub progress: i64,
    /// How many there are, where that is known.
    pub total: Option<i64>,
    /// What came out; its form depends on the kind.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    /// Why it failed.
    #[schema(value_type = Option<Problem>)]
    pub problem: Option<Value>,
    /// Whether somebody asked for it to end early.
    pub cancel_requested: bool,
    /// What kind of principal it belongs to.
    pub created_by_kind: ActorKind,
    /// Whose it is: the principal who began it, or in whose place somebody did; none for Provost itself.
    pub created_by: Option<Uuid>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When a worker took it up.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Counts up with every change; the ETag.
    pub version: i64,
}

/// An operation as events tell of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationState {
    /// What is being done.
    #[schema(example = "ledger.verification")]
    pub kind: String,
    /// How far it is.
    pub status: OperationStatus,
    /// Why it failed.
    #[schema(value_type = Option<Problem>)]
    pub problem: Option<Value>,
}

impl From<&Operation> for OperationState {
    fn from(operation: &Operation) -> Self {
        OperationState {
            kind: operation.kind.clone(),
            status: operation.status,
            problem: operation.problem.clone(),
        }
    }
}

impl Versioned for Operation {
    fn version(&self) -> i64 {
        self.version
    }
}
