//! Turns a checked filter into SQL. Every part is static text or a bound value.
//!
//! Negation is pushed down to the comparisons, so that those which are not negated stay plain
//! (`users.code = $1`) and can use an index; a negated one becomes `(…) IS NOT TRUE`, which gives
//! NULL the language's meaning.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{
    Filter, FilterClock,
    clause::{Clause, Place, Target},
    schema::{Operator, Type},
    stored::{Stored, stored},
    value::{Operand, Value},
};
use crate::{db::Bind, db::Fixed, db::sql::Sql, sql, text};

impl Filter {
    /// The condition that holds for the records that match, over the table that the schema's
    /// columns speak of.
    pub fn to_sql(&self, clock: &FilterClock) -> Sql {
        condition(&self.root, false, clock)
    }
}

fn condition(clause: &Clause, negated: bool, clock: &FilterClock) -> Sql {
    let each = |clauses: &[Clause]| -> Vec<Sql> {
        clauses
            .iter()
            .map(|clause| condition(clause, negated, clock))
            .collect()
    };
    match clause {
        Clause::All(clauses) if negated => Sql::any(each(clauses)),
        Clause::Any(clauses) if negated => Sql::all(each(clauses)),
        Clause::All(clauses) => Sql::all(each(clauses)),
        Clause::Any(clauses) => Sql::any(each(clauses)),
        Clause::Not(clause) => condition(clause, !negated, clock),
        Clause::Present(target) => present(target, negated),
        Clause::Compare {
            target,
            operator,
            operand,
        } => {
            let (positive, opposite) = match operator {
                Operator::Ne => (Operator::Eq, true),
                other => (*other, false),
            };
            comparison(target, positive, operand, negated != opposite, clock)
        }
        Clause::OneOf { target, ids } => holds(target, negated, |stored| sql!("{stored} = ANY ({ids})")),
        Clause::Values {
            source,
            condition: inner,
        } => {
            let inner = inner.as_ref().map(|inner| condition(inner, false, clock));
            exists(
                sql!("{source}", source = Fixed(source.from)),
                source.on.clone(),
                inner,
                negated,
            )
        }
    }
}

fn comparison(
    target: &Target,
    operator: Operator,
    operand: &Operand,
    negated: bool,
    clock: &FilterClock,
) -> Sql {
    match operand.at(clock) {
        Some(value) => holds(target, negated, |stored| compare(stored, target, operator, value)),
        // `eq null` is the opposite of `pr`.
        None => present(target, !negated),
    }
}

fn present(target: &Target, negated: bool) -> Sql {
    holds(target, negated, |stored| {
        if target.value_type.is_text() {
            sql!("{stored} <> ''")
        } else {
            sql!("{stored} IS NOT NULL")
        }
    })
}

/// `test` on the target's value, or on any of its values.
fn holds(target: &Target, negated: bool, test: impl FnOnce(Sql) -> Sql) -> Sql {
    let Stored { from, value } = stored(target);
    match from {
        None => leaf(test(value), negated),
        Some((from, on)) => exists(from, on, Some(test(value)), negated),
    }
}

fn leaf(test: Sql, negated: bool) -> Sql {
    if negated {
        sql!("({test}) IS NOT TRUE")
    } else {
        test
    }
}

fn exists(from: Sql, on: Sql, test: Option<Sql>, negated: bool) -> Sql {
    let test = test.map_or_else(Sql::default, |test| sql!(" AND ({test})"));
    let exists = sql!("EXISTS (SELECT 1 FROM {from} WHERE ({on}){test})");
    if negated { sql!("NOT {exists}") } else { exists }
}

fn compare(stored: Sql, target: &Target, operator: Operator, value: Value) -> Sql {
    let comparator = match operator {
        Operator::Eq | Operator::Ne => "=",
        Operator::Gt => ">",
        Operator::Ge => ">=",
        Operator::Lt => "<",
        Operator::Le => "<=",
        Operator::Co | Operator::Sw | Operator::Ew => "LIKE",
    };
    let bound = match value {
        Value::Text(text) => {
            return compare_text(stored, target, operator, comparator, &text);
        }
        Value::Bool(value) => Bind::from(value),
        Value::Integer(value) => Bind::from(value),
        Value::Number(value) => Bind::from(value),
        Value::Date(value) => Bind::from(value),
        Value::Instant(value) => return compare_instant(stored, target, operator, comparator, value),
        Value::Id(value) => Bind::from(value),
    };
    sql!("{stored} {comparator} {bound}", comparator = Fixed(comparator))
}

fn compare_instant(
    stored: Sql,
    target: &Target,
    operator: Operator,
    comparator: &'static str,
    value: DateTime<Utc>,
) -> Sql {
    let comparison = sql!("{stored} {comparator} {value}", comparator = Fixed(comparator));
    let Place::Bounded(bounds) = target.place else {
        return comparison;
    };
    use Operator::{Eq, Ge, Gt, Le, Lt};
    let lower = matches!(operator, Gt | Ge | Eq).then(|| (bounds.lower)(value));
    let upper = matches!(operator, Lt | Le | Eq).then(|| (bounds.upper)(value));
    Sql::all([comparison].into_iter().chain(lower).chain(upper))
}

fn compare_text(
    stored: Sql,
    target: &Target,
    operator: Operator,
    comparator: &'static str,
    text: &str,
) -> Sql {
    let text = match target.value_type {
        Type::Folded => Cow::Owned(text::fold(text)),
        _ => Cow::Borrowed(text),
    };
    let contained = (text.chars().count() >= TRIGRAM).then(|| format!("%{}%", literally(&text)));
    let wanted = match operator {
        Operator::Co => format!("%{}%", literally(&text)),
        Operator::Sw => format!("{}%", literally(&text)),
        Operator::Ew => format!("%{}", literally(&text)),
        _ => text.into_owned(),
    };
    if let (Operator::Co | Operator::Sw | Operator::Ew, Place::Searched { column, within }, Some(contained)) =
        (operator, &target.place, contained)
    {
        let (column, within) = (Fixed(column), Fixed(within));
        return sql!("({within} LIKE {contained} AND {column}_folded LIKE {wanted})");
    }
    let (stored, wanted) = match target.value_type {
        Type::Text => (sql!("comparable({stored})"), sql!("comparable({wanted})")),
        Type::Folded => (sql!("{stored}_folded"), sql!("{wanted}")),
        _ => (stored, sql!("{wanted}")),
    };
    match operator {
        Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le => {
            sql!(
                "{stored} COLLATE \"C\" {comparator} {wanted}",
                comparator = Fixed(comparator)
            )
        }
        _ => sql!("{stored} {comparator} {wanted}", comparator = Fixed(comparator)),
    }
}

/// As many characters as an index of trigrams needs to find a text.
const TRIGRAM: usize = 3;

/// `text` as a part of a LIKE pattern, that matches nothing else.
pub(crate) fn literally(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
