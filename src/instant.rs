//! Instants on their way in: what a body or a filter means by one, in one place.
//!
//! RFC 3339, of the years 1 to 9999 in UTC, in microseconds as PostgreSQL keeps them. A leap second (`23:59:60Z`) is read as
//! the last microsecond of the day that it ends, so that an instant never moves to another day, month or year.
//! Knows no domain; any module may call it.

use chrono::{DateTime, Datelike, SubsecRound, Timelike, Utc};
use serde::{Deserialize, Deserializer, de::Error};

/// Why a text is no instant that can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstantError {
    /// It is not in the form.
    #[error("must be an instant with its offset (RFC 3339), such as 2026-01-31T08:30:00Z")]
    Malformed,
    /// It is of no year that can be kept.
    #[error("must be in the years 1 to 9999 in UTC")]
    OutOfRange,
    /// Second 60 stands elsewhere than at the end of a day.
    #[error("has a leap second that is not at 23:59:60 in UTC")]
    NoLeapSecond,
}

const SECOND: u32 = 1_000_000_000;
const LAST_SECOND_OF_DAY: u32 = 86_399;

/// Reads an instant.
pub fn parse(text: &str) -> Result<DateTime<Utc>, InstantError> {
    let instant = DateTime::parse_from_rfc3339(text).map_err(|_| InstantError::Malformed)?;
    normalize(instant.to_utc())
}

fn normalize(instant: DateTime<Utc>) -> Result<DateTime<Utc>, InstantError> {
    if !(1..=9999).contains(&instant.year()) {
        return Err(InstantError::OutOfRange);
    }
    // chrono has second 60 as second 59 with more than a second of nanoseconds.
    if instant.nanosecond() < SECOND {
        return Ok(instant.trunc_subsecs(6));
    }
    match instant.with_nanosecond(SECOND - 1_000) {
        Some(last) if last.num_seconds_from_midnight() == LAST_SECOND_OF_DAY => Ok(last),
        _ => Err(InstantError::NoLeapSecond),
    }
}

/// Reads a member of a body: `#[serde(default, deserialize_with = "instant::optional")]`.
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse(&text).map_err(D::Error::custom))
        .transpose()
}
