//! Says clause by clause why a record matches a filter, or why not.

use chrono::SecondsFormat;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{
    Facts, Filter, FilterClock,
    clause::{Clause, Target},
    evaluate::{holds, typed_values},
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
    /// What a duration in the clause came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared_with: Option<Json>,
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
    #[schema(value_type = Vec<Object>)]
    pub values: Vec<Json>,
}

impl Filter {
    /// Why the record with these facts matches, or why not. All clauses are looked at, also those
    /// that could not change the answer any more.
    pub fn explain(&self, facts: &Facts, clock: &FilterClock) -> Explanation {
        explain(&self.root, facts, clock)
    }
}

fn explain(clause: &Clause, facts: &Facts, clock: &FilterClock) -> Explanation {
    let (kind, children): (_, &[Clause]) = match clause {
        Clause::All(clauses) => (ExplanationKind::All, clauses),
        Clause::Any(clauses) => (ExplanationKind::Any, clauses),
        Clause::Not(clause) => (ExplanationKind::Not, std::slice::from_ref(clause)),
        Clause::Present(_) | Clause::Compare { .. } | Clause::Values { .. } => {
            (ExplanationKind::Comparison, &[])
        }
    };
    Explanation {
        clause: clause.to_string(),
        holds: holds(clause, facts, clock),
        kind,
        compared_with: compared_with(clause, clock),
        fact: fact_used(clause, facts),
        children: children
            .iter()
            .map(|child| explain(child, facts, clock))
            .collect(),
    }
}

fn compared_with(clause: &Clause, clock: &FilterClock) -> Option<Json> {
    match clause {
        Clause::Compare { operand, .. } if operand.is_relative() => {
            operand.at(clock).map(|value| json(&value))
        }
        _ => None,
    }
}

fn fact_used(clause: &Clause, facts: &Facts) -> Option<FactUsed> {
    match clause {
        Clause::Present(target) | Clause::Compare { target, .. } => Some(target_fact(target, facts)),
        Clause::Values { source, .. } => Some(FactUsed {
            attribute: source.name.to_owned(),
            values: facts.values(source.name).to_vec(),
        }),
        Clause::All(_) | Clause::Any(_) | Clause::Not(_) => None,
    }
}

fn target_fact(target: &Target, facts: &Facts) -> FactUsed {
    let values = typed_values(target, facts).iter().map(json).collect();
    FactUsed {
        attribute: target.name.clone(),
        values,
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Number(value) => (*value).into(),
        Value::Date(value) => value.to_string().into(),
        Value::Instant(value) => value.to_rfc3339_opts(SecondsFormat::AutoSi, true).into(),
        Value::Id(value) => value.to_string().into(),
    }
}
