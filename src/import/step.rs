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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{import::mapping::LookupTable, years::YEARS};

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let text = || ".{0,12}";
        let step = prop_oneof![
            Just(Step::Trim {}),
            Just(Step::CollapseSpaces {}),
            Just(Step::Lower {}),
            Just(Step::Upper {}),
            Just(Step::Slug {}),
            (".{1,3}", text()).prop_map(|(from, to)| Step::Replace { from, to }),
            (text(), any::<i32>()).prop_map(|(separator, part)| Step::Take { separator, part }),
            (0u32..300, ".").prop_map(|(width, with)| Step::PadLeft { width, with }),
            (0u32..50).prop_map(|length| Step::Truncate { length }),
            (
                proptest::collection::btree_map(text(), text(), 0..4),
                0..4usize,
                proptest::option::of(text())
            )
                .prop_map(|(values, otherwise, default)| Step::Lookup {
                    values: LookupTable(values),
                    otherwise: [
                        Otherwise::Error,
                        Otherwise::Keep,
                        Otherwise::Empty,
                        Otherwise::Default
                    ][otherwise],
                    default,
                }),
            proptest::collection::vec("[%YymdHjUe/. a-zA-Z-]{0,8}", 0..3)
                .prop_map(|formats| Step::Date { formats }),
            proptest::collection::vec(text(), 0..3).prop_map(|values| Step::Empty { values }),
            text().prop_map(|value| Step::Default { value }),
        ];
        proptest::collection::vec(step, 0..8)
    }

    proptest! {
        #[test]
        fn no_step_panics_and_no_value_is_empty_text(steps in steps(), text in "\\PC{0,80}|.{0,80}") {
            if let Ok(Some(value)) = through(&steps, text, &YEARS) {
                let by_default = matches!(steps.last(), Some(Step::Default { .. }));
                prop_assert!(!value.is_empty() || by_default);
            }
        }

        #[test]
        fn a_slug_is_its_own_slug(text in "\\PC{0,40}") {
            let once = slug(&text);
            prop_assert_eq!(slug(&once), once);
        }
    }

    // Fault 2.
    #[test]
    fn marks_are_letters_of_a_slug() {
        for (text, expected) in [
            ("हिन्दी विभाग", "हिन्दी-विभाग"),
            ("ฝ่ายขาย ที่ 2", "ฝ่ายขาย-ที่-2"),
            ("الإدَارَة العامّة", "الإدَارَة-العامّة"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("Cafe\u{301} & Bar", "cafe\u{301}-bar"),
            ("-\u{301}a", "a"),
            ("++", ""),
        ] {
            assert_eq!(slug(text), expected, "{text}");
        }
    }

    #[test]
    fn steps_do_what_they_say() {
        let cases: &[(&str, &str, Option<&str>)] = &[
            (
                r#"[{"step": "collapse_spaces"}]"#,
                "  Brandon   R ",
                Some("Brandon R"),
            ),
            (
                r#"[{"step": "take", "separator": "/", "part": -1}]"#,
                "https://x.org/course/algebra",
                Some("algebra"),
            ),
            (
                r#"[{"step": "take", "separator": " ", "part": 3}]"#,
                "4 Weeks",
                None,
            ),
            (
                r#"[{"step": "pad_left", "width": 5, "with": "0"}]"#,
                "2148",
                Some("02148"),
            ),
            (
                r#"[{"step": "slug"}]"#,
                "Data Analysis & Statistics",
                Some("data-analysis-statistics"),
            ),
            (
                r#"[{"step": "lookup", "values": {"1": "archived"}, "otherwise": "default", "default": "active"}]"#,
                "0",
                Some("active"),
            ),
            (
                r#"[{"step": "empty", "values": ["NA"]}, {"step": "default", "value": "none"}]"#,
                "NA",
                Some("none"),
            ),
            (
                r#"[{"step": "date", "formats": ["%d.%m.%Y"]}]"#,
                "28.02.2024",
                Some("2024-02-28"),
            ),
        ];
        for (steps, text, expected) in cases {
            let steps: Vec<Step> = serde_json::from_str(steps).unwrap();
            assert_eq!(
                through(&steps, (*text).to_owned(), &YEARS).unwrap().as_deref(),
                *expected,
                "{text}"
            );
        }
    }
}
