//! The types of `/v1/reports/compliance`.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::{
    FieldError, Parameters,
    csv::{CsvRow, Format, cell},
};

/// What a compliance report is about.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ComplianceQuery {
    /// An org unit: it and all below it. Default: all units, and users without one.
    pub org_unit_id: Option<Uuid>,
    /// One course; default: all.
    pub course_id: Option<Uuid>,
    /// A filter over users.
    #[param(max_length = 4096)]
    pub filter: Option<String>,
    /// `json` or `csv`; overrides `Accept`.
    #[param(inline)]
    pub format: Option<Format>,
    /// Begin CSV with a byte order mark, so that Excel shows all letters as they are. JSON never has one.
    #[param(default = false)]
    pub bom: Option<bool>,
    /// What is wrong with the parameters so far.
    #[serde(skip)]
    pub faults: Vec<FieldError>,
}

impl Parameters for ComplianceQuery {
    fn fault_collector(&mut self) -> Option<&mut Vec<FieldError>> {
        Some(&mut self.faults)
    }
}

/// Counts of users and of their requirements.
///
/// A user and a course count once, whatever the number of cycles, and only while the requirement has a reason:
/// `required` is the sum of `satisfied`, `open`, `overdue`, `expired` and `upcoming`. The latest cycle decides, except
/// that a renewal which is not yet late counts as satisfied while the completion before it is valid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComplianceCounts {
    /// Users who are not archived, with or without requirements.
    pub people: i64,
    /// The number of requirements.
    pub required: i64,
    /// Completed, and the completion is valid.
    pub satisfied: i64,
    /// Not completed, and not late.
    pub open: i64,
    /// Those of `open` that are past their due date and not late, because their users are absent today.
    pub absent: i64,
    /// Not completed, and past the due date.
    pub overdue: i64,
    /// Completed, but the completion has expired.
    pub expired: i64,
    /// Opens on a later day.
    pub upcoming: i64,
    /// Need not be completed, because of a waiver: not among `required`.
    pub waived: i64,
    /// `satisfied / (satisfied + overdue + expired)`: the share of what should be done by now. Null where nothing
    /// should.
    #[schema(minimum = 0.0, maximum = 1.0, example = 0.95)]
    pub rate: Option<f64>,
}

impl ComplianceCounts {
    /// Counts from the numbers of people, satisfied, open, overdue, expired, upcoming, waived and absent.
    pub fn of(counts: &[i64]) -> Self {
        let at = |index: usize| counts.get(index).copied().unwrap_or_default();
        let (people, satisfied, open, overdue, expired, upcoming) =
            (at(0), at(1), at(2), at(3), at(4), at(5));
        let due = satisfied + overdue + expired;
        ComplianceCounts {
            people,
            required: due + open + upcoming,
            satisfied,
            open,
            overdue,
            expired,
            upcoming,
            waived: at(6),
            absent: at(7),
            rate: (due > 0).then(|| satisfied as f64 / due as f64),
        }
    }

    /// Both together.
    pub fn plus(&self, other: &Self) -> Self {
        Self::of(&[
            self.people + other.people,
            self.satisfied + other.satisfied,
            self.open + other.open,
            self.overdue + other.overdue,
            self.expired + other.expired,
            self.upcoming + other.upcoming,
            self.waived + other.waived,
            self.absent + other.absent,
        ])
    }
}

/// A unit's line of a compliance report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComplianceRow {
    /// The unit; null for users without one.
    pub org_unit_id: Option<Uuid>,
    /// Its code.
    pub org_unit_code: Option<String>,
    /// Its name.
    pub org_unit_name: Option<String>,
    /// The unit above it.
    pub parent_id: Option<Uuid>,
    /// Its depth in the tree; 0 at the top.
    #[schema(minimum = 0)]
    pub depth: Option<i32>,
    /// Users of the unit itself.
    pub direct: ComplianceCounts,
    /// Users of the unit and of all units below it.
    pub subtree: ComplianceCounts,
}

/// A compliance report: only people and courses in the caller's scope are in it, and in its counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComplianceReport {
    /// The day of the report: today, in UTC.
    pub day: NaiveDate,
    /// The totals of the report.
    pub total: ComplianceCounts,
    /// One row a unit, each before the units below it; users without a unit come last.
    pub data: Vec<ComplianceRow>,
}

impl CsvRow for ComplianceRow {
    const HEADER: &'static [&'static str] = &[
        "org_unit_id",
        "org_unit_code",
        "org_unit_name",
        "parent_id",
        "depth",
        "direct_people",
        "direct_required",
        "direct_satisfied",
        "direct_open",
        "direct_overdue",
        "direct_expired",
        "direct_upcoming",
        "direct_absent",
        "direct_waived",
        "direct_rate",
        "subtree_people",
        "subtree_required",
        "subtree_satisfied",
        "subtree_open",
        "subtree_overdue",
        "subtree_expired",
        "subtree_upcoming",
        "subtree_absent",
        "subtree_waived",
        "subtree_rate",
    ];

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![
            cell(self.org_unit_id.as_ref()),
            cell(self.org_unit_code.as_ref()),
            cell(self.org_unit_name.as_ref()),
            cell(self.parent_id.as_ref()),
            cell(self.depth.as_ref()),
        ];
        for counts in [&self.direct, &self.subtree] {
            let numbers = [
                counts.people,
                counts.required,
                counts.satisfied,
                counts.open,
                counts.overdue,
                counts.expired,
                counts.upcoming,
                counts.absent,
                counts.waived,
            ];
            cells.extend(numbers.iter().map(ToString::to_string));
            cells.push(counts.rate.map(|rate| format!("{rate:.4}")).unwrap_or_default());
        }
        cells
    }
}
