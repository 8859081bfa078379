//! Gives a parsed filter its meaning in a schema, or finds every fault in it.

use super::{
    FilterError,
    parse::{Expression, Literal, LiteralValue, Name},
    schema::{Attribute, Column, Operator, Schema, Type},
    value::{self, Duration, DurationError, Operand, Value},
};

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
    /// At least one of many values satisfies `condition`, whose targets are attributes of a value;
    /// without a condition: there is a value.
    Values {
        source: Source,
        condition: Option<Box<Clause>>,
    },
}

/// An attribute that a clause speaks of, under its declared name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub name: String,
    pub value_type: Type,
    pub place: Place,
}

/// Where a target's values are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Scalar(&'static str),
    Exists {
        from: &'static str,
        on: &'static str,
        value: &'static str,
    },
    Custom {
        column: &'static str,
        key: String,
        multi_valued: bool,
    },
}

/// An attribute whose values have attributes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub name: &'static str,
    pub from: &'static str,
    pub on: &'static str,
    pub attributes: &'static [Attribute],
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.from, self.on) == (other.name, other.from, other.on)
    }
}

/// Checks a whole filter; the faults come in the order of the text.
pub(super) fn check(expression: &Expression, schema: &Schema) -> Result<Clause, Vec<FilterError>> {
    let mut checker = Checker {
        schema,
        element: None,
        errors: Vec::new(),
    };
    match checker.clause(expression) {
        Some(clause) if checker.errors.is_empty() => Ok(clause),
        _ => Err(checker.errors),
    }
}

struct Checker<'a> {
    schema: &'a Schema,
    /// The attribute whose brackets we are in.
    element: Option<Source>,
    errors: Vec<FilterError>,
}

/// What a name stands for.
enum Named {
    /// A target, and the allowed words if it is an enum.
    Target(Target, Vec<String>),
    Source(Source),
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
        let checked: Vec<_> = operands
            .iter()
            .map(|operand| self.clause(operand))
            .collect();
        checked.into_iter().collect()
    }

    fn values(&mut self, name: &Name, condition: &Expression) -> Option<Clause> {
        let Named::Source(source) = self.named(name)? else {
            let message = format!(
                "\"{}\" has no attributes of its own to filter by in brackets",
                name.text
            );
            return self.fault(name.at, message);
        };
        self.element = Some(source);
        let condition = self.clause(condition);
        self.element = None;
        Some(Clause::Values {
            source,
            condition: Some(Box::new(condition?)),
        })
    }

    fn compare(&mut self, name: &Name, operator: Operator, literal: &Literal) -> Option<Clause> {
        let (target, words) = match self.named(name)? {
            Named::Target(target, words) => (target, words),
            Named::Source(source) => match part_of(source, "value") {
                Some(Named::Target(target, words)) if literal.value != LiteralValue::Null => {
                    (target, words)
                }
                _ => return self.compare_source(source, name, operator, literal),
            },
        };
        let operators = target.value_type.operators();
        if !operators.contains(&operator) {
            let allowed: Vec<_> = operators.iter().map(|operator| operator.as_str()).collect();
            let message = format!(
                "\"{}\" is a {}, which takes {} and pr, not {operator}",
                target.name,
                target.value_type.as_str(),
                allowed.join(", "),
            );
            return self.fault(name.operator_at, message);
        }
        if literal.value == LiteralValue::Null {
            return self.compare_null(target, operator, literal);
        }
        match operand(target.value_type, &words, &literal.value) {
            Ok(operand) => Some(Clause::Compare {
                target,
                operator,
                operand,
            }),
            Err(expected) => self.fault(literal.at, format!("\"{}\" {expected}", target.name)),
        }
    }

    /// `emails eq null`: without an attribute `value`, the whole has no other comparison.
    fn compare_source(
        &mut self,
        source: Source,
        name: &Name,
        operator: Operator,
        literal: &Literal,
    ) -> Option<Clause> {
        let present = Clause::Values {
            source,
            condition: None,
        };
        match (&literal.value, operator) {
            (LiteralValue::Null, Operator::Ne) => Some(present),
            (LiteralValue::Null, Operator::Eq) => Some(Clause::Not(Box::new(present))),
            _ => {
                let message = format!(
                    "\"{0}\" has attributes: write {0}.{{attribute}} or {0}[…]",
                    source.name
                );
                self.fault(name.at, message)
            }
        }
    }

    fn compare_null(
        &mut self,
        target: Target,
        operator: Operator,
        literal: &Literal,
    ) -> Option<Clause> {
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
        let found = match self.element {
            Some(source) => find_in(source.attributes, &name.text),
            None => self.find(&name.text),
        };
        found.or_else(|| {
            let message = unknown(&name.text, &self.known_names());
            self.fault(name.at, message)
        })
    }

    fn find(&self, text: &str) -> Option<Named> {
        let name = self.without_urn(text);
        find_in(self.schema.attributes, name).or_else(|| self.find_custom(name))
    }

    fn without_urn<'t>(&self, text: &'t str) -> &'t str {
        match text.rsplit_once(':') {
            Some((urn, name))
                if self
                    .schema
                    .urns
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(urn)) =>
            {
                name
            }
            _ => text,
        }
    }

    fn find_custom(&self, name: &str) -> Option<Named> {
        let (prefix, key) = name.split_once('.')?;
        if !prefix.eq_ignore_ascii_case("attributes") {
            return None;
        }
        let custom = self
            .schema
            .custom
            .iter()
            .find(|custom| custom.name.eq_ignore_ascii_case(key))?;
        let place = Place::Custom {
            column: self.schema.custom_column,
            key: custom.name.clone(),
            multi_valued: custom.multi_valued,
        };
        let name = format!("attributes.{}", custom.name);
        Some(Named::Target(
            Target {
                name,
                value_type: custom.kind.value_type(),
                place,
            },
            custom.kind.words(),
        ))
    }

    fn known_names(&self) -> Vec<String> {
        let attributes = self
            .element
            .map_or(self.schema.attributes, |source| source.attributes);
        let mut names: Vec<_> = attributes
            .iter()
            .map(|attribute| attribute.name.to_owned())
            .collect();
        if self.element.is_none() {
            for attribute in attributes {
                if let Column::Complex { attributes, .. } = attribute.column {
                    names.extend(
                        attributes
                            .iter()
                            .map(|sub| format!("{}.{}", attribute.name, sub.name)),
                    );
                }
            }
            names.extend(
                self.schema
                    .custom
                    .iter()
                    .map(|custom| format!("attributes.{}", custom.name)),
            );
        }
        names
    }
}

