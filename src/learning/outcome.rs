//! What packages and attempts come to for an activity: functions of what they stored.

use super::{
    model::{ActivityProgressState, Attempt},
    package::{Package, PackagePart},
    runtime::report::{self, AttemptCompletion, AttemptSuccess, Report},
    store::StoredItem,
};
use crate::catalog::courses::modules::{Activity, Criterion, ScorePolicy};

/// What a package reported by what its items stored.
pub fn of_package(package: &Package, items: &[StoredItem]) -> Report {
    let reports = package.parts.iter().filter(|part| part.reports).map(|part| {
        let stored = items.iter().find(|item| item.item == part.id)?;
        let report = report::of_item(
            package.standard,
            &part.rules,
            &stored.data.0,
            stored.total_seconds,
        );
        Some(report)
    });
    report::of_attempt(&reports.collect::<Vec<_>>())
}

/// The titles of the items that are not completed, of packages with several.
pub fn unfinished(package: &Package, items: &[StoredItem]) -> Vec<String> {
    let parts: Vec<&PackagePart> = package.parts.iter().filter(|part| part.reports).collect();
    if parts.len() < 2 {
        return Vec::new();
    }
    let is_open = |part: &&&PackagePart| {
        let stored = items.iter().find(|item| item.item == part.id);
        let report = stored.map(|stored| {
            report::of_item(
                package.standard,
                &part.rules,
                &stored.data.0,
                stored.total_seconds,
            )
        });
        !report
            .is_some_and(|report| report.completion == AttemptCompletion::Completed || report.is_completed())
    };
    parts
        .iter()
        .filter(is_open)
        .map(|part| part.title.clone())
        .collect()
}

/// How far an attempt's report brings the learner, by the criterion of the activity.
pub fn state(activity: &Activity, report: &Report) -> ActivityProgressState {
    let is_over =
        report.completion == AttemptCompletion::Completed || report.success != AttemptSuccess::Unknown;
    match &activity.criterion {
        Some(Criterion::Passed { score }) => match report.score {
            Some(reached) if reached >= *score => ActivityProgressState::Completed,
            _ if is_over => ActivityProgressState::Failed,
            _ => ActivityProgressState::InProgress,
        },
        // Opening it completes it, or somebody else does.
        Some(Criterion::Viewed {} | Criterion::Declared { .. } | Criterion::Confirmed {}) => {
            ActivityProgressState::InProgress
        }
        None | Some(Criterion::Content {} | Criterion::Watched { .. }) => {
            if report.is_completed() {
                ActivityProgressState::Completed
            } else if report.success == AttemptSuccess::Failed {
                ActivityProgressState::Failed
            } else {
                ActivityProgressState::InProgress
            }
        }
    }
}

/// The score that counts: of the best, the latest or the first attempt that has one.
pub fn score<'a>(policy: ScorePolicy, attempts: impl DoubleEndedIterator<Item = &'a Attempt>) -> Option<f64> {
    let mut scores = attempts.filter_map(|attempt| attempt.score);
    match policy {
        ScorePolicy::First => scores.next(),
        ScorePolicy::Last => scores.next_back(),
        ScorePolicy::Best => scores.fold(None, |best: Option<f64>, score| {
            Some(best.map_or(score, |best| best.max(score)))
        }),
    }
}
