//! Which years a day that people write may lie in.
//!
//! A year such as 0020 or 9999 is a slip or a stand-in for "none", and what is reckoned from it (how long somebody is
//! overdue) misleads. Bodies of requests, custom attributes and claims of providers are held to [`YEARS`] in all their
//! days; an import profile may say otherwise for its file. Knows no domain; any module may call it.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};

/// The years of days in requests, and in files whose profile says nothing else.
pub const YEARS: RangeInclusive<i32> = 1900..=2200;

/// What a day must be, after "must be".
pub const WORDS: &str = "a day from 1900-01-01 to 2200-12-31, such as 2026-01-31";

/// Whether `text` is such a day, as `YYYY-MM-DD`.
pub fn is_day(text: &str) -> bool {
    text.len() == "2026-01-31".len()
        && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok_and(|day| YEARS.contains(&day.year()))
}
