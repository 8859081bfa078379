//! Evaluates a filter on the facts about one record, as PostgreSQL does on its row.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    Facts, Filter, FilterClock,
    clause::{Clause, Target},
    schema::{Operator, Type},
    value::{Operand, Value},
};
use crate::text::{comparable, fold};

impl Filter {
    /// Whether the record with these facts matches.
    pub fn matches(&self, facts: &Facts, clock: &FilterClock) -> bool {
        holds(&self.root, facts, clock)
    }
}

/// Whether one clause holds.
pub(super) fn holds(clause: &Clause, facts: &Facts, clock: &FilterClock) -> bool {
    match clause {
        Clause::All(clauses) => clauses.iter().all(|clause| holds(clause, facts, clock)),
        Clause::Any(clauses) => clauses.iter().any(|clause| holds(clause, facts, clock)),
        Clause::Not(clause) => !holds(clause, facts, clock),
        Clause::Present(target) => present(target, facts),
        Clause::Compare {
            target,
            operator,
            operand,
        } => comparison(target, *operator, operand, facts, clock),
        Clause::OneOf { target, ids } => {
            let has = |value: &Value| matches!(value, Value::Id(id) if ids.contains(id));
            typed_values(target, facts).iter().any(has)
        }
        Clause::Values { source, condition } => {
            let satisfies = |value: &Json| match condition {
                Some(condition) => holds(condition, &Facts::of(value), clock),
                None => true,
            };
            facts.values(source.name).iter().any(satisfies)
        }
    }
}

/// The facts about a target that are of its type.
pub(super) fn typed_values(target: &Target, facts: &Facts) -> Vec<Value> {
    facts
        .values(&target.name)
        .iter()
        .filter_map(|json| typed(json, target.value_type))
        .collect()
}

fn present(target: &Target, facts: &Facts) -> bool {
    let there = |value: &Value| !matches!(value, Value::Text(text) if text.is_empty());
    typed_values(target, facts).iter().any(there)
}

fn comparison(
    target: &Target,
    operator: Operator,
    operand: &Operand,
    facts: &Facts,
    clock: &FilterClock,
) -> bool {
    let Some(wanted) = operand.at(clock) else {
        return present(target, facts) == (operator == Operator::Ne);
    };
    let any = |operator| {
        typed_values(target, facts)
            .iter()
            .any(|value| compare(value, operator, &wanted, target.value_type))
    };
    match operator {
        Operator::Ne => !any(Operator::Eq),
        operator => any(operator),
    }
}

fn compare(stored: &Value, operator: Operator, wanted: &Value, value_type: Type) -> bool {
    let ordering = match (stored, wanted) {
        (Value::Text(stored), Value::Text(wanted)) => {
            let folded: fn(&str) -> String = match value_type {
                Type::Text => comparable,
                Type::Folded => fold,
                _ => str::to_owned,
            };
            return text(&folded(stored), operator, &folded(wanted));
        }
        (Value::Bool(stored), Value::Bool(wanted)) => stored.cmp(wanted),
        (Value::Integer(stored), Value::Integer(wanted)) => stored.cmp(wanted),
        (Value::Number(stored), Value::Number(wanted)) => number_order(*stored, *wanted),
        (Value::Date(stored), Value::Date(wanted)) => stored.cmp(wanted),
        (Value::Instant(stored), Value::Instant(wanted)) => stored.cmp(wanted),
        (Value::Id(stored), Value::Id(wanted)) => stored.cmp(wanted),
        _ => return false,
    };
    ordered(ordering, operator)
}

fn text(stored: &str, operator: Operator, wanted: &str) -> bool {
    match operator {
        Operator::Co => stored.contains(wanted),
        Operator::Sw => stored.starts_with(wanted),
        Operator::Ew => stored.ends_with(wanted),
        operator => ordered(stored.cmp(wanted), operator),
    }
}

fn ordered(ordering: Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Eq => ordering.is_eq(),
        Operator::Ne => ordering.is_ne(),
        Operator::Gt => ordering.is_gt(),
        Operator::Ge => ordering.is_ge(),
        Operator::Lt => ordering.is_lt(),
        Operator::Le => ordering.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}

/// PostgreSQL's order, in which NaN equals itself and is above all else.
fn number_order(stored: f64, wanted: f64) -> Ordering {
    stored
        .partial_cmp(&wanted)
        .unwrap_or_else(|| stored.is_nan().cmp(&wanted.is_nan()))
}

/// A fact as a value of its type; none if it is of another.
pub(super) fn typed(json: &Json, value_type: Type) -> Option<Value> {
    match (value_type, json) {
        (Type::Text | Type::Folded | Type::Exact | Type::Enum, Json::String(text)) => {
            Some(Value::Text(text.clone()))
        }
        (Type::Bool, Json::Bool(value)) => Some(Value::Bool(*value)),
        (Type::Integer, Json::Number(number)) => number.as_i64().map(Value::Integer),
        (Type::Number, Json::Number(number)) => number.as_f64().map(Value::Number),
        (Type::Number, Json::String(text)) => text.parse().ok().map(Value::Number),
        (Type::Date, Json::String(text)) => super::value::date(text).map(Value::Date),
        (Type::Instant, Json::String(text)) => instant(text).map(Value::Instant),
        (Type::Id, Json::String(text)) => text.parse::<Uuid>().ok().map(Value::Id),
        _ => None,
    }
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    match text.parse::<NaiveDateTime>() {
        Ok(utc) => Some(utc.and_utc()),
        Err(_) => super::value::instant(text),
    }
}
