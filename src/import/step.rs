//! The steps that a value goes through. Pure: no step panics on any text, and none lets a value grow without bound.

use std::{borrow::Cow, ops::RangeInclusive};

use unicode_normalization::char::is_combining_mark;

use super::{
    date::Dates,
    mapping::{Otherwise, Step},
};
use crate::text;

/// Why a value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, for programs.
    pub code: &'static str,
    /// What is wrong, for people.
    pub detail: String,
}

impl Fault {
    /// A fault with its code.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Fault {
            code,
            detail: detail.into(),
        }
    }
}

/// Bytes that a value may have on its way.
const LONGEST: usize = 100_000;

/// Does `steps` to `value`; text that shows nothing is no value. Dates of other years than `years` are refused.
pub fn through(steps: &[Step], value: String, years: &RangeInclusive<i32>) -> Result<Option<String>, Fault> {
    let mut value = present(value);
    for step in steps {
        if value.as_ref().is_some_and(|text| text.len() > LONGEST) {
            return Err(Fault::new("too_long", format!("is longer than {LONGEST} bytes")));
        }
        value = match (step, value) {
            (Step::Default { value }, None) => Some(value.clone()),
            (_, None) => None,
            (step, Some(text)) => one(step, text, years)?.and_then(present),
        };
    }
    Ok(value)
}

fn present(text: String) -> Option<String> {
    if text::shows_nothing(&text) {
        return None;
    }
    // A step can take NFC apart: the lower case of a letter may be two.
    match text::normalize(&text) {
        Cow::Owned(normalized) => Some(normalized),
        Cow::Borrowed(_) => Some(text),
    }
}

fn one(step: &Step, text: String, years: &RangeInclusive<i32>) -> Result<Option<String>, Fault> {
    Ok(Some(match step {
        Step::Trim {} => text.trim().to_owned(),
        Step::CollapseSpaces {} => collapse(&text),
        Step::Lower {} => text.to_lowercase(),
        Step::Upper {} => text.to_uppercase(),
        Step::Slug {} => slug(&text),
        Step::Replace { from, to } => text.replace(from.as_str(), to),
        Step::Take { separator, part } => return Ok(take(&text, separator, *part)),
        Step::PadLeft { width, with } => pad(text, *width as usize, with),
        Step::Truncate { length } => text.chars().take(*length as usize).collect(),
        Step::Lookup {
            values,
            otherwise,
            default,
        } => match (values.0.get(&text), otherwise) {
            (Some(found), _) => found.clone(),
            (None, Otherwise::Keep) => text,
            (None, Otherwise::Empty) => return Ok(None),
            (None, Otherwise::Default) => return Ok(default.clone()),
            (None, Otherwise::Error) => {
                return Err(Fault::new(
                    "not_in_lookup",
                    format!("\"{}\" is not in the lookup table", shown(&text)),
                ));
            }
        },
        Step::Date { formats } => Dates { formats, years }.read(&text)?.to_string(),
        Step::Empty { values } if values.contains(&text) => return Ok(None),
        Step::Empty { .. } | Step::Default { .. } => text,
    }))
}

/// Trims, and puts one space for each run of white space.
pub fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lower case, with one hyphen for each run of what is neither letter nor digit. Marks that belong to the letter before
/// them, such as the vowels of Devanagari, Thai and Arabic, are letters; what only joins or parts letters is left out.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    let mut in_word = false;
    for letter in text.to_lowercase().chars() {
        if letter.is_alphanumeric() || in_word && is_combining_mark(letter) {
            if !in_word && !slug.is_empty() {
                slug.push('-');
            }
            slug.push(letter);
            in_word = true;
        } else if !matches!(letter, '\u{200c}' | '\u{200d}') {
            in_word = false;
        }
    }
    slug
}

fn take(text: &str, separator: &str, part: i32) -> Option<String> {
    if separator.is_empty() {
        return None;
    }
    let back = usize::try_from(part.unsigned_abs()).ok()?.checked_sub(1)?;
    let taken = if part > 0 {
        text.split(separator).nth(back)
    } else {
        text.rsplit(separator).nth(back)
    };
    taken.map(|taken| taken.trim().to_owned())
}

fn pad(text: String, width: usize, with: &str) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{}{text}", with.repeat(missing))
}

/// A value as a message shows it: not too much of it.
pub fn shown(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
