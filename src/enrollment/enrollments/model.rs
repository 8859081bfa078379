//! The types of `/v1/enrollments`.

use chrono::{DateTime, Utc};
use diesel::{Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    bulk_row,
    db::{Fixed, schema::enrollments},
    enrollment::people::Pair,
    http::Versioned,
    protected,
    resource::Record,
    text_enum,
};

text_enum! {
    /// How far a user is with a course.
    EnrollmentState {
        /// Waits for approval.
        PendingApproval = "pending_approval",
        /// Waits for a place.
        Waitlisted = "waitlisted",
        /// May begin.
        Enrolled = "enrolled",
        /// Has begun.
        InProgress = "in_progress",
        /// Done.
        Completed = "completed",
        /// Did not pass.
        Failed = "failed",
        /// Taken back; what was done stays on record.
        Withdrawn = "withdrawn",
        /// Ran out.
        Expired = "expired",
        /// Leave was refused.
        Denied = "denied",
    }
}

impl EnrollmentState {
    /// Whether something may still come of it.
    pub fn is_live(self) -> bool {
        use EnrollmentState::{Enrolled, InProgress, PendingApproval, Waitlisted};
        matches!(self, PendingApproval | Waitlisted | Enrolled | InProgress)
    }

    /// Whether its learner still sees what they learnt in it; [`IS_OPEN_TO_LEARNER`] says the same.
    pub fn is_open_to_learner(self) -> bool {
        use EnrollmentState::{Denied, Expired, Withdrawn};
        !matches!(self, Withdrawn | Expired | Denied)
    }
}

/// Whether the learner of the enrollment `e` still sees what they learnt in it.
pub const IS_OPEN_TO_LEARNER: Fixed = Fixed("e.state NOT IN ('withdrawn', 'expired', 'denied')");

text_enum! {
    /// Who made an enrollment.
    EnrollmentSource {
        /// A rule.
        Rule = "rule",
        /// Somebody else.
        Person = "person",
        /// The learner.
        Self_ = "self",
    }
}

text_enum! {
    /// What an enrollment is for.
    EnrollmentKind {
        /// Learning: it may complete the course.
        Normal = "normal",
        /// Trying out a candidate for the next version: it satisfies, completes and certifies nothing, and counts in no report.
        Test = "test",
    }
}

/// An enrollment: one occurrence of a person's taking a course.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, Insertable, ToSchema, Record,
)]
#[diesel(table_name = enrollments)]
pub struct Enrollment {
    /// Our id.
    pub id: Uuid,
    /// Who.
    pub user_id: Uuid,
    /// What.
    pub course_id: Uuid,
    /// The version of the course that they take, whatever is published later.
    pub course_version_id: Uuid,
    /// How far they are.
    pub state: EnrollmentState,
    /// Who made it.
    pub source: EnrollmentSource,
    /// What it is for.
    pub kind: EnrollmentKind,
    /// How much of the course is done.
    #[schema(minimum = 0, maximum = 100)]
    pub progress_percent: i16,
    /// When they were enrolled.
    pub enrolled_at: DateTime<Utc>,
    /// When they began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended, however it did.
    pub ended_at: Option<DateTime<Utc>>,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was added.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Enrollment {
    /// A new one, which has not begun.
    pub fn new(
        (user_id, course_id): Pair,
        course_version_id: Uuid,
        source: EnrollmentSource,
        kind: EnrollmentKind,
        now: DateTime<Utc>,
    ) -> Self {
        Enrollment {
            id: Uuid::now_v7(),
            user_id,
            course_id,
            course_version_id,
            state: EnrollmentState::Enrolled,
            source,
            kind,
            progress_percent: 0,
            enrolled_at: now,
            started_at: None,
            ended_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

impl Versioned for Enrollment {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(Enrollment in enrollments, name: "enrollment", external: None, read: EnrollmentsRead,
    covered: |scope| scope.facts("enrollments.user_id", "enrollments.course_id"));

/// The version of the course that an enrollment has, as the event of a move tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EnrollmentVersion {
    /// The enrollment.
    pub enrollment_id: Uuid,
    /// The course.
    pub course_id: Uuid,
    /// The version.
    pub course_version_id: Uuid,
    /// Its number.
    pub course_version_number: i32,
}

/// An enrollment to create.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateEnrollment {
    /// Who.
    pub user_id: Uuid,
    /// What.
    pub course_id: Uuid,
}

/// Progress.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct UpdateEnrollment {
    /// How much of the course is done; 100 completes it.
    #[schema(minimum = 0, maximum = 100, nullable = false)]
    pub progress_percent: Option<i16>,
}

/// The withdrawal of an enrollment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct WithdrawEnrollment {
    /// Why.
    #[serde(default)]
    #[schema(max_length = 2000, format = "multiline")]
    pub reason: Option<String>,
}

bulk_row! {
    /// A user to be enrolled, or an enrollment to be withdrawn: either `create`, or `id` with `withdraw`.
    BulkEnrollmentRow: CreateEnrollment,
    /// Withdraws it.
    withdraw: WithdrawEnrollment
}
