//! Gives a parsed filter its meaning in a schema, or finds every fault in it.

use uuid::Uuid;

use super::{
    FilterError,
    clause::{Clause, Source, Target},
    names::{Named, Names, part_of},
    operand::operand,
    parse::{Expression, Literal, LiteralValue, Name},
    schema::{Operator, Schema, Type},
    value::Operand,
};

/// Checks a whole filter; the faults come in the order of the text.
pub(super) fn check(expression: &Expression, schema: &Schema) -> Result<Clause, Vec<FilterError>> {
    let mut checker = Checker {
        names: Names {
            schema,
            element: None,
        },
        errors: Vec::new(),
    };
    match checker.clause(expression) {
        Some(clause) if checker.errors.is_empty() => Ok(clause),
        _ => Err(checker.errors),
    }
}

struct Checker<'a> {
    names: Names<'a>,
    errors: Vec<FilterError>,
}

impl Checker<'_> {
    /// The checked clause, or nothing and at least one more error.
    fn clause(&mut self, expression: &Expression) -> Option<Clause> {
        match expression {
            Expression::All(operands) => self.clauses(operands).map(Clause::All),
            Expression::Any(operands) => self.clauses(operands).map(Clause::Any),
            Expression::Not(operand) => Some(Clause::Not(Box::new(self.clause(operand)?))),
            Expression::Present(name) => match self.named(name)? {
                Named::Target(target, _) => Some(Clause::Present(target)),
                Named::Source(source) => Some(Clause::Values {
                    source,
                    condition: None,
                }),
            },
            Expression::Compare {
                name,
                operator,
                value,
            } => self.compare(name, *operator, value),
            Expression::Values { name, condition } => self.values(name, condition),
        }
    }

    fn clauses(&mut self, operands: &[Expression]) -> Option<Vec<Clause>> {
        let checked: Vec<_> = operands.iter().map(|operand| self.clause(operand)).collect();
        checked.into_iter().collect()
    }

    fn values(&mut self, name: &Name, condition: &Expression) -> Option<Clause> {
        let Named::Source(source) = self.named(name)? else {
            let message = format!("\"{}\" has no parts to filter by in brackets", name.text);
            return self.fault(name.at, message);
        };
        self.names.element = Some(source.clone());
        let condition = self.clause(condition);
        self.names.element = None;
        Some(Clause::Values {
            source,
            condition: Some(Box::new(condition?)),
        })
    }

    fn compare(&mut self, name: &Name, operator: Operator, literal: &Literal) -> Option<Clause> {
        let (target, words) = match self.named(name)? {
            Named::Target(target, words) => (target, words),
            Named::Source(source) => match part_of(&source, "value") {
                Some(Named::Target(target, words)) if literal.value != LiteralValue::Null => (target, words),
                _ => return self.compare_source(source, name, operator, literal),
            },
        };
        let operators = target.value_type.operators();
        if !operators.contains(&operator) {
            let allowed: Vec<_> = operators.iter().map(|operator| operator.as_str()).collect();
            let message = format!(
                "\"{}\" takes {} and pr, not {operator}",
                target.name,
                allowed.join(", ")
            );
            return self.fault(name.operator_at, message);
        }
        if literal.value == LiteralValue::Null {
            return self.compare_null(target, operator, literal);
        }
        let literal = self.read_text(target.value_type, literal);
        match operand(target.value_type, &words, &literal.value) {
            Ok(operand) => Some(Clause::Compare {
                target,
                operator,
                operand,
            }),
            Err(expected) => self.fault(literal.at, format!("\"{}\" {expected}", target.name)),
        }
    }

    /// A text as what it stands for where the schema says so: a boolean, or the id of nothing.
    fn read_text(&self, value_type: Type, literal: &Literal) -> Literal {
        let mut literal = literal.clone();
        let LiteralValue::Text(text) = &literal.value else {
            return literal;
        };
        let schema = self.names.schema;
        if value_type == Type::Bool
            && schema.has_boolean_texts
            && let Ok(value) = text.to_ascii_lowercase().parse()
        {
            literal.value = LiteralValue::Bool(value);
        } else if value_type == Type::Id && schema.has_opaque_ids && text.parse::<Uuid>().is_err() {
            literal.value = LiteralValue::Text(Uuid::nil().to_string());
        }
        literal
    }

    /// `emails eq null`: without a part `value`, the whole has no other comparison.
    fn compare_source(
        &mut self,
        source: Source,
        name: &Name,
        operator: Operator,
        literal: &Literal,
    ) -> Option<Clause> {
        let whole = source.name;
        let present = Clause::Values {
            source,
            condition: None,
        };
        match (&literal.value, operator) {
            (LiteralValue::Null, Operator::Ne) => Some(present),
            (LiteralValue::Null, Operator::Eq) => Some(Clause::Not(Box::new(present))),
            _ => {
                let message = format!("\"{whole}\" has parts: write {whole}.{{part}} or {whole}[…]");
                self.fault(name.at, message)
            }
        }
    }

    fn compare_null(&mut self, target: Target, operator: Operator, literal: &Literal) -> Option<Clause> {
        match operator {
            Operator::Eq | Operator::Ne => Some(Clause::Compare {
                target,
                operator,
                operand: Operand::Null,
            }),
            _ => self.fault(literal.at, format!("null takes eq and ne, not {operator}")),
        }
    }

    fn fault<T>(&mut self, at: usize, message: String) -> Option<T> {
        self.errors.push(FilterError::new(at, message));
        None
    }

    fn named(&mut self, name: &Name) -> Option<Named> {
        let found = self.names.find(&name.text);
        found.or_else(|| self.fault(name.at, self.names.unknown(&name.text)))
    }
}
