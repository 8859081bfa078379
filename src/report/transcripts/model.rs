//! The types of `/v1/reports/transcripts`.

use chrono::NaiveDate;
use diesel::{
    Queryable, QueryableByName, Selectable,
    sql_types::{Date, Double, Nullable, Text, Uuid as SqlUuid},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    db::{Sql, schema::users},
    http::{
        Parameters,
        csv::{CsvRow, Format, cell},
    },
    protected, sql, text_enum,
};

/// How a transcript is answered.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TranscriptQuery {
    /// `json` or `csv`; overrides `Accept`.
    #[param(inline)]
    pub format: Option<Format>,
    /// Begin CSV with a byte order mark, so that Excel shows all letters as they are. JSON never has one.
    #[param(default = false)]
    pub bom: Option<bool>,
}

impl Parameters for TranscriptQuery {}

text_enum! {
    /// What a line of a transcript is about.
    TranscriptKind {
        /// The person completed a course.
        Completion = "completion",
        /// They took or take a course.
        Enrollment = "enrollment",
        /// They must take a course.
        Requirement = "requirement",
        /// They were given a certificate.
        Certificate = "certificate",
    }
}

/// The user of the transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = users)]
pub struct TranscriptLearner {
    /// Our id.
    pub id: Uuid,
    /// The new password.
    pub username: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
}

protected!(TranscriptLearner in users, name: "user", external: Some("user"), read: CompletionsRead,
covered: |scope| Sql::any([scope.users("users.id"), sql!(
    "EXISTS (SELECT FROM completions done WHERE done.user_id = users.id AND {courses})",
    courses = scope.courses("done.course_id"),
)]));

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, QueryableByName, ToSchema)]
pub struct TranscriptEntry {
    /// What the line is about.
    #[diesel(sql_type = Text)]
    pub kind: TranscriptKind,
    /// The id of the completion, enrollment, requirement or certificate.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The course.
    #[diesel(sql_type = SqlUuid)]
    pub course_id: Uuid,
    /// Its code.
    #[diesel(sql_type = Text)]
    pub course_code: String,
    /// Its title: of the version that was taken, and its present one for requirements.
    #[diesel(sql_type = Text)]
    pub course_title: String,
    /// Where it stands today: `valid`, `expired`, `corrected` or `void` for a completion; the state of an enrollment or
    /// certificate; the status of a requirement.
    #[diesel(sql_type = Text)]
    #[schema(example = "valid")]
    pub status: String,
    /// The day of completion, enrollment or issue, in the person's time zone; or from when a requirement counts.
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    /// By when, for a requirement.
    #[diesel(sql_type = Nullable<Date>)]
    pub due_on: Option<NaiveDate>,
    /// The last day on which it counts.
    #[diesel(sql_type = Nullable<Date>)]
    pub valid_until: Option<NaiveDate>,
    /// The score of a completion, from 0 to 100.
    #[diesel(sql_type = Nullable<Double>)]
    pub score: Option<f64>,
    /// The serial of a certificate.
    #[diesel(sql_type = Nullable<Text>)]
    pub serial: Option<String>,
}

/// A user's completions, enrollments, requirements and certificates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Transcript {
    /// The user.
    pub learner: TranscriptLearner,
    /// The day of the report: today, in UTC.
    pub day: NaiveDate,
    /// The latest first.
    pub entries: Vec<TranscriptEntry>,
}

impl CsvRow for TranscriptEntry {
    const HEADER: &'static [&'static str] = &[
        "kind",
        "id",
        "course_id",
        "course_code",
        "course_title",
        "status",
        "day",
        "due_on",
        "valid_until",
        "score",
        "serial",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.kind.as_str().to_owned(),
            self.id.to_string(),
            self.course_id.to_string(),
            self.course_code.clone(),
            self.course_title.clone(),
            self.status.clone(),
            self.day.to_string(),
            cell(self.due_on.as_ref()),
            cell(self.valid_until.as_ref()),
            cell(self.score.as_ref()),
            cell(self.serial.as_ref()),
        ]
    }
}
