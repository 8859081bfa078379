//! What an attempt comes to by what the items of its package stored.

use serde::{Deserialize, Serialize};

use super::{
    elements::{Standard, seconds},
    merge::Elements,
};
use crate::text_enum;

text_enum! {
    /// Whether an attempt reported that it is complete.
    AttemptCompletion {
        /// It has not said so.
        Unknown = "unknown",
        /// Not yet.
        Incomplete = "incomplete",
        /// It is.
        Completed = "completed",
    }
}

text_enum! {
    /// Whether an attempt reported success.
    AttemptSuccess {
        /// It has not said so.
        Unknown = "unknown",
        /// It failed.
        Failed = "failed",
        /// It passed.
        Passed = "passed",
    }
}

/// What an item of a package, or a whole attempt, reported.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Whether it is complete.
    pub completion: AttemptCompletion,
    /// Whether it succeeded.
    pub success: AttemptSuccess,
    /// The score, of 100.
    pub score: Option<f64>,
    /// How much of it is done, of 100.
    pub progress_percent: i16,
    /// How long it took so far, all sessions together.
    pub seconds: i32,
}

impl Report {
    /// Nothing was reported.
    pub const NOTHING: Report = Report {
        completion: AttemptCompletion::Unknown,
        success: AttemptSuccess::Unknown,
        score: None,
        progress_percent: 0,
        seconds: 0,
    };

    /// Whether it was completed or passed, and not failed.
    pub fn is_completed(&self) -> bool {
        match self.success {
            AttemptSuccess::Passed => true,
            AttemptSuccess::Failed => false,
            AttemptSuccess::Unknown => self.completion == AttemptCompletion::Completed,
        }
    }
}

/// What the manifest says about an item that reports.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ItemRules {
    /// SCORM 1.2: the raw score that passes.
    pub mastery_score: Option<f64>,
    /// SCORM 2004: the scaled score that passes, from -1 to 1.
    pub scaled_passing_score: Option<f64>,
    /// SCORM 2004: the progress measure that completes, from 0 to 1.
    pub completion_threshold: Option<f64>,
    /// SCORM 2004: the id of the primary objective. What an item says of the objective of this id, it says of itself.
    pub primary_objective: Option<String>,
}

/// What one item reported. `earlier_seconds` are those of the sessions before the present one.
pub fn of_item(standard: Standard, rules: &ItemRules, stored: &Elements, earlier_seconds: i32) -> Report {
    let text = |element: &str| stored.get(element).map(|element| element.value.as_str());
    let number = |element: &str| text(element).and_then(|text| text.trim().parse::<f64>().ok());
    let mut report = match standard {
        Standard::Scorm12 => of_scorm_12(rules, &text, &number),
        Standard::Scorm2004 => of_scorm_2004(rules, stored, &text, &number),
    };
    if report.is_completed() || report.completion == AttemptCompletion::Completed {
        report.progress_percent = 100;
    }
    let session = match standard {
        Standard::Scorm12 => "cmi.core.session_time",
        Standard::Scorm2004 => "cmi.session_time",
    };
    report.seconds = earlier_seconds.saturating_add(text(session).and_then(seconds).unwrap_or_default());
    report
}

type Texts<'a> = dyn Fn(&str) -> Option<&'a str> + 'a;

fn of_scorm_12<'a>(rules: &ItemRules, text: &Texts<'a>, number: &dyn Fn(&str) -> Option<f64>) -> Report {
    use AttemptCompletion::{Completed, Incomplete, Unknown};
    let (completion, mut success) = match text("cmi.core.lesson_status") {
        Some("passed") => (Completed, AttemptSuccess::Passed),
        Some("failed") => (Completed, AttemptSuccess::Failed),
        Some("completed" | "browsed") => (Completed, AttemptSuccess::Unknown),
        Some("incomplete") => (Incomplete, AttemptSuccess::Unknown),
        _ => (Unknown, AttemptSuccess::Unknown),
    };
    let raw = number("cmi.core.score.raw");
    // The manifest's mastery score decides, once the item is done.
    if let (Some(mastery), Some(raw), Completed) = (rules.mastery_score, raw, completion) {
        success = if raw >= mastery {
            AttemptSuccess::Passed
        } else {
            AttemptSuccess::Failed
        };
    }
    Report {
        completion,
        success,
        score: raw.map(|raw| of_range(raw, number("cmi.core.score.min"), number("cmi.core.score.max"))),
        ..Report::NOTHING
    }
}

