//! The values that filters compare with: literals, and durations that move with the clock.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

use super::FilterClock;
use crate::{
    instant,
    period::{Period, PeriodError, amounts, total},
};

/// What stands at the right of an operator.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Null,
    Value(Value),
    /// A date, so long before or after today.
    FromToday(Duration),
    /// An instant, so long before or after now.
    FromNow(Duration),
}

/// A value of one of the language's types.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Bool(bool),
    Integer(i64),
    Number(f64),
    Date(NaiveDate),
    Instant(DateTime<Utc>),
    Id(Uuid),
}

/// An ISO 8601 duration of at most a thousand years. Months are of the calendar: a month after
/// 31 January is the last day of February.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Duration {
    past: bool,
    period: Period,
    seconds: u32,
}

const MAX_SECONDS: u32 = 366 * 86_400;

impl Operand {
    /// The value at a given time; none for `null`.
    pub(super) fn at(&self, clock: &FilterClock) -> Option<Value> {
        match self {
            Self::Null => None,
            Self::Value(value) => Some(value.clone()),
            Self::FromToday(duration) => Some(Value::Date(duration.date_after(clock.today))),
            Self::FromNow(duration) => Some(Value::Instant(duration.instant_after(clock.now))),
        }
    }

    /// Whether it moves with the clock.
    pub(super) fn is_relative(&self) -> bool {
        matches!(self, Self::FromToday(_) | Self::FromNow(_))
    }
}

/// A calendar day `YYYY-MM-DD` from year 1 to 9999.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| {
            if matches!(i, 4 | 7) {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        });
    let date = if shaped {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?
    } else {
        return None;
    };
    (date.year() >= 1).then_some(date)
}

/// An instant, or the first of a day in UTC.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    if let Some(date) = date(text) {
        return Some(date.and_time(NaiveTime::MIN).and_utc());
    }
    instant::parse(text).ok()
}

impl Duration {
    /// Reads `P1Y2M3W4DT5H6M7S` with an optional sign: every part is optional, one must be there.
    pub(super) fn parse(text: &str) -> Result<Self, PeriodError> {
        let (past, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let text = text.strip_prefix('P').ok_or(PeriodError::Malformed)?;
        let (calendar, time) = match text.split_once('T') {
            Some((_, "")) => return Err(PeriodError::Malformed),
            Some((calendar, time)) => (calendar, time),
            None if text.is_empty() => return Err(PeriodError::Malformed),
            None => (text, ""),
        };
        let period = Period::parse_calendar(calendar)?;
        let [hours, minutes, seconds] = amounts(time, ['H', 'M', 'S'])?;
        Ok(Self {
            past,
            period,
            seconds: total(&[(hours, 3_600), (minutes, 60), (seconds, 1)], MAX_SECONDS)?,
        })
    }

    pub(super) fn has_time(self) -> bool {
        self.seconds > 0
    }

    /// The day so far from `start`, kept within the years 1 to 9999.
    fn date_after(self, start: NaiveDate) -> NaiveDate {
        if self.past {
            self.period.before(start)
        } else {
            self.period.after(start)
        }
    }

    /// The instant so far from `start`, kept within the years 1 to 9999.
    fn instant_after(self, start: DateTime<Utc>) -> DateTime<Utc> {
        let seconds = i64::from(self.seconds);
        let time = TimeDelta::seconds(if self.past { -seconds } else { seconds });
        let day = self
            .date_after(start.date_naive())
            .and_time(start.time())
            .and_utc();
        let moved = day
            .checked_add_signed(time)
            .filter(|moved| (1..=9999).contains(&moved.year()));
        moved.unwrap_or(day).trunc_subsecs(6)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.past { "-P" } else { "P" })?;
        self.period.write_calendar(f)?;
        if self.seconds > 0 {
            write!(f, "T{}S", self.seconds)?;
        }
        if self.period.is_zero() && self.seconds == 0 {
            f.write_str("0D")?;
        }
        Ok(())
    }
}
