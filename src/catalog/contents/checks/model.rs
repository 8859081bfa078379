//! The types of `/v1/content-checks`.

use chrono::{DateTime, Utc};
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::{
    catalog::contents::findings::{FindingCode, FindingSeverity},
    http::{FieldError, Versioned, rules::complaints},
    json_column, text_enum,
};

text_enum! {
    /// What a finding does when a course is published that uses the content.
    ContentCheckAction {
        /// It is shown.
        Warn = "warn",
        /// The course is not published.
        Block = "block",
    }
}

/// What a finding does, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContentCheckChoice {
    /// The finding.
    pub code: FindingCode,
    /// What it does.
    pub action: ContentCheckAction,
}

/// Choices that differ from what is there without any.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(transparent)]
#[diesel(sql_type = Jsonb)]
pub struct ContentCheckChoices(pub Vec<ContentCheckChoice>);

json_column!(ContentCheckChoices);

/// What a kind of finding means, and what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContentCheck {
    /// The finding.
    pub code: FindingCode,
    /// What it does when a course is published.
    pub action: ContentCheckAction,
    /// How bad it is.
    pub severity: FindingSeverity,
    /// The success criterion of WCAG 2.2 that content with it fails.
    #[schema(example = "1.1.1")]
    pub wcag: Option<String>,
    /// What it means.
    pub meaning: String,
}

/// All kinds of findings, and what each does when a course is published that uses the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContentChecks {
    /// One for each kind of finding.
    pub checks: Vec<ContentCheck>,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When they were last changed; null if they never were.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What findings are to do. Those that are left out do what they do without any choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ReplaceContentChecks {
    /// At most one for each kind of finding.
    #[schema(max_items = 100)]
    #[validate(custom(function = are_single))]
    pub checks: Vec<ContentCheckChoice>,
}

fn are_single(checks: &[ContentCheckChoice]) -> Result<(), validator::ValidationError> {
    let faults = checks.iter().enumerate().filter_map(|(index, check)| {
        let is_repeated = checks[..index].iter().any(|earlier| earlier.code == check.code);
        is_repeated.then(|| FieldError::new(format!("/checks/{index}/code"), "stands twice"))
    });
    complaints(faults.collect::<Vec<_>>())
}

impl ContentCheckChoices {
    /// What a finding does.
    pub fn action(&self, code: FindingCode) -> ContentCheckAction {
        let chosen = self.0.iter().find(|choice| choice.code == code);
        chosen.map_or_else(|| by_default(code), |choice| choice.action)
    }
}

/// What cannot be taken blocks.
fn by_default(code: FindingCode) -> ContentCheckAction {
    match code {
        FindingCode::PackageRefused | FindingCode::LaunchFileMissing => ContentCheckAction::Block,
        _ => ContentCheckAction::Warn,
    }
}

impl ContentChecks {
    /// All checks, with these choices.
    pub fn new(choices: &ContentCheckChoices, version: i64, updated_at: Option<DateTime<Utc>>) -> Self {
        let checks = FindingCode::ALL.iter().map(|code| ContentCheck {
            code: *code,
            action: choices.action(*code),
            severity: code.severity(),
            wcag: code.wcag().map(str::to_owned),
            meaning: code.meaning().to_owned(),
        });
        ContentChecks {
            checks: checks.collect(),
            version,
            updated_at,
        }
    }
}

impl Versioned for ContentChecks {
    fn version(&self) -> i64 {
        self.version
    }
}
