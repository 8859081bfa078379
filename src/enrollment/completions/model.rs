//! The types of `/v1/completions`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{Insertable, Queryable, Selectable, sql_types};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    bulk_row,
    db::{schema::completions, sql::Fragment},
    http::Versioned,
    instant, protected,
    resource::Record,
    sql, text_enum,
};

text_enum! {
    /// The source of a completion.
    CompletionSource {
        /// The learner, by finishing the course.
        Learner = "learner",
        /// A user with the permission to record it.
        Administrator = "administrator",
        /// A file.
        Import = "import",
        /// Another system.
        Integration = "integration",
        /// What the learner did with the activities of the course.
        Content = "content",
    }
}

/// A completion: evidence that a user completed a course. It never changes; a correction supersedes it.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, Insertable, ToSchema, Record,
)]
#[diesel(table_name = completions)]
pub struct Completion {
    /// Our id.
    pub id: Uuid,
    /// Who.
    pub user_id: Uuid,
    /// What.
    pub course_id: Uuid,
    /// Which version of it.
    pub course_version_id: Uuid,
    /// The enrollment that it completed.
    pub enrollment_id: Option<Uuid>,
    /// When the user completed the course.
    pub occurred_at: DateTime<Utc>,
    /// The day on which it happened, in the person's time zone.
    pub occurred_on: NaiveDate,
    /// When it was recorded here.
    #[record(sort)]
    pub recorded_at: DateTime<Utc>,
    /// The source of the evidence.
    pub source: CompletionSource,
    /// The score, of 100.
    #[schema(minimum = 0, maximum = 100)]
    pub score: Option<f64>,
    /// The evidence: a reference, a URL, a remark.
    #[record(opaque)]
    pub evidence: Option<String>,
    /// The last day that the evidence itself names, such as a certificate from elsewhere. Until when the completion counts
    /// for a requirement stands there: `valid_until`.
    pub expires_on: Option<NaiveDate>,
    /// The completion that this one corrects.
    pub supersedes_id: Option<Uuid>,
    /// Whether it says that the completion which it corrects did not happen.
    pub is_void: bool,
    /// The correction, if there is one; this completion then no longer counts.
    #[diesel(
        skip_insertion,
        select_expression = superseded_by(),
        select_expression_type = Fragment<sql_types::Nullable<sql_types::Uuid>>
    )]
    #[record(elsewhere)]
    pub superseded_by_id: Option<Uuid>,
}

fn superseded_by() -> Fragment<sql_types::Nullable<sql_types::Uuid>> {
    Fragment::new(sql!(
        "(SELECT s.id FROM completions s WHERE s.user_id = completions.user_id
                AND s.supersedes_id = completions.id)"
    ))
}

/// All that can happen to it is that a correction supersedes it.
impl Versioned for Completion {
    fn version(&self) -> i64 {
        if self.superseded_by_id.is_some() { 2 } else { 1 }
    }
}

protected!(Completion in completions, name: "completion", external: None, read: CompletionsRead,
    covered: |scope| scope.facts("completions.user_id", "completions.course_id"));

/// A completion to record.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateCompletion {
    /// Who.
    pub user_id: Uuid,
    /// What.
    pub course_id: Uuid,
    /// When the user completed the course; default: now.
    #[serde(default, deserialize_with = "instant::optional")]
    pub occurred_at: Option<DateTime<Utc>>,
    /// The score, of 100.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub score: Option<f64>,
    /// What proves it.
    #[serde(default)]
    #[schema(max_length = 2000, format = "multiline")]
    pub evidence: Option<String>,
    /// The last day that the evidence itself names, such as a certificate from elsewhere.
    #[serde(default)]
    pub expires_on: Option<NaiveDate>,
    /// The source of the evidence; default: `administrator` if a user calls, `integration` if a service account does.
    #[serde(default)]
    pub source: Option<CompletionSource>,
}

/// A correction: what is absent stays as it was, null empties it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CorrectCompletion {
    /// When it happened.
    #[serde(default, deserialize_with = "instant::optional")]
    #[schema(nullable = false)]
    pub occurred_at: Option<DateTime<Utc>>,
    /// The score, of 100.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
    pub score: Option<Option<f64>>,
    /// What proves it.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<String>, max_length = 2000, format = "multiline")]
    pub evidence: Option<Option<String>>,
    /// The last day that the evidence itself names.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<NaiveDate>)]
    pub expires_on: Option<Option<NaiveDate>>,
    /// True says that the course was not completed at all: what the completion had satisfied is open again, and its
    /// certificate is revoked.
    #[serde(default)]
    #[schema(default = false)]
    pub is_void: bool,
    /// Why it is corrected.
    #[schema(min_length = 1, max_length = 2000, format = "multiline")]
    pub reason: String,
}

bulk_row! {
    /// A completion to be recorded, or one to be corrected: either `create`, or `id` with `correct`.
    BulkCompletionRow: CreateCompletion,
    /// Corrects it.
    correct: CorrectCompletion
}
