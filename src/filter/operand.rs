//! Reads a value as the type of the attribute that it is compared with.

use super::{
    parse::LiteralValue,
    schema::Type,
    value::{self, Duration, Operand, Value},
};
use crate::period::PeriodError;

/// The typed value, or what was expected instead, to follow the attribute's name.
pub(super) fn operand(value_type: Type, words: &[String], literal: &LiteralValue) -> Result<Operand, String> {
    use LiteralValue::{Bool, Number, Text};
    let value = match (value_type, literal) {
        (Type::Text | Type::Folded | Type::Exact, Text(text)) => Some(Value::Text(text.clone())),
        (Type::Enum, Text(text)) => return word(words, text),
        (Type::Bool, Bool(value)) => Some(Value::Bool(*value)),
        (Type::Integer, Number(text)) => integer(text).map(Value::Integer),
        (Type::Number, Number(text)) => text.parse().ok().map(Value::Number),
        (Type::Date, Text(text)) => match value::date(text) {
            Some(date) => Some(Value::Date(date)),
            None => return duration(value_type, text).map(Operand::FromToday),
        },
        (Type::Instant, Text(text)) => match value::instant(text) {
            Some(instant) => Some(Value::Instant(instant)),
            None => return duration(value_type, text).map(Operand::FromNow),
        },
        (Type::Id, Text(text)) => text.parse().ok().map(Value::Id),
        _ => None,
    };
    value.map(Operand::Value).ok_or_else(|| expected(value_type))
}

fn word(words: &[String], text: &str) -> Result<Operand, String> {
    let found = words.iter().find(|word| word.eq_ignore_ascii_case(text));
    let found = found.ok_or_else(|| format!("is one of: {}", quoted(words)))?;
    Ok(Operand::Value(Value::Text(found.clone())))
}

/// An integer, also when it is written as `134.0` or `1e3`.
fn integer(text: &str) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and small enough to be exact"
        )]
        (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
    })
}

fn duration(value_type: Type, text: &str) -> Result<Duration, String> {
    match Duration::parse(text) {
        Ok(duration) if duration.has_time() && value_type == Type::Date => {
            Err("is a date, to which hours, minutes and seconds mean nothing".into())
        }
        Ok(duration) => Ok(duration),
        Err(PeriodError::TooLong) => {
            Err("takes durations of at most 1,000 years (of hours, 366 days)".into())
        }
        Err(PeriodError::Malformed) => Err(expected(value_type)),
    }
}

fn expected(value_type: Type) -> String {
    match value_type {
        Type::Text | Type::Folded | Type::Exact | Type::Enum => {
            "is text: expected a value in double quotes".into()
        }
        Type::Bool => "is true or false: expected one of the two, without quotes".into(),
        Type::Integer => "is an integer: expected a whole number without quotes".into(),
        Type::Number => "is a number: expected one without quotes".into(),
        Type::Date => {
            "is a date: expected one such as \"2026-01-31\" or a duration from today such as \"-P30D\"".into()
        }
        Type::Instant => {
            "is an instant: expected one such as \"2026-01-31T08:00:00Z\", a date, or a duration \
                          from now such as \"-PT12H\""
                .into()
        }
        Type::Id => "is an id: expected a UUID in double quotes".into(),
    }
}

/// The words in quotes, as a list; not all if there are very many.
pub(super) fn quoted(words: &[String]) -> String {
    const MOST: usize = 50;
    let mut quoted: Vec<_> = words
        .iter()
        .take(MOST)
        .map(|word| format!("\"{word}\""))
        .collect();
    if words.len() > MOST {
        quoted.push("…".into());
    }
    quoted.join(", ")
}
