//! What a requirement asks for.

use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{http::ApiError, json_column, text_enum};

text_enum! {
    /// The kind of a target.
    TargetKind {
        /// A course: a valid completion of it, or of an equivalent one.
        Course = "course",
    }
}

/// What must be completed.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    AsExpression,
    FromSqlRow,
)]
#[diesel(sql_type = Jsonb)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// Its id.
    pub id: Uuid,
}

json_column!(Target);

impl Target {
    /// A course as a target.
    pub fn course(id: Uuid) -> Self {
        Target {
            kind: TargetKind::Course,
            id,
        }
    }

    /// The course, if it is one.
    pub fn course_id(&self) -> Option<Uuid> {
        match self.kind {
            TargetKind::Course => Some(self.id),
        }
    }
}

/// Says of a target what was said of a course: at `/target/id` instead of `/course_id`.
pub fn said_of_target(mut error: ApiError) -> ApiError {
    for fault in &mut error.fields {
        if fault.pointer == "/course_id" {
            fault.pointer = "/target/id".into();
        }
    }
    error
}
