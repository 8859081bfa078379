//! Writes filters in canonical form.

use std::fmt;

use chrono::SecondsFormat;
use uuid::Uuid;

use super::{
    clause::Clause,
    value::{Operand, Value},
};

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(clauses) => joined(f, clauses, " and "),
            Self::Any(clauses) => joined(f, clauses, " or "),
            Self::Not(clause) => write!(f, "not ({clause})"),
            Self::Present(target) => write!(f, "{} pr", target.name),
            Self::Compare {
                target,
                operator,
                operand,
            } => write!(f, "{} {operator} {operand}", target.name),
            Self::OneOf { target, ids } => one_of(f, &target.name, ids),
            Self::Values {
                source,
                condition: Some(condition),
            } => write!(f, "{}[{condition}]", source.name),
            Self::Values {
                source,
                condition: None,
            } => write!(f, "{} pr", source.name),
        }
    }
}

/// The clauses with an operator between; `or` binds less than `and`, so it stands in parentheses.
fn joined(f: &mut fmt::Formatter<'_>, clauses: &[Clause], operator: &str) -> fmt::Result {
    for (index, clause) in clauses.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { operator })?;
        match clause {
            Clause::Any(_) => write!(f, "({clause})")?,
            Clause::OneOf { ids, .. } if ids.len() > 1 => write!(f, "({clause})")?,
            _ => write!(f, "{clause}")?,
        }
    }
    Ok(())
}

/// As comparisons; of a long list the first ones, since nobody reads all.
fn one_of(f: &mut fmt::Formatter<'_>, name: &str, ids: &[Uuid]) -> fmt::Result {
    const MOST: usize = 20;
    for (index, id) in ids.iter().take(MOST).enumerate() {
        let separator = if index == 0 { "" } else { " or " };
        write!(f, "{separator}{name} eq \"{id}\"")?;
    }
    match ids.len().saturating_sub(MOST) {
        0 => Ok(()),
        more => write!(f, " or {more} more"),
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Value(value) => value.fmt(f),
            Self::FromToday(duration) | Self::FromNow(duration) => write!(f, "\"{duration}\""),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{}", serde_json::Value::from(*value)),
            Self::Date(value) => write!(f, "\"{value}\""),
            Self::Instant(value) => write!(f, "\"{}\"", value.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Id(value) => write!(f, "\"{value}\""),
        }
    }
}
