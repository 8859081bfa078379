//! What a record must say to match a filter that says nothing but what some attributes equal.

use serde_json::Value as Json;

use super::{
    Filter,
    clause::Clause,
    schema::Operator,
    value::{Operand, Value},
};

impl Filter {
    /// The attributes that must have a value, and which, if that is all that the filter says: of `type eq "work"` the
    /// pair of `type` and `work`.
    pub fn equalities(&self) -> Option<Vec<(&str, Json)>> {
        match &self.root {
            Clause::All(clauses) => clauses.iter().map(equality).collect(),
            clause => equality(clause).map(|pair| vec![pair]),
        }
    }
}

fn equality(clause: &Clause) -> Option<(&str, Json)> {
    let Clause::Compare {
        target,
        operator: Operator::Eq,
        operand: Operand::Value(value),
    } = clause
    else {
        return None;
    };
    let value = match value {
        Value::Text(text) => text.as_str().into(),
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Number(value) => (*value).into(),
        Value::Id(id) => id.to_string().into(),
        Value::Date(day) => day.to_string().into(),
        Value::Instant(instant) => instant.to_rfc3339().into(),
    };
    Some((&target.name, value))
}
