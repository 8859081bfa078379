//! The filter language: one way to say "which records", for lists, dynamic groups, rule audiences,
//! report filters and SCIM.
//!
//! A text in the grammar of RFC 7644 §3.4.2.2 is parsed, checked against the attributes that a
//! resource declares in a [`Schema`], and becomes a [`Filter`]. A filter turns into an SQL condition
//! ([`Filter::to_sql`]), and evaluates one record ([`Filter::matches`], [`Filter::explain`]) on
//! [`Facts`] that one statement fetches ([`Filter::facts_sql`]). SQL and evaluation agree.
//!
//! The logic has two values. A comparison with an absent value does not hold; `ne` is exactly the
//! opposite of `eq`, so it holds for an absent value; `eq null` is the opposite of `pr`. Text that is
//! empty is not present. On an attribute of many values a comparison holds if any value satisfies it.
//!
//! Identifiers are compared by their key form, which is stored beside them; other text without case and accents, by the
//! function `comparable` in PostgreSQL and by [`comparable`](crate::text::comparable) in the evaluator. The two are the
//! same apart from letters that are newer than the server's ICU.
//!
//! Any module may call it; it knows no domain.

mod check;
mod clause;
mod compose;
mod describe;
mod display;
mod equalities;
mod evaluate;
mod explain;
mod facts;
mod lexer;
mod names;
mod operand;
mod parse;
mod schema;
mod sql;
mod stored;
mod value;

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};

pub use describe::AttributeDescription;
pub use explain::{Explanation, ExplanationKind, FactUsed, FactValue};
pub use facts::Facts;
pub(crate) use names::nearest;
pub use schema::{Attribute, Bounds, Column, CustomAttribute, CustomKind, Kind, Operator, Part, Schema};
pub(crate) use sql::literally;

use clause::Clause;

/// The longest filter, in characters.
pub const MAX_LENGTH: usize = 4_096;
/// How deeply parentheses and brackets may nest.
pub const MAX_DEPTH: usize = 32;
/// The most comparisons in one filter.
pub const MAX_CLAUSES: usize = 100;

/// A filter that was checked against a schema: everything that can be wrong with it was said.
///
/// Two filters are equal if they say the same, however they were written.
#[derive(Debug, Clone)]
pub struct Filter {
    source: String,
    root: Clause,
}

/// What durations such as `"-P30D"` are relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilterClock {
    pub today: NaiveDate,
    pub now: DateTime<Utc>,
}

/// One fault of a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {message}")]
pub struct FilterError {
    /// Where the fault is: how many characters stand before it.
    pub at: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

/// Every fault that was found in a filter; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterErrors(pub Vec<FilterError>);

impl Filter {
    /// Parses `text` and checks it against `schema`.
    ///
    /// # Errors
    /// The first fault of grammar, or else all faults of meaning.
    pub fn parse(text: &str, schema: &Schema) -> Result<Self, FilterErrors> {
        let expression = parse::parse(text).map_err(|error| FilterErrors(vec![error]))?;
        let root = check::check(&expression, schema).map_err(FilterErrors)?;
        Ok(Self {
            source: text.to_owned(),
            root,
        })
    }

    /// Whether what it finds changes by the calendar alone: it compares with days or instants relative to now.
    pub fn speaks_of_today(&self) -> bool {
        self.root.speaks_of_today()
    }

    /// The filter as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

/// The filter in canonical form, which parses to an equal filter unless it is a little longer or
/// deeper than what was written, and that was at the limit. To store a filter, store its source.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

impl FilterError {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
        }
    }
}

impl fmt::Display for FilterErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FilterErrors {}
