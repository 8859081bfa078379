//! What the log of a launch says, in words.

use chrono::{DateTime, Utc};

use super::{
    log::{Noted, short},
    model::{LaunchLogEntry, LaunchLogKind},
    store::Found,
};
use crate::learning::{
    commits::OVER,
    model::{ActivityProgressState, LaunchMode},
    package::Package,
    runtime::report::{AttemptCompletion, AttemptSuccess},
};

/// A number without needless digits.
pub fn number(number: f64) -> String {
    let rounded = (number * 10.0).round() / 10.0;
    rounded.to_string()
}

/// An instant, for people.
pub fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d at %H:%M UTC").to_string()
}

/// What happened in a launch, in order.
pub fn entries(
    found: &Found,
    package: Option<&Package>,
    log: Vec<(DateTime<Utc>, Noted)>,
    now: DateTime<Utc>,
) -> Vec<LaunchLogEntry> {
    let launch = &found.launch;
    let entry = |at, kind, words: &str| LaunchLogEntry {
        at,
        kind,
        words: words.to_owned(),
    };
    let opened = match launch.mode {
        LaunchMode::Normal => "The activity was opened.",
        LaunchMode::Review => "The activity was opened for review: nothing is recorded.",
        LaunchMode::Test => "The activity was opened for a test: nothing counts.",
    };
    let mut entries = vec![entry(launch.created_at, LaunchLogKind::Opened, opened)];
    entries.extend(log.iter().map(|(at, noted)| LaunchLogEntry {
        at: *at,
        kind: kind(noted),
        words: words(noted, package),
    }));
    if let Some(at) = launch.saved_at {
        let who = subject(found.item.as_deref().unwrap_or_default(), package);
        let times = match found.saves {
            1 => "once".to_owned(),
            saves => format!("{saves} times"),
        };
        let mut words = format!("The package saved {times}. The last to save was: {who}.");
        if who == THE_PACKAGE {
            words = format!("The package saved {times}.");
        }
        if let Some(location) = found.location.as_ref().filter(|location| !location.is_empty()) {
            words += &format!(" Its place is “{location}”.");
        }
        if let Some(bytes) = found.suspend_bytes {
            words += &format!(" Its suspend data have {bytes} bytes.");
        }
        entries.push(entry(at, LaunchLogKind::Saved, &words));
    }
    let is_expired = launch.expires_at <= now;
    let is_left = launch.terminated_at.is_none() && (is_expired || found.superseded_at.is_some());
    if package.is_some() && launch.mode != LaunchMode::Review && is_left {
        let text = "The window closed without the package ending; it was suspended.";
        let at = launch.saved_at.unwrap_or(launch.created_at);
        entries.push(entry(at, LaunchLogKind::Suspended, text));
    }
    if let Some(at) = found.superseded_at {
        let text = "The activity was opened again; the newer launch took over.";
        entries.push(entry(at, LaunchLogKind::Superseded, text));
    }
    if is_expired && launch.terminated_at.is_none() {
        let is_early = launch.expires_at - launch.created_at < crate::learning::launches::LASTS;
        let text = match is_early {
            true => "The address ended: the enrollment moved to a version of the course with other content.",
            false => "The address expired.",
        };
        entries.push(entry(launch.expires_at, LaunchLogKind::Expired, text));
    }
    entries.sort_by_key(|entry| entry.at);
    entries
}

fn kind(noted: &Noted) -> LaunchLogKind {
    match noted {
        Noted::Set { element, .. } if element.ends_with("exit") => LaunchLogKind::Exit,
        Noted::Set { element, .. } if element.contains(".score.") => LaunchLogKind::Score,
        Noted::Set { .. } => LaunchLogKind::Status,
        Noted::Ended { .. } => LaunchLogKind::Ended,
        Noted::Attempt { .. } => LaunchLogKind::Attempt,
        Noted::Activity { .. } => LaunchLogKind::Activity,
        Noted::Refused { .. } => LaunchLogKind::Refused,
    }
}

const THE_PACKAGE: &str = "The package";

/// What an item is called, of packages with several.
fn subject(item: &str, package: Option<&Package>) -> String {
    let parts = package
        .map(|package| package.parts.as_slice())
        .unwrap_or_default();
    let is_one = parts.iter().filter(|part| part.href.is_some()).count() < 2;
    let part = parts.iter().find(|part| part.id == item);
    match part.filter(|_| !is_one) {
        Some(part) => format!("“{}”", part.title),
        None => THE_PACKAGE.to_owned(),
    }
}

