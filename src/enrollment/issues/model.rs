//! The types of `/v1/rule-issues`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    db::schema::rule_issues,
    enrollment::target::Target,
    http::{
        FieldError,
        bulk::{ChangeRow, RowChange},
        rules::{complaints, rule},
    },
    resource,
    resource::{Create, Record, Update},
    text_enum,
};

text_enum! {
    /// What keeps a rule from giving a user a due date.
    IssueKind {
        /// The rule counts from a fact about the user that is missing: the first day of work, or a date attribute.
        MissingDate = "missing_date",
        /// The due date cannot be meant: it is before the user's first day of work, or a hundred years away.
        ImpossibleDate = "impossible_date",
        /// The course is retired, so nobody can begin it.
        TargetRetired = "target_retired",
        /// An override says that the user must, a waiver that they need not.
        Conflict = "conflict",
    }
}

text_enum! {
    /// What is decided about an issue.
    IssueChoice {
        /// It is due as the rule says, all the same. Of `impossible_date` and `target_retired`.
        AsScheduled = "as_scheduled",
        /// It is due on `due_on`. Of all but `conflict`.
        DueOn = "due_on",
        /// It stays required and is never due. Of all but `conflict`.
        NoDueDate = "no_due_date",
        /// The rule counts from the day on which the user joined its audience. Of `missing_date`, unless the rule names a day.
        CountFromJoining = "count_from_joining",
        /// The waiver counts. Of `conflict`.
        Waive = "waive",
        /// The waiver does not count. Of `conflict`.
        Require = "require",
    }
}

impl IssueKind {
    /// What can be decided about it.
    pub fn choices(self) -> &'static [IssueChoice] {
        use IssueChoice::{AsScheduled, CountFromJoining, DueOn, NoDueDate, Require, Waive};
        match self {
            IssueKind::MissingDate => &[CountFromJoining, DueOn, NoDueDate],
            IssueKind::ImpossibleDate | IssueKind::TargetRetired => &[AsScheduled, DueOn, NoDueDate],
            IssueKind::Conflict => &[Waive, Require],
        }
    }
}

/// An issue: a rule asks something of a user and cannot say by when. Until somebody decides, it is required without a due date.
/// Provost opens it, and closes it as soon as what is the matter is no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Record)]
#[diesel(table_name = rule_issues)]
pub struct RuleIssue {
    /// Our id.
    pub id: Uuid,
    /// What it is about, and what callers decide.
    #[serde(flatten)]
    #[diesel(embed)]
    pub fields: RuleIssueFields,
    /// Counts up with every change; the ETag.
    #[record(opaque)]
    pub version: i64,
    /// When it was opened.
    #[record(sort)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[record(sort)]
    pub updated_at: DateTime<Utc>,
    /// When it was closed: what was the matter is no more.
    pub closed_at: Option<DateTime<Utc>>,
}

/// What an issue is about, and what callers decide.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema, Validate, Record,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = rule_issues)]
#[validate(schema(function = fits, skip_on_field_errors = false))]
pub struct RuleIssueFields {
    /// The rule.
    #[record(fixed)]
    pub rule_id: Uuid,
    /// The user.
    #[record(fixed)]
    pub user_id: Uuid,
    /// What the rule asks for.
    #[record(fixed, opaque)]
    pub target: Target,
    /// What is the matter.
    #[record(fixed)]
    pub kind: IssueKind,
    /// What is decided; null while it is open.
    #[serde(default)]
    pub choice: Option<IssueChoice>,
    /// The day, with the choice `due_on`.
    #[serde(default)]
    pub due_on: Option<NaiveDate>,
    /// Why it was decided so, for those who ask later.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 1000,
        format = "multiline",
        example = "The contract was found: hired in 2019."
    )]
    #[record(opaque)]
    pub note: Option<String>,
}

/// What is decided about an issue.
pub type UpdateRuleIssue = Update<RuleIssue>;

/// An issue to decide about.
#[derive(Debug, Clone, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct BulkRuleIssueRow {
    /// Your name for the row, unique in the request; its result comes under it.
    #[schema(min_length = 1, max_length = 200, format = "verbatim", example = "line 17")]
    pub row_key: String,
    /// The id of the issue.
    pub id: Uuid,
    /// The version that you read; if it is not the current one, the row is refused with 412.
    #[serde(default)]
    #[schema(nullable = false)]
    pub version: Option<i64>,
    /// What is decided.
    #[validate(nested)]
    pub update: UpdateRuleIssue,
}

impl ChangeRow for BulkRuleIssueRow {
    type Create = Create<RuleIssue>;
    type Update = UpdateRuleIssue;
    const CHANGE: &'static str = "/update";

    fn has_one_form(&self) -> bool {
        true
    }

    fn into_change(self) -> Option<RowChange<Self::Create, Self::Update>> {
        Some(RowChange::Update {
            id: self.id,
            version: self.version,
            changes: self.update,
        })
    }

    fn id(&self) -> Option<Uuid> {
        Some(self.id)
    }
}

/// What is decided about all open issues of a rule and a kind.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = resolution_fits, skip_on_field_errors = false))]
pub struct ResolveIssues {
    /// The kind.
    pub kind: IssueKind,
    /// What is decided.
    pub choice: IssueChoice,
    /// The day, with the choice `due_on`.
    #[serde(default)]
    pub due_on: Option<NaiveDate>,
    /// Why, for those who ask later.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 1000, format = "multiline")]
    pub note: Option<String>,
}

/// How many issues were decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResolvedIssues {
    /// Issues that were open and are resolved.
    pub resolved: i64,
}

resource!(RuleIssue in rule_issues, fields: RuleIssueFields, name: "issue", kind: "rule_issue", external: None,
    read: RequirementsRead, write: RequirementsWrite,
    covered: |scope| scope.users("rule_issues.user_id"),
    archived: closed_at as "closed", restored: never);

fn fits(issue: &RuleIssueFields) -> Result<(), ValidationError> {
    match issue.choice {
        Some(choice) => decision_fits(issue.kind, choice, issue.due_on),
        None if issue.due_on.is_some() => rule("/due_on", "needs the choice due_on"),
        None => Ok(()),
    }
}

fn resolution_fits(given: &ResolveIssues) -> Result<(), ValidationError> {
    decision_fits(given.kind, given.choice, given.due_on)
}

fn decision_fits(
    kind: IssueKind,
    choice: IssueChoice,
    due_on: Option<NaiveDate>,
) -> Result<(), ValidationError> {
    let choices = kind.choices();
    if !choices.contains(&choice) {
        let names: Vec<&str> = choices.iter().map(|choice| choice.as_str()).collect();
        let detail = format!("is no choice for {}: choose {}", kind.as_str(), names.join(", "));
        return complaints([FieldError::new("/choice", detail)]);
    }
    match (choice, due_on) {
        (IssueChoice::DueOn, None) => rule("/due_on", "is required with the choice due_on"),
        (IssueChoice::DueOn, Some(_)) | (_, None) => Ok(()),
        (_, Some(_)) => rule("/due_on", "needs the choice due_on"),
    }
}