/// Statuses are those that the data model tells the package: where the manifest decides by a measure, they are unknown without it.
fn of_scorm_2004<'a>(
    rules: &ItemRules,
    stored: &Elements,
    text: &Texts<'a>,
    number: &dyn Fn(&str) -> Option<f64>,
) -> Report {
    let primary = rules
        .primary_objective
        .as_ref()
        .and_then(|id| objective(stored, id));
    let of_primary = |name: &str| primary.as_ref().map(|objective| format!("{objective}.{name}"));
    let mut completion = match text("cmi.completion_status") {
        Some("completed") => AttemptCompletion::Completed,
        Some("incomplete") => AttemptCompletion::Incomplete,
        _ => AttemptCompletion::Unknown,
    };
    let success_of = |status: Option<&str>| match status {
        Some("passed") => AttemptSuccess::Passed,
        Some("failed") => AttemptSuccess::Failed,
        _ => AttemptSuccess::Unknown,
    };
    let mut success = success_of(text("cmi.success_status"));
    if success == AttemptSuccess::Unknown {
        success = success_of(of_primary("success_status").and_then(|name| text(&name)));
    }
    let progress = number("cmi.progress_measure");
    if let Some(threshold) = rules.completion_threshold {
        completion = match progress {
            Some(progress) if progress >= threshold => AttemptCompletion::Completed,
            Some(_) => AttemptCompletion::Incomplete,
            None => AttemptCompletion::Unknown,
        };
    }
    let scaled = number("cmi.score.scaled");
    let scaled = scaled.or_else(|| number(&of_primary("score.scaled")?));
    if let Some(passing) = rules.scaled_passing_score {
        success = match scaled {
            Some(scaled) if scaled >= passing => AttemptSuccess::Passed,
            Some(_) => AttemptSuccess::Failed,
            None => AttemptSuccess::Unknown,
        };
    }
    let raw = number("cmi.score.raw");
    let score = match scaled {
        Some(scaled) => Some((scaled * 100.0).clamp(0.0, 100.0)),
        None => raw.map(|raw| of_range(raw, number("cmi.score.min"), number("cmi.score.max"))),
    };
    Report {
        completion,
        success,
        score,
        progress_percent: progress.map_or(0, |progress| (progress * 100.0).clamp(0.0, 100.0) as i16),
        ..Report::NOTHING
    }
}

/// The elements of the primary objective, whose id this is: what their names begin with. The data model begins with it as the first
/// one, unless the item gave that id to another.
fn objective<'a>(stored: &'a Elements, id: &str) -> Option<&'a str> {
    let objectives = stored.iter().filter(|(_, element)| element.value == id);
    let mut found = objectives.filter_map(|(name, _)| {
        let objective = name.strip_suffix(".id")?;
        objective.strip_prefix("cmi.objectives.").map(|_| objective)
    });
    let is_given = stored.contains_key("cmi.objectives.0.id");
    found.next().or((!is_given).then_some("cmi.objectives.0"))
}

/// A raw score, of 100: of the range that the package names, which is 0 to 100 otherwise.
fn of_range(raw: f64, least: Option<f64>, most: Option<f64>) -> f64 {
    let (least, most) = (least.unwrap_or(0.0), most.unwrap_or(100.0));
    let percent = if most > least {
        (raw - least) / (most - least) * 100.0
    } else {
        raw
    };
    percent.clamp(0.0, 100.0)
}

/// What a package reported by what its items did, each of which `None` did not open: it is complete when all are, it failed
/// when one did, and its score is the mean of theirs.
pub fn of_attempt(items: &[Option<Report>]) -> Report {
    if let [Some(only)] = items {
        return *only;
    }
    let reports = || items.iter().flatten();
    let all = |holds: fn(&Report) -> bool| {
        !items.is_empty() && items.iter().all(|item| item.as_ref().is_some_and(holds))
    };
    let completion = if all(|item| item.completion == AttemptCompletion::Completed || item.is_completed()) {
        AttemptCompletion::Completed
    } else if reports().next().is_some() {
        AttemptCompletion::Incomplete
    } else {
        AttemptCompletion::Unknown
    };
    // Items that only show something report no success of their own.
    let is_passed = completion == AttemptCompletion::Completed
        && reports().any(|item| item.success == AttemptSuccess::Passed)
        && all(Report::is_completed);
    let success = if reports().any(|item| item.success == AttemptSuccess::Failed) {
        AttemptSuccess::Failed
    } else if is_passed {
        AttemptSuccess::Passed
    } else {
        AttemptSuccess::Unknown
    };
    let scores: Vec<f64> = reports().filter_map(|item| item.score).collect();
    let progress: i32 = reports().map(|item| i32::from(item.progress_percent)).sum();
    let seconds = reports().fold(0_i32, |sum, item| sum.saturating_add(item.seconds));
    Report {
        completion,
        success,
        score: (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64),
        progress_percent: i16::try_from(progress / items.len().max(1) as i32).unwrap_or(100),
        seconds,
    }
}
