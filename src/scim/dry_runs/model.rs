//! The types of `/v1/scim/dry-runs`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{db::schema::scim_dry_runs, http::Versioned, protected};

/// A request of SCIM that was tried only, and what it would have changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, Insertable, ToSchema)]
#[diesel(table_name = scim_dry_runs)]
pub struct ScimDryRun {
    /// Our id.
    pub id: Uuid,
    /// The service account that asked.
    pub service_account_id: Uuid,
    /// The secret that it asked with.
    pub secret_id: Uuid,
    /// The request's id.
    pub request_id: String,
    /// What was asked for: its method.
    #[schema(example = "PATCH")]
    pub method: String,
    /// What was asked for: its path.
    #[schema(example = "/scim/v2/Users")]
    pub path: String,
    /// What was asked for: its body, without passwords.
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
    /// How it was answered.
    #[schema(minimum = 200, maximum = 599)]
    pub status: i32,
    /// Why it was refused, if it was.
    pub detail: Option<String>,
    /// What it would have changed. What would follow, such as requirements by rules, is not told.
    #[schema(value_type = Vec<ScimDryRunChange>)]
    pub changes: Value,
    /// When it was asked.
    pub created_at: DateTime<Utc>,
}

/// Something that a request would have changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScimDryRunChange {
    /// What would have been done.
    #[schema(example = "user.updated")]
    pub action: String,
    /// To what.
    #[schema(example = "user")]
    pub object_kind: String,
    /// To which; of something new, the id that it would have had.
    pub object_id: Uuid,
    /// The person whom it is about.
    pub user_id: Option<Uuid>,
    /// The fields that would have another value, each with what it is (`before`) and would be (`after`).
    #[schema(value_type = Object)]
    pub fields: BTreeMap<String, ScimDryRunField>,
}

/// A field that would have another value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScimDryRunField {
    /// What it is.
    pub before: Value,
    /// What it would be.
    pub after: Value,
}

/// What was tried does not change.
impl Versioned for ScimDryRun {
    fn version(&self) -> i64 {
        1
    }
}

protected!(ScimDryRun in scim_dry_runs, name: "dry run", external: None, read: EventsRead,
    covered: |scope| scope.global());
