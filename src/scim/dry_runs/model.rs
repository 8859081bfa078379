//! The types of `/v1/scim/dry-runs`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{db::schema::scim_dry_runs, http::Versioned, protected};

/// A SCIM request that was only tried, and what it would have changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, Insertable, ToSchema)]
#[diesel(table_name = scim_dry_runs)]
pub struct ScimDryRun {
    /// Our id.
    pub id: Uuid,
    /// The service account of the request.
    pub service_account_id: Uuid,
    /// The secret of the request's token.
    pub secret_id: Uuid,
    /// The request's id.
    pub request_id: String,
    /// The method of the request.
    #[schema(example = "PATCH")]
    pub method: String,
    /// The path of the request.
    #[schema(example = "/scim/v2/Users")]
    pub path: String,
    /// The body of the request, without passwords.
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
    /// The status of the answer.
    #[schema(minimum = 200, maximum = 599)]
    pub status: i32,
    /// Why it was refused, if it was.
    pub detail: Option<String>,
    /// What the request would have changed, without consequences such as requirements from rules.
    #[schema(value_type = Vec<ScimDryRunChange>)]
    pub changes: Value,
    /// When the request came.
    pub created_at: DateTime<Utc>,
}

/// An object that a request would have changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScimDryRunChange {
    /// What would have been done.
    #[schema(example = "user.updated")]
    pub action: String,
    /// The object.
    #[schema(example = "user")]
    pub object_kind: String,
    /// The object; of a new one, the id that it would have had.
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
