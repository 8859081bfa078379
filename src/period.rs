//! Lengths of calendar time: ISO 8601 durations of whole years, months, weeks and days.
//!
//! How long a completion counts, how long after hire something is due. Months are of the calendar: a month
//! after 31 January is the last day of February, as PostgreSQL's `date + interval` has it. Knows no domain;
//! any module may call it.

use std::{borrow::Cow, fmt, io::Write, iter::Peekable, str::Chars, str::FromStr};

use chrono::{Datelike, Days, Months, NaiveDate};
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::Text,
};
use serde_with::{DeserializeFromStr, SerializeDisplay};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

/// A length of calendar time, at most a thousand years.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    SerializeDisplay,
    DeserializeFromStr,
    AsExpression,
    FromSqlRow,
)]
#[diesel(sql_type = Text)]
pub struct Period {
    months: u32,
    days: u32,
}

/// Why a text is no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// It is not in the form.
    #[error("must be an ISO 8601 duration of whole years, months, weeks or days, such as P1Y or P30D")]
    Malformed,
    /// It is beyond a thousand years.
    #[error("must be at most a thousand years")]
    TooLong,
}

/// The form, as the API's document gives it.
const PATTERN: &str = r"^P(?=[0-9])([0-9]{1,4}Y)?([0-9]{1,5}M)?([0-9]{1,5}W)?([0-9]{1,6}D)?$";

/// As [`PATTERN`], of a period that is longer than nothing.
const LASTING: &str = r"^P(?=.*[1-9])(?=[0-9])([0-9]{1,4}Y)?([0-9]{1,5}M)?([0-9]{1,5}W)?([0-9]{1,6}D)?$";

const MAX_MONTHS: u32 = 12_000;
const MAX_DAYS: u32 = 366_000;

impl Period {
    /// Reads the part of a duration between `P` and `T`: `1Y2M3W4D`, any of them or none.
    pub(crate) fn parse_calendar(text: &str) -> Result<Self, PeriodError> {
        let [years, months, weeks, days] = amounts(text, ['Y', 'M', 'W', 'D'])?;
        Ok(Period {
            months: total(&[(years, 12), (months, 1)], MAX_MONTHS)?,
            days: total(&[(weeks, 7), (days, 1)], MAX_DAYS)?,
        })
    }

    /// Whether it has no length.
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// Whether it ends before `other`, if both begin in a year without a leap day.
    pub fn is_shorter_than(self, other: Self) -> bool {
        let begin = NaiveDate::from_ymd_opt(2001, 1, 1).unwrap_or_default();
        self.after(begin) < other.after(begin)
    }

    /// The day so long after `date`, at the latest the last of the year 9999.
    pub fn after(self, date: NaiveDate) -> NaiveDate {
        date.checked_add_months(Months::new(self.months))
            .and_then(|date| date.checked_add_days(Days::new(self.days.into())))
            .filter(|date| date.year() <= 9999)
            .or(NaiveDate::from_ymd_opt(9999, 12, 31))
            .unwrap_or(date)
    }

    /// The day so long before `date`, at the earliest the first of the year 1.
    pub fn before(self, date: NaiveDate) -> NaiveDate {
        date.checked_sub_months(Months::new(self.months))
            .and_then(|date| date.checked_sub_days(Days::new(self.days.into())))
            .filter(|date| date.year() >= 1)
            .or(NaiveDate::from_ymd_opt(1, 1, 1))
            .unwrap_or(date)
    }

    /// Writes the part after `P`; nothing for no length.
    pub(crate) fn write_calendar(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (amount, unit) in [(self.months / 12, 'Y'), (self.months % 12, 'M'), (self.days, 'D')] {
            if amount > 0 {
                write!(f, "{amount}{unit}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        match text.strip_prefix('P') {
            Some(calendar) if !calendar.is_empty() => Self::parse_calendar(calendar),
            _ => Err(PeriodError::Malformed),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        if self.is_zero() {
            return f.write_str("0D");
        }
        self.write_calendar(f)
    }
}

impl ToSql<Text, Pg> for Period {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        write!(out, "{self}")?;
        Ok(IsNull::No)
    }
}

impl FromSql<Text, Pg> for Period {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(std::str::from_utf8(value.as_bytes())?.parse()?)
    }
}

impl PartialSchema for Period {
    fn schema() -> RefOr<Schema> {
        text_schema(
            PATTERN,
            "An ISO 8601 duration of whole years, months, weeks and days; answered in years, months and days.",
        )
    }
}

/// In the document: a period that is longer than nothing.
#[derive(Debug)]
pub struct LastingPeriod;

impl PartialSchema for LastingPeriod {
    fn schema() -> RefOr<Schema> {
        text_schema(
            LASTING,
            "An ISO 8601 duration of whole years, months, weeks and days, longer than nothing.",
        )
    }
}

impl ToSchema for LastingPeriod {
    fn name() -> Cow<'static, str> {
        "LastingPeriod".into()
    }
}

fn text_schema(pattern: &str, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom("period".into())))
        .pattern(Some(pattern))
        .description(Some(description))
        .examples(["P1Y"])
        .into()
}

impl ToSchema for Period {
    fn name() -> Cow<'static, str> {
        "Period".into()
    }
}

/// The numbers before each of `units`, which stand in this order; 0 for one that is missing.
pub(crate) fn amounts<const N: usize>(text: &str, units: [char; N]) -> Result<[u32; N], PeriodError> {
    let mut amounts = [0; N];
    let mut first_allowed = 0;
    let mut rest = text.chars().peekable();
    while rest.peek().is_some() {
        let amount = amount(&mut rest)?;
        let unit = rest.next().ok_or(PeriodError::Malformed)?;
        let position = units
            .iter()
            .position(|&known| known == unit)
            .ok_or(PeriodError::Malformed)?;
        if position < first_allowed {
            return Err(PeriodError::Malformed);
        }
        amounts[position] = amount;
        first_allowed = position + 1;
    }
    Ok(amounts)
}

fn amount(rest: &mut Peekable<Chars>) -> Result<u32, PeriodError> {
    let mut digits = String::new();
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.is_empty() {
        return Err(PeriodError::Malformed);
    }
    digits.parse().map_err(|_| PeriodError::TooLong)
}

/// The sum of the amounts, each times its factor.
pub(crate) fn total(parts: &[(u32, u32)], most: u32) -> Result<u32, PeriodError> {
    let total: u64 = parts
        .iter()
        .map(|&(amount, factor)| u64::from(amount) * u64::from(factor))
        .sum();
    u32::try_from(total)
        .ok()
        .filter(|&total| total <= most)
        .ok_or(PeriodError::TooLong)
}
