//! Reading days as files write them, in strftime's terms.
//!
//! Stricter than chrono, which takes `15/05/20` as a day of the year 20 under `%d/%m/%Y`, and `2020051` as one of May
//! 2020 under `%Y%m%d`: a year has its four digits (`%y`: two), and what stands right beside another number has all of
//! its digits.

use std::{iter, ops::RangeInclusive};

use chrono::{
    Datelike, NaiveDate,
    format::{Item, Numeric, Parsed, StrftimeItems, parse_and_remainder},
};

use super::step::{Fault, shown};

/// How a file writes days, and in which years they may lie.
#[derive(Debug, Clone, Copy)]
pub struct Dates<'a> {
    /// The formats; the first one that fits counts.
    pub formats: &'a [String],
    /// Days of other years are refused.
    pub years: &'a RangeInclusive<i32>,
}

impl<'a> Dates<'a> {
    /// The same years in other formats.
    pub fn written(self, formats: &'a [String]) -> Self {
        Dates { formats, ..self }
    }

    /// Reads a day. Where a format gives a day of a year that may not be, the next one is tried.
    pub fn read(self, text: &str) -> Result<NaiveDate, Fault> {
        let mut beyond = None;
        for day in self.formats.iter().filter_map(|format| day(text, format)) {
            if self.years.contains(&day.year()) {
                return Ok(day);
            }
            beyond = beyond.or(Some(day.year()));
        }
        Err(match beyond {
            Some(year) => Fault::new(
                "year_out_of_range",
                format!(
                    "\"{}\" is in the year {year:04}; the profile takes the years from {} to {}",
                    shown(text),
                    self.years.start(),
                    self.years.end()
                ),
            ),
            None => Fault::new(
                "not_a_date",
                format!(
                    "\"{}\" is not a date written as {}",
                    shown(text),
                    self.formats.join(" or ")
                ),
            ),
        })
    }
}

fn day(text: &str, format: &str) -> Option<NaiveDate> {
    let items: Vec<Item> = StrftimeItems::new(format).collect();
    let mut parsed = Parsed::new();
    let mut rest = text;
    for (index, item) in items.iter().enumerate() {
        let after = parse_and_remainder(&mut parsed, rest, iter::once(item)).ok()?;
        let taken = rest.strip_suffix(after)?.trim_start();
        let is_number = |index: usize| matches!(items.get(index), Some(Item::Numeric(..)));
        let has_neighbour = is_number(index + 1) || index.checked_sub(1).is_some_and(is_number);
        if let Item::Numeric(number, _) = item
            && digits(number, has_neighbour)
                .is_some_and(|digits| taken.len() != digits || !taken.bytes().all(|b| b.is_ascii_digit()))
        {
            return None;
        }
        rest = after;
    }
    if !rest.is_empty() {
        return None;
    }
    // A format with an offset names a day there, not here.
    parsed.to_naive_date().ok()
}

/// How many digits a number must have, if that is said.
fn digits(number: &Numeric, has_neighbour: bool) -> Option<usize> {
    match number {
        Numeric::Year | Numeric::IsoYear => Some(4),
        Numeric::YearMod100 | Numeric::IsoYearMod100 => Some(2),
        Numeric::Month | Numeric::Day | Numeric::IsoWeek | Numeric::WeekFromSun | Numeric::WeekFromMon
            if has_neighbour =>
        {
            Some(2)
        }
        Numeric::Ordinal if has_neighbour => Some(3),
        _ => None,
    }
}
