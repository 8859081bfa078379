//! The values that filters compare with: literals, and durations that move with the clock.

use std::{fmt, iter::Peekable, str::Chars};

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

use super::FilterClock;

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
    months: u32,
    days: u32,
    seconds: u32,
}

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DurationError {
    Malformed,
    TooLong,
}

const MAX_MONTHS: u32 = 12_000;
const MAX_DAYS: u32 = 366_000;
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

/// An instant as in RFC 3339, or the first of a day in UTC; in microseconds, as PostgreSQL keeps it.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    if let Some(date) = date(text) {
        return Some(date.and_time(NaiveTime::MIN).and_utc());
    }
    let instant = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    let leap_second = instant.timestamp_subsec_nanos() >= 1_000_000_000;
    let in_range = (1..=9999).contains(&instant.year());
    (in_range && !leap_second).then(|| instant.trunc_subsecs(6))
}

impl Duration {
    /// Reads `P1Y2M3W4DT5H6M7S` with an optional sign: every part is optional, one must be there.
    pub(super) fn parse(text: &str) -> Result<Self, DurationError> {
        let (past, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let text = text.strip_prefix('P').ok_or(DurationError::Malformed)?;
        let (calendar, time) = match text.split_once('T') {
            Some((_, "")) => return Err(DurationError::Malformed),
            Some((calendar, time)) => (calendar, time),
            None if text.is_empty() => return Err(DurationError::Malformed),
            None => (text, ""),
        };
        let [years, months, weeks, days] = amounts(calendar, ['Y', 'M', 'W', 'D'])?;
        let [hours, minutes, seconds] = amounts(time, ['H', 'M', 'S'])?;
        Ok(Self {
            past,
            months: total(&[(years, 12), (months, 1)], MAX_MONTHS)?,
            days: total(&[(weeks, 7), (days, 1)], MAX_DAYS)?,
            seconds: total(&[(hours, 3_600), (minutes, 60), (seconds, 1)], MAX_SECONDS)?,
        })
    }

    pub(super) fn has_time(self) -> bool {
        self.seconds > 0
    }

    /// The day so far from `start`, kept within the years 1 to 9999.
    fn date_after(self, start: NaiveDate) -> NaiveDate {
        let (months, days) = (Months::new(self.months), Days::new(self.days.into()));
        let (moved, limit) = if self.past {
            let moved = start
                .checked_sub_months(months)
                .and_then(|date| date.checked_sub_days(days));
            (moved, NaiveDate::from_ymd_opt(1, 1, 1))
        } else {
            let moved = start
                .checked_add_months(months)
                .and_then(|date| date.checked_add_days(days));
            (moved, NaiveDate::from_ymd_opt(9999, 12, 31))
        };
        moved
            .filter(|date| (1..=9999).contains(&date.year()))
            .or(limit)
            .unwrap_or(start)
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

/// The numbers before each of `units`, which stand in this order; 0 for one that is missing.
fn amounts<const N: usize>(text: &str, units: [char; N]) -> Result<[u32; N], DurationError> {
    let mut amounts = [0; N];
    let mut first_allowed = 0;
    let mut rest = text.chars().peekable();
    while rest.peek().is_some() {
        let amount = amount(&mut rest)?;
        let unit = rest.next().ok_or(DurationError::Malformed)?;
        let position = units
            .iter()
            .position(|&known| known == unit)
            .ok_or(DurationError::Malformed)?;
        if position < first_allowed {
            return Err(DurationError::Malformed);
        }
        amounts[position] = amount;
        first_allowed = position + 1;
    }
    Ok(amounts)
}

fn amount(rest: &mut Peekable<Chars>) -> Result<u32, DurationError> {
    let mut digits = String::new();
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.is_empty() {
        return Err(DurationError::Malformed);
    }
    digits.parse().map_err(|_| DurationError::TooLong)
}

fn total(parts: &[(u32, u32)], most: u32) -> Result<u32, DurationError> {
    let total: u64 = parts
        .iter()
        .map(|&(amount, factor)| u64::from(amount) * u64::from(factor))
        .sum();
    u32::try_from(total)
        .ok()
        .filter(|&total| total <= most)
        .ok_or(DurationError::TooLong)
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.past { "-P" } else { "P" })?;
        for (amount, unit) in [(self.months / 12, 'Y'), (self.months % 12, 'M'), (self.days, 'D')] {
            if amount > 0 {
                write!(f, "{amount}{unit}")?;
            }
        }
        if self.seconds > 0 {
            write!(f, "T{}S", self.seconds)?;
        }
        if self.months == 0 && self.days == 0 && self.seconds == 0 {
            f.write_str("0D")?;
        }
        Ok(())
    }
}
