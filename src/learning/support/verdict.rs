//! Why an activity counts now, or does not: a function of what is on record.

use super::{
    model::LaunchVerdict,
    words::{below, instant, no_score, number, outcome},
};
use crate::{
    catalog::courses::modules::{Activity, Criterion},
    enrollment::enrollments::model::EnrollmentState,
    learning::{
        model::{ActivityProgressState, ActivityRecord, Attempt, LaunchMode},
        runtime::report::{AttemptCompletion, AttemptSuccess},
        track::Learning,
    },
};

/// What decides.
pub struct Facts<'a> {
    /// The enrollment, its course, and what is on record.
    pub learning: &'a Learning,
    /// The number of the course's version that the enrollment has.
    pub version_number: i32,
    /// The activity; none if that version does not have it.
    pub activity: Option<&'a Activity>,
    /// What is on record about it.
    pub record: Option<&'a ActivityRecord>,
    /// Its attempts.
    pub attempts: &'a [Attempt],
    /// How many attempts the learner may still begin; none: no limit.
    pub attempts_left: Option<i32>,
    /// The items of the package that the last attempt did not complete, of packages with several.
    pub unfinished: Vec<String>,
    /// What the launch was for.
    pub mode: LaunchMode,
}

/// Works it out.
pub fn verdict(facts: &Facts) -> LaunchVerdict {
    let mut words = Vec::new();
    let enrollment = &facts.learning.enrollment;
    if facts.mode == LaunchMode::Review {
        words.push("This launch was a review of what was completed before: it recorded nothing.".to_owned());
    }
    let ended = match enrollment.state {
        EnrollmentState::Withdrawn => Some("was withdrawn"),
        EnrollmentState::Expired => Some("expired"),
        EnrollmentState::Denied => Some("was denied"),
        _ => None,
    };
    if let Some(ended) = ended {
        let at = enrollment.ended_at.map(|at| format!(" on {}", instant(at)));
        words.push(format!(
            "The enrollment {ended}{}: nothing counts since.",
            at.unwrap_or_default()
        ));
    }
    let is_completed = facts.record.is_some_and(|record| record.completed_at.is_some());
    match facts.activity {
        None => words.push(format!(
            "The enrollment has version {} of the course, which does not have this activity.",
            facts.version_number
        )),
        Some(activity) if !activity.is_tracked() => {
            words.push("Nothing is recorded of this activity: it has no criterion.".to_owned());
        }
        Some(activity) => match facts.record.and_then(|record| record.completed_at) {
            Some(at) => {
                words.push(format!("The activity is completed, since {}.", instant(at)));
                words.extend(course(facts));
            }
            None => words.extend(missing(facts, activity)),
        },
    }
    let is_counted = facts.learning.is_counted();
    if !is_counted {
        words.push("The enrollment is a test: nothing of it counts.".to_owned());
    }
    LaunchVerdict {
        counts: is_completed && is_counted && facts.activity.is_some() && ended.is_none(),
        words,
    }
}

/// What the course still lacks.
fn course(facts: &Facts) -> Vec<String> {
    let enrollment = &facts.learning.enrollment;
    if enrollment.state == EnrollmentState::Completed {
        return vec!["The course is completed.".to_owned()];
    }
    let outline = facts.learning.outline();
    let modules = facts.learning.modules.0.iter().zip(&outline.modules);
    let open = modules.filter(|(_, state)| !state.is_completed);
    let open = open.map(|(module, _)| format!("“{}”", module.title)).take(5);
    let open: Vec<String> = open.collect();
    match open.is_empty() {
        true => Vec::new(),
        false => vec![format!(
            "The course is not completed. These modules are missing: {}.",
            open.join(", ")
        )],
    }
}

/// Why the criterion is not met.
fn missing(facts: &Facts, activity: &Activity) -> Vec<String> {
    let last = facts.attempts.last();
    let mut words = vec![match facts.record.map(|record| record.state) {
        Some(ActivityProgressState::Failed) => "The activity is not completed: it failed.".to_owned(),
        _ => "The activity is not completed.".to_owned(),
    }];
    match &activity.criterion {
        Some(Criterion::Passed { score: wanted }) => words.push(match last.and_then(|last| last.score) {
            Some(score) if score < *wanted => below(score, *wanted),
            Some(score) => format!(
                "The score {} is enough for the {} that the activity asks for now; it was corrected or reset since, or the course \
                 asked for more then.",
                number(score),
                number(*wanted)
            ),
            None => no_score(*wanted),
        }),
        Some(Criterion::Watched { percent }) => words.push(format!(
            "{} % of the video was watched; the activity asks for {percent} %.",
            facts.record.map_or(0, |record| record.progress_percent)
        )),
        Some(Criterion::Declared { .. }) => {
            words.push("The learner has not confirmed its text with their name.".to_owned());
        }
        Some(Criterion::Confirmed {}) => {
            words.push("No instructor or administrator has confirmed it.".to_owned());
        }
        Some(Criterion::Viewed {}) => words.push("It is completed when it is opened.".to_owned()),
        None | Some(Criterion::Content {}) => words.extend(last.map(|last| reported(facts, last))),
    }
    if let Some(last) = last {
        words.push(match (last.ended_at, facts.attempts_left) {
            (None, _) => "The attempt is open: the next launch goes on where it was left.".to_owned(),
            (Some(_), Some(0)) => {
                "The attempt is over, and none is left; an administrator may grant more.".to_owned()
            }
            (Some(_), _) => "The attempt is over; the next launch begins another one.".to_owned(),
        });
    }
    words
}

/// What the package reported, where that decides.
fn reported(facts: &Facts, last: &Attempt) -> String {
    if !facts.unfinished.is_empty() && last.success != AttemptSuccess::Failed {
        let shown: Vec<String> = facts
            .unfinished
            .iter()
            .take(5)
            .map(|title| format!("“{title}”"))
            .collect();
        let more = facts.unfinished.len().saturating_sub(shown.len());
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        return format!(
            "These items of the package are not completed: {}{more}.",
            shown.join(", ")
        );
    }
    match (last.completion, last.success) {
        (_, AttemptSuccess::Failed) => match last.score {
            Some(score) => format!(
                "The package reported that the learner failed, with the score {}.",
                number(score)
            ),
            None => "The package reported that the learner failed.".to_owned(),
        },
        (AttemptCompletion::Unknown, AttemptSuccess::Unknown) => {
            "The package reported no status at all.".to_owned()
        }
        (AttemptCompletion::Incomplete, AttemptSuccess::Unknown) => {
            "The package reported that it is incomplete, and never that it is completed or passed.".to_owned()
        }
        (completion, success) => format!(
            "The package reported that it is {}, but somebody corrected or reset the activity.",
            outcome(completion, success)
        ),
    }
}
