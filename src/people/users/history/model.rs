//! The types of `/v1/users/{user_id}/history`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{db::schema::user_history, people::users::model::UserStatus};

/// A period in which a user's job fields and custom attributes stayed the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = user_history)]
pub struct UserPeriod {
    /// Our id.
    pub id: Uuid,
    /// The person.
    pub user_id: Uuid,
    /// When it began.
    pub valid_from: DateTime<Utc>,
    /// When it ended; none for the present one.
    pub valid_to: Option<DateTime<Utc>>,
    /// The status.
    pub status: UserStatus,
    /// Job title.
    pub title: Option<String>,
    /// The job's code in the HR system.
    pub job_code: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Where they worked, in the HR system's words.
    pub location: Option<String>,
    /// Cost centre.
    pub cost_centre: Option<String>,
    /// Kind of employment.
    pub employment_type: Option<String>,
    /// The manager.
    pub manager_id: Option<Uuid>,
    /// The org unit.
    pub org_unit_id: Option<Uuid>,
    /// The location.
    pub location_id: Option<Uuid>,
    /// Custom attributes by name.
    #[schema(value_type = Object)]
    pub attributes: Value,
}
