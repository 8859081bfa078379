//! The elements of the data models of SCORM 1.2 and SCORM 2004 that packages may set, and what their values may be. Whatever
//! else a browser sends is refused: packages are not trusted.

use std::fmt::Write;

use crate::text_enum;

text_enum! {
    /// The standard that a package follows.
    Standard {
        /// SCORM 1.2.
        Scorm12 = "scorm_12",
        /// SCORM 2004.
        Scorm2004 = "scorm_2004",
    }
}

/// The most bytes of suspend data. The standards promise less (4,096 and 64,000 characters), and packages need more.
pub const MOST_SUSPEND_DATA: usize = 1 << 20;

/// The most bytes of any other value.
const MOST_VALUE: usize = 64 << 10;

/// The most bytes of an element's name.
const MOST_NAME: usize = 255;

/// The highest place in a list, such as that of the interactions.
const MOST_ITEMS: u32 = 9_999;

/// What a value must be.
#[derive(Debug, Clone, Copy)]
enum Form {
    Text,
    SuspendData,
    Number,
    /// From -1 to 1.
    Scaled,
    /// From 0 to 1.
    Share,
    Time,
    Word(&'static [&'static str]),
}

use Form::{Number, Scaled, Share, SuspendData, Text, Time, Word};

const STATUS_12: Form = Word(&[
    "passed",
    "completed",
    "failed",
    "incomplete",
    "browsed",
    "not attempted",
]);
const COMPLETION: Form = Word(&["completed", "incomplete", "not attempted", "unknown"]);
const SUCCESS: Form = Word(&["passed", "failed", "unknown"]);

/// What packages of SCORM 1.2 may set; `n` stands for a place in a list.
const SCORM_12: &[(&str, Form)] = &[
    ("cmi.core.lesson_location", Text),
    ("cmi.core.lesson_status", STATUS_12),
    // `normal` is no word of the standard, and what many packages say.
    (
        "cmi.core.exit",
        Word(&["time-out", "suspend", "logout", "normal", ""]),
    ),
    ("cmi.core.session_time", Time),
    ("cmi.core.score.raw", Number),
    ("cmi.core.score.min", Number),
    ("cmi.core.score.max", Number),
    ("cmi.suspend_data", SuspendData),
    ("cmi.comments", Text),
    ("cmi.objectives.n.id", Text),
    ("cmi.objectives.n.status", STATUS_12),
    ("cmi.objectives.n.score.raw", Number),
    ("cmi.objectives.n.score.min", Number),
    ("cmi.objectives.n.score.max", Number),
    ("cmi.student_preference.audio", Text),
    ("cmi.student_preference.language", Text),
    ("cmi.student_preference.speed", Text),
    ("cmi.student_preference.text", Text),
    ("cmi.interactions.n.id", Text),
    ("cmi.interactions.n.objectives.n.id", Text),
    ("cmi.interactions.n.time", Text),
    ("cmi.interactions.n.type", Text),
    ("cmi.interactions.n.correct_responses.n.pattern", Text),
    ("cmi.interactions.n.weighting", Number),
    ("cmi.interactions.n.student_response", Text),
    ("cmi.interactions.n.result", Text),
    ("cmi.interactions.n.latency", Text),
];

/// What packages of SCORM 2004 may set.
const SCORM_2004: &[(&str, Form)] = &[
    ("cmi.location", Text),
    ("cmi.completion_status", COMPLETION),
    ("cmi.success_status", SUCCESS),
    ("cmi.progress_measure", Share),
    ("cmi.exit", Word(&["time-out", "suspend", "logout", "normal", ""])),
    ("cmi.session_time", Time),
    ("cmi.score.scaled", Scaled),
    ("cmi.score.raw", Number),
    ("cmi.score.min", Number),
    ("cmi.score.max", Number),
    ("cmi.suspend_data", SuspendData),
    ("cmi.learner_preference.audio_level", Text),
    ("cmi.learner_preference.language", Text),
    ("cmi.learner_preference.delivery_speed", Text),
    ("cmi.learner_preference.audio_captioning", Text),
    ("cmi.comments_from_learner.n.comment", Text),
    ("cmi.comments_from_learner.n.location", Text),
    ("cmi.comments_from_learner.n.timestamp", Text),
    ("cmi.objectives.n.id", Text),
    ("cmi.objectives.n.score.scaled", Scaled),
    ("cmi.objectives.n.score.raw", Number),
    ("cmi.objectives.n.score.min", Number),
    ("cmi.objectives.n.score.max", Number),
    ("cmi.objectives.n.success_status", SUCCESS),
    ("cmi.objectives.n.completion_status", COMPLETION),
    ("cmi.objectives.n.progress_measure", Share),
    ("cmi.objectives.n.description", Text),
    ("cmi.interactions.n.id", Text),
    ("cmi.interactions.n.type", Text),
    ("cmi.interactions.n.objectives.n.id", Text),
    ("cmi.interactions.n.timestamp", Text),
    ("cmi.interactions.n.correct_responses.n.pattern", Text),
    ("cmi.interactions.n.weighting", Number),
    ("cmi.interactions.n.learner_response", Text),
    ("cmi.interactions.n.result", Text),
    ("cmi.interactions.n.latency", Text),
    ("cmi.interactions.n.description", Text),
];

