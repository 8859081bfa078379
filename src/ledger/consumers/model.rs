//! The types of `/v1/set-aside-events`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{db::schema::set_aside_events, protected};

/// An event that a consumer failed to react to, ten times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = set_aside_events)]
pub struct SetAsideEvent {
    /// Our id.
    pub id: Uuid,
    /// The consumer that failed.
    #[schema(example = "certificates")]
    pub consumer: String,
    /// The event's position in the ledger.
    pub position: i64,
    /// Attempts until now.
    pub attempts: i32,
    /// Why the last attempt failed.
    pub last_error: String,
    /// When it was set aside.
    pub created_at: DateTime<Utc>,
}

protected!(SetAsideEvent in set_aside_events, name: "set-aside event", external: None, read: JobsRead,
covered: |scope| scope.global());