/// The attribute `name`, or for `emails.type` the attribute `type` of `emails`' values.
fn find_in(attributes: &'static [Attribute], name: &str) -> Option<Named> {
    if let Some(attribute) = find_attribute(attributes, name) {
        return Some(named_attribute(attribute));
    }
    let (whole, part) = name.split_once('.')?;
    let Named::Source(source) = named_attribute(find_attribute(attributes, whole)?) else {
        return None;
    };
    part_of(source, part)
}

fn find_attribute(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

fn named_attribute(attribute: &'static Attribute) -> Named {
    let place = match attribute.column {
        Column::Scalar(column) => Place::Scalar(column),
        Column::Exists { from, on, value } => Place::Exists { from, on, value },
        Column::Complex {
            from,
            on,
            attributes,
        } => {
            return Named::Source(Source {
                name: attribute.name,
                from,
                on,
                attributes,
            });
        }
    };
    let target = Target {
        name: attribute.name.to_owned(),
        value_type: attribute.kind.value_type(),
        place,
    };
    Named::Target(target, attribute.kind.words())
}

fn part_of(source: Source, part: &str) -> Option<Named> {
    let attribute = find_attribute(source.attributes, part)?;
    let Column::Scalar(value) = attribute.column else {
        return None;
    };
    let target = Target {
        name: format!("{}.{}", source.name, attribute.name),
        value_type: attribute.kind.value_type(),
        place: Place::Exists {
            from: source.from,
            on: source.on,
            value,
        },
    };
    Some(Named::Target(target, attribute.kind.words()))
}

/// The typed value, or what was expected instead, to follow the attribute's name.
fn operand(value_type: Type, words: &[String], literal: &LiteralValue) -> Result<Operand, String> {
    use LiteralValue::{Bool, Number, Text};
    let value = match (value_type, literal) {
        (Type::Text | Type::Exact, Text(text)) => Some(Value::Text(text.clone())),
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
    value
        .map(Operand::Value)
        .ok_or_else(|| expected(value_type))
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
        Err(DurationError::TooLong) => {
            Err("takes durations of at most 1,000 years (of hours, 366 days)".into())
        }
        Err(DurationError::Malformed) => Err(expected(value_type)),
    }
}

fn expected(value_type: Type) -> String {
    match value_type {
        Type::Text | Type::Exact | Type::Enum => "is text: expected a value in double quotes".into(),
        Type::Bool => "is true or false: expected one of the two, without quotes".into(),
        Type::Integer => "is an integer: expected a whole number without quotes".into(),
        Type::Number => "is a number: expected one without quotes".into(),
        Type::Date => {
            "is a date: expected one such as \"2026-01-31\" or a duration from today such as \"-P30D\"".into()
        }
        Type::Instant => "is an instant: expected one such as \"2026-01-31T08:00:00Z\", a date, or a duration \
                          from now such as \"-PT12H\""
            .into(),
        Type::Id => "is an id: expected a UUID in double quotes".into(),
    }
}

fn unknown(name: &str, known: &[String]) -> String {
    match nearest(name, known) {
        Some(near) => format!("unknown attribute \"{name}\"; did you mean \"{near}\"?"),
        None => format!(
            "unknown attribute \"{name}\"; the attributes are {}",
            quoted(known)
        ),
    }
}

fn quoted(words: &[String]) -> String {
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

/// The known name that is the fewest edits away, if that is few enough to be a slip.
fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let most = (name.len() / 3).max(1);
    let distances = known
        .iter()
        .map(|candidate| (edits(name, candidate), candidate.as_str()));
    distances
        .filter(|&(distance, _)| distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The Levenshtein distance without regard to case.
fn edits(from: &str, to: &str) -> usize {
    let (from, to) = (from.to_ascii_lowercase(), to.to_ascii_lowercase());
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}