fn words(noted: &Noted, package: Option<&Package>) -> String {
    match noted {
        Noted::Set {
            item,
            element,
            from,
            to,
        } => set(&subject(item, package), element, from.as_deref(), to),
        Noted::Ended { item } => format!("{} said that it is over.", subject(item, package)),
        Noted::Attempt {
            completion,
            success,
            score,
            is_over,
        } => {
            let mut words = format!("The attempt is {}.", outcome(*completion, *success));
            if let Some(score) = score {
                words += &format!(" Its score is {} of 100.", number(*score));
            }
            if *is_over {
                words += " It ended.";
            }
            words
        }
        Noted::Activity { state, score, wanted } => activity(*state, *score, *wanted),
        Noted::Refused {
            code,
            detail,
            times,
            last_at,
        } => {
            let what = match code.as_str() {
                "launch_superseded" => "Refused: a newer launch had taken over.".to_owned(),
                "launch_ended" if *detail == short(OVER) => "Refused: the attempt was over.".to_owned(),
                "launch_ended" => {
                    "Refused: the address was no longer valid, or the enrollment or the account had ended."
                        .to_owned()
                }
                _ => format!("Refused: {}.", detail.trim_end_matches('.')),
            };
            match times {
                1 => what,
                times => format!(
                    "{what} That happened {times} times, the last on {}.",
                    instant(*last_at)
                ),
            }
        }
    }
}

fn set(who: &str, element: &str, from: Option<&str>, to: &str) -> String {
    let what = match element {
        "cmi.core.exit" | "cmi.exit" => {
            return match to {
                "suspend" => format!("{who} said that it will be suspended when it is left."),
                "time-out" => format!("{who} said that its time is over."),
                "logout" => format!("{who} asked to log out when it is left."),
                _ => format!("{who} said that it ends when it is left."),
            };
        }
        "cmi.completion_status" => "completion status",
        "cmi.success_status" => "success status",
        "cmi.core.score.raw" | "cmi.score.raw" => "score",
        "cmi.score.scaled" => "scaled score",
        _ => "status",
    };
    let is_score = what.ends_with("score");
    let shown = |text: &str| match is_score {
        true => text.to_owned(),
        false => format!("“{text}”"),
    };
    match from {
        _ if to.is_empty() => format!("{who} took back its {what}."),
        Some(from) if !from.is_empty() => {
            format!("{who} changed its {what} from {} to {}.", shown(from), shown(to))
        }
        _ => format!("{who} set its {what} to {}.", shown(to)),
    }
}

/// What an attempt comes to.
pub fn outcome(completion: AttemptCompletion, success: AttemptSuccess) -> &'static str {
    match (completion, success) {
        (_, AttemptSuccess::Passed) => "passed",
        (_, AttemptSuccess::Failed) => "failed",
        (AttemptCompletion::Completed, _) => "completed",
        (AttemptCompletion::Incomplete, _) => "incomplete",
        (AttemptCompletion::Unknown, _) => "without a status",
    }
}

fn activity(state: ActivityProgressState, score: Option<f64>, wanted: Option<f64>) -> String {
    let compared = match (score, wanted) {
        (Some(score), Some(wanted)) if score < wanted => Some(below(score, wanted)),
        (None, Some(wanted)) => Some(no_score(wanted)),
        _ => None,
    };
    let state = match state {
        ActivityProgressState::Completed => return "The activity was completed.".to_owned(),
        ActivityProgressState::Failed => "The activity failed.",
        ActivityProgressState::InProgress | ActivityProgressState::NotStarted => {
            "The activity is in progress."
        }
    };
    match compared {
        Some(compared) => format!("{state} {compared}"),
        None => state.to_owned(),
    }
}

/// A score that is not enough.
pub fn below(score: f64, wanted: f64) -> String {
    format!(
        "The score {} is below the {} that the activity asks for.",
        number(score),
        number(wanted)
    )
}

/// A score that is missing.
pub fn no_score(wanted: f64) -> String {
    format!(
        "The package reported no score; the activity asks for at least {}.",
        number(wanted)
    )
}