/// Says what is wrong with a value that a package of `standard` wants to store.
pub fn check(standard: Standard, element: &str, value: &str) -> Result<(), String> {
    let known = match standard {
        Standard::Scorm12 => SCORM_12,
        Standard::Scorm2004 => SCORM_2004,
    };
    let pattern = pattern(element)?;
    let form = known.iter().find(|(name, _)| *name == pattern);
    let Some((_, form)) = form else {
        return Err(format!("{element} is no element that packages may set"));
    };
    fits(*form, value).map_err(|fault| format!("{element} {fault}"))
}

/// The name of an element with `n` for each place in a list.
fn pattern(element: &str) -> Result<String, String> {
    let is_fit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte);
    if element.len() > MOST_NAME || !element.bytes().all(is_fit) {
        return Err(
            "the name of an element is at most 255 small letters, digits, dots and underscores".to_owned(),
        );
    }
    let mut pattern = String::with_capacity(element.len());
    for (index, part) in element.split('.').enumerate() {
        let dot = if index == 0 { "" } else { "." };
        let is_place = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_high = is_place && part.parse::<u32>().map_or(true, |place| place > MOST_ITEMS);
        if is_high {
            return Err(format!("{element}: a list has at most {} items", MOST_ITEMS + 1));
        }
        if part == "n" {
            return Err(format!("{element} is no element that packages may set"));
        }
        let _ = write!(pattern, "{dot}{}", if is_place { "n" } else { part });
    }
    Ok(pattern)
}

fn fits(form: Form, value: &str) -> Result<(), String> {
    let most = match form {
        SuspendData => MOST_SUSPEND_DATA,
        _ => MOST_VALUE,
    };
    if value.len() > most {
        return Err(format!("is longer than {most} bytes: nothing of it was stored"));
    }
    if value.contains('\0') {
        return Err("must not hold the character U+0000".to_owned());
    }
    let number = || {
        value
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
    };
    let within = |least: f64, most: f64| match number() {
        Some(number) if (least..=most).contains(&number) => Ok(()),
        _ => Err(format!("must be a number from {least} to {most}")),
    };
    match form {
        Text | SuspendData => Ok(()),
        // An empty one takes it back.
        Number if value.is_empty() => Ok(()),
        Number => within(-1e9, 1e9),
        Scaled => within(-1.0, 1.0),
        Share => within(0.0, 1.0),
        Time if seconds(value).is_none() => Err("must be a time, such as 0000:05:30 or PT5M30S".to_owned()),
        Time => Ok(()),
        Word(words) if words.contains(&value) => Ok(()),
        Word(words) => Err(format!("must be one of {}", words.join(", "))),
    }
}

/// The most seconds of a session or of all sessions: a time beyond is no time that somebody learned.
const MOST_SECONDS: f64 = 10_000_000.0;

/// The seconds of a time, as SCORM 1.2 (`HHHH:MM:SS.SS`) or SCORM 2004 (an ISO 8601 duration) writes it.
pub fn seconds(time: &str) -> Option<i32> {
    let seconds = if time.starts_with('P') {
        duration(time)?
    } else {
        clock(time)?
    };
    (0.0..=MOST_SECONDS).contains(&seconds).then_some(seconds as i32)
}

fn clock(time: &str) -> Option<f64> {
    let mut parts = time.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let is_number = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && part.len() <= 8
    };
    if parts.next().is_some() || ![hours, minutes, seconds].into_iter().all(is_number) {
        return None;
    }
    let number = |part: &str| part.parse::<f64>().ok();
    Some(number(hours)? * 3600.0 + number(minutes)? * 60.0 + number(seconds)?)
}

fn duration(time: &str) -> Option<f64> {
    let (mut total, mut number, mut is_time, mut parts) = (0.0, String::new(), false, 0);
    for letter in time.strip_prefix('P')?.chars() {
        let unit = match (letter, is_time) {
            ('0'..='9' | '.', _) if number.len() < 12 => {
                number.push(letter);
                continue;
            }
            ('T', false) if number.is_empty() => {
                is_time = true;
                continue;
            }
            ('Y', false) => 31_556_952.0,
            ('M', false) => 2_629_746.0,
            ('D', false) => 86_400.0,
            ('H', true) => 3_600.0,
            ('M', true) => 60.0,
            ('S', true) => 1.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * unit;
        number.clear();
        parts += 1;
    }
    (parts > 0 && number.is_empty()).then_some(total)
}
