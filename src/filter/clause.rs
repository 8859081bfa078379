//! A checked filter: each clause knows the type and the place of what it speaks of.

use uuid::Uuid;

use super::{
    schema::{Bounds, Operator, Part, Type},
    value::Operand,
};
use crate::db::Sql;

/// A checked filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Clause {
    All(Vec<Clause>),
    Any(Vec<Clause>),
    Not(Box<Clause>),
    Present(Target),
    Compare {
        target: Target,
        operator: Operator,
        operand: Operand,
    },
    /// Has one of these ids.
    OneOf {
        target: Target,
        ids: Vec<Uuid>,
    },
    /// At least one of many values satisfies `condition`, whose targets are parts of a value;
    /// without a condition: there is a value.
    Values {
        source: Source,
        condition: Option<Box<Clause>>,
    },
}

impl Clause {
    /// Whether it compares with something relative to now.
    pub fn speaks_of_today(&self) -> bool {
        match self {
            Clause::All(clauses) | Clause::Any(clauses) => clauses.iter().any(Clause::speaks_of_today),
            Clause::Not(clause) => clause.speaks_of_today(),
            Clause::Present(_) | Clause::OneOf { .. } => false,
            Clause::Compare { operand, .. } => operand.is_relative(),
            Clause::Values { condition, .. } => {
                condition.as_ref().is_some_and(|inner| inner.speaks_of_today())
            }
        }
    }
}

/// An attribute that a clause speaks of, under its declared name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub name: String,
    pub value_type: Type,
    pub place: Place,
}

/// Where a target's values are stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    Scalar(&'static str),
    Bounded(&'static Bounds),
    Searched {
        column: &'static str,
        within: &'static str,
    },
    Exists {
        from: &'static str,
        on: Sql,
        value: &'static str,
    },
    Custom {
        column: &'static str,
        key: String,
        multi_valued: bool,
    },
}

/// An attribute whose values have parts.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub name: &'static str,
    pub from: &'static str,
    pub on: Sql,
    pub parts: &'static [Part],
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.from, &self.on) == (other.name, other.from, &other.on)
    }
}
