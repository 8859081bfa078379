//! Says clause by clause why a record matches a filter, or why not.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Number, Value as Json};
use utoipa::ToSchema;

use super::{
    Facts, Filter, FilterClock,
    clause::{Clause, Source},
    evaluate::{holds, typed, typed_values},
    schema::Part,
    value::Value,
};

/// Whether a clause of a filter holds for a record, and the facts that decide it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Explanation {
    /// The clause in canonical form.
    #[schema(example = "hired_on gt \"-P30D\"")]
    pub clause: String,
    /// Whether it holds.
    pub holds: bool,
    pub kind: ExplanationKind,
    /// The date or instant that a duration in the clause came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-01-01")]
    pub compared_with: Option<String>,
    /// The record's values that a comparison looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fact: Option<FactUsed>,
    /// What `all`, `any` and `not` are made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub children: Vec<Explanation>,
}

/// How the clauses below one decide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExplanationKind {
    /// Holds if all its children do.
    All,
    /// Holds if any of its children does.
    Any,
    /// Holds if its child does not.
    Not,
    /// Looks at a fact.
    Comparison,
}

/// The values that a record has for an attribute; none if it is absent.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FactUsed {
    #[schema(example = "hired_on")]
    pub attribute: String,
    #[schema(example = json!(["2025-12-01"]))]
    pub values: Vec<FactValue>,
}

/// One value of an attribute; days, instants and ids are texts.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum FactValue {
    Bool(bool),
    #[schema(value_type = f64)]
    Number(Number),
    Text(String),
    /// Of a value that has parts: those that filters may name.
    // Generators stumble over a union that holds itself.
    #[schema(value_type = Object)]
    Parts(BTreeMap<String, FactValue>),
}

impl Filter {
    /// Why the record with these facts matches, or why not. All clauses are looked at, also those
    /// that could not change the answer any more.
    pub fn explain(&self, facts: &Facts, clock: &FilterClock) -> Explanation {
        self.explain_showing(facts, facts, clock)
    }

    /// The same for a caller who may see only the facts in `shown`: the result is by all facts.
    pub fn explain_showing(&self, facts: &Facts, shown: &Facts, clock: &FilterClock) -> Explanation {
        explain(&self.root, facts, shown, clock)
    }
}

fn explain(clause: &Clause, facts: &Facts, shown: &Facts, clock: &FilterClock) -> Explanation {
    let (kind, children): (_, &[Clause]) = match clause {
        Clause::All(clauses) => (ExplanationKind::All, clauses),
        Clause::Any(clauses) => (ExplanationKind::Any, clauses),
        Clause::Not(clause) => (ExplanationKind::Not, std::slice::from_ref(clause)),
        Clause::Present(_) | Clause::Compare { .. } | Clause::OneOf { .. } | Clause::Values { .. } => {
            (ExplanationKind::Comparison, &[])
        }
    };
    Explanation {
        clause: clause.to_string(),
        holds: holds(clause, facts, clock),
        kind,
        compared_with: compared_with(clause, clock),
        fact: fact_used(clause, shown),
        children: children
            .iter()
            .map(|child| explain(child, facts, shown, clock))
            .collect(),
    }
}

fn compared_with(clause: &Clause, clock: &FilterClock) -> Option<String> {
    let Clause::Compare { operand, .. } = clause else {
        return None;
    };
    match operand.at(clock) {
        Some(Value::Date(date)) if operand.is_relative() => Some(date.to_string()),
        Some(Value::Instant(instant)) if operand.is_relative() => Some(rfc3339(instant)),
        _ => None,
    }
}

fn fact_used(clause: &Clause, facts: &Facts) -> Option<FactUsed> {
    let (attribute, values) = match clause {
        Clause::Present(target) | Clause::Compare { target, .. } | Clause::OneOf { target, .. } => {
            let values = typed_values(target, facts);
            (target.name.clone(), values.iter().map(fact_value).collect())
        }
        Clause::Values { source, .. } => {
            let values = facts.values(source.name).iter();
            (
                source.name.to_owned(),
                values.map(|value| parts(source, value)).collect(),
            )
        }
        Clause::All(_) | Clause::Any(_) | Clause::Not(_) => return None,
    };
    Some(FactUsed { attribute, values })
}

/// The parts that one of a source's values has.
fn parts(source: &Source, value: &Json) -> FactValue {
    let part = |part: &Part| {
        let value = typed(value.get(part.name)?, part.kind.value_type())?;
        Some((part.name.to_owned(), fact_value(&value)))
    };
    FactValue::Parts(source.parts.iter().filter_map(part).collect())
}

fn fact_value(value: &Value) -> FactValue {
    match value {
        Value::Text(text) => FactValue::Text(text.as_str().into()),
        Value::Bool(value) => FactValue::Bool(*value),
        Value::Integer(value) => FactValue::Number((*value).into()),
        Value::Number(value) => {
            Number::from_f64(*value).map_or_else(|| FactValue::Text(value.to_string()), FactValue::Number)
        }
        Value::Date(value) => FactValue::Text(value.to_string()),
        Value::Instant(value) => FactValue::Text(rfc3339(*value)),
        Value::Id(value) => FactValue::Text(value.to_string()),
    }
}

fn rfc3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
