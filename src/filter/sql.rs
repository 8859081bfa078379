//! Turns a checked filter into SQL. Every part is static text or a bound value.
//!
//! Negation is pushed down to the comparisons, so that those which are not negated stay plain
//! (`users.code = $1`) and can use an index; a negated one becomes `(…) IS NOT TRUE`, which gives
//! NULL the language's meaning.

use super::{
    Filter, FilterClock,
    check::{Clause, Place, Source, Target},
    schema::{Column, Operator, Type},
    value::{Operand, Value},
};
use crate::{
    db::sql::{Sql, bind},
    sql,
};

impl Filter {
    /// The condition that holds for the records that match, over the table that the schema's
    /// columns speak of.
    pub fn to_sql(&self, clock: &FilterClock) -> Sql {
        condition(&self.root, false, clock)
    }

    /// An expression of type `jsonb`, the facts about one record that this filter asks for. Read
    /// its value with [`Facts::new`](super::Facts::new).
    pub fn facts_sql(&self) -> Sql {
        let mut wanted = Vec::new();
        collect_facts(&self.root, &mut wanted);
        let mut facts = sql!["('{}'::jsonb"];
        for fact in wanted {
            facts.push(" || jsonb_build_object(");
            facts.push(bind(fact.name()));
            facts.push(", ");
            facts.push(fact.values());
            facts.push(")");
        }
        facts.push(")");
        facts
    }
}

fn condition(clause: &Clause, negated: bool, clock: &FilterClock) -> Sql {
    let all = |clauses: &[Clause]| {
        Sql::all(
            clauses
                .iter()
                .map(|clause| condition(clause, negated, clock)),
        )
    };
    let any = |clauses: &[Clause]| {
        Sql::any(
            clauses
                .iter()
                .map(|clause| condition(clause, negated, clock)),
        )
    };
    match clause {
        Clause::All(clauses) if negated => any(clauses),
        Clause::Any(clauses) if negated => all(clauses),
        Clause::All(clauses) => all(clauses),
        Clause::Any(clauses) => any(clauses),
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
        Clause::Values {
            source,
            condition: inner,
        } => {
            let inner = inner.as_ref().map(|inner| condition(inner, false, clock));
            exists(sql![source.from], source.on, inner, negated)
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
        Some(value) => holds(target, negated, |stored| {
            compare(stored, target, operator, value)
        }),
        // `eq null` is the opposite of `pr`.
        None => present(target, !negated),
    }
}

fn present(target: &Target, negated: bool) -> Sql {
    holds(target, negated, |stored| {
        if target.value_type.is_text() {
            sql![stored, " <> ''"]
        } else {
            sql![stored, " IS NOT NULL"]
        }
    })
}

/// `test` on the target's value, or on any of its values.
fn holds(target: &Target, negated: bool, test: impl FnOnce(Sql) -> Sql) -> Sql {
    match &target.place {
        Place::Scalar(column) => leaf(test(sql![*column]), negated),
        Place::Exists { from, on, value } => {
            exists(sql![*from], on, Some(test(sql![*value])), negated)
        }
        Place::Custom {
            column,
            key,
            multi_valued: false,
        } => leaf(
            test(custom_value(&member(column, key), target.value_type)),
            negated,
        ),
        Place::Custom {
            column,
            key,
            multi_valued: true,
        } => {
            let value = custom_value(&sql!["item.value"], target.value_type);
            exists(items(column, key), "TRUE", Some(test(value)), negated)
        }
    }
}

fn leaf(test: Sql, negated: bool) -> Sql {
    if negated {
        sql!["(", test, ") IS NOT TRUE"]
    } else {
        test
    }
}

fn exists(from: Sql, on: &'static str, test: Option<Sql>, negated: bool) -> Sql {
    let mut exists = sql![
        if negated { "NOT " } else { "" },
        "EXISTS (SELECT 1 FROM ",
        from,
        " WHERE (",
        on,
        ")"
    ];
    if let Some(test) = test {
        exists.push(" AND (");
        exists.push(test);
        exists.push(")");
    }
    exists.push(")");
    exists
}

fn compare(stored: Sql, target: &Target, operator: Operator, value: Value) -> Sql {
    let comparator = match operator {
        Operator::Eq | Operator::Ne => " = ",
        Operator::Gt => " > ",
        Operator::Ge => " >= ",
        Operator::Lt => " < ",
        Operator::Le => " <= ",
        Operator::Co | Operator::Sw | Operator::Ew => " LIKE ",
    };
    let bound = match value {
        Value::Text(text) => {
            return compare_text(stored, target.value_type, operator, comparator, &text);
        }
        Value::Bool(value) => bind(value),
        Value::Integer(value) => bind(value),
        Value::Number(value) => bind(value),
        Value::Date(value) => bind(value),
        Value::Instant(value) => bind(value),
        Value::Id(value) => bind(value),
    };
    sql![stored, comparator, bound]
}

fn compare_text(
    stored: Sql,
    value_type: Type,
    operator: Operator,
    comparator: &'static str,
    text: &str,
) -> Sql {
    let wanted = match operator {
        Operator::Co => format!("%{}%", literally(text)),
        Operator::Sw => format!("{}%", literally(text)),
        Operator::Ew => format!("%{}", literally(text)),
        _ => text.to_owned(),
    };
    let (stored, wanted) = match value_type {
        Type::Text => (
            sql!["lower(", stored, ")"],
            sql!["lower(", bind(wanted), ")"],
        ),
        _ => (stored, sql![bind(wanted)]),
    };
    match operator {
        Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le => {
            sql![stored, " COLLATE \"C\"", comparator, wanted]
        }
        _ => sql![stored, comparator, wanted],
    }
}

/// `text` as a LIKE pattern that matches nothing else.
fn literally(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}

fn member(column: &'static str, key: &str) -> Sql {
    sql!["(", column, " -> ", bind(key), ")"]
}

/// A FROM item `item(value)`: the items of a JSON array; no row for what is no array.
fn items(column: &'static str, key: &str) -> Sql {
    let member = member(column, key);
    sql![
        "jsonb_array_elements(CASE jsonb_typeof(",
        &member,
        ") WHEN 'array' THEN ",
        &member,
        " ELSE '[]' END) AS item(value)"
    ]
}

/// A regular expression for the days that there are in the years 1 to 9999, so that the cast cannot fail.
const CALENDAR_DAY: &str = "^(?!0000)(\
    [0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))\
    |([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)$";

/// The SQL value of a JSON value; NULL where it is of another type, so that no cast can fail.
fn custom_value(json: &Sql, value_type: Type) -> Sql {
    let number = |cast| {
        let guard = match value_type {
            // What float8 and bigint cannot hold is no number of ours.
            Type::Number => "(SELECT CASE WHEN n = 0 OR abs(n) BETWEEN 1e-300 AND 1e300 THEN n",
            _ => "(SELECT CASE WHEN n = trunc(n) AND abs(n) <= 9223372036854775807 THEN n",
        };
        let number = sql![
            "(CASE jsonb_typeof(",
            json,
            ") WHEN 'number' THEN ",
            json,
            " END)::numeric"
        ];
        sql![
            guard,
            cast,
            " END FROM (SELECT ",
            number,
            " AS n) AS number)"
        ]
    };
    match value_type {
        Type::Number => number("::float8"),
        Type::Integer => number("::bigint"),
        Type::Bool => sql![
            "(CASE jsonb_typeof(",
            json,
            ") WHEN 'boolean' THEN ",
            json,
            " END)::boolean"
        ],
        Type::Date => sql![
            "(CASE WHEN jsonb_typeof(",
            json,
            ") = 'string' AND ",
            json,
            " #>> '{}' ~ '",
            CALENDAR_DAY,
            "' THEN ",
            json,
            " #>> '{}' END)::date"
        ],
        Type::Text | Type::Exact | Type::Enum | Type::Instant | Type::Id => {
            sql![
                "(CASE jsonb_typeof(",
                json,
                ") WHEN 'string' THEN ",
                json,
                " #>> '{}' END)"
            ]
        }
    }
}

/// Something that the facts must hold.
enum Wanted<'a> {
    Target(&'a Target),
    Source(&'a Source),
}

impl Wanted<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Target(target) => &target.name,
            Self::Source(source) => source.name,
        }
    }

    /// A JSON array of the values.
    fn values(&self) -> Sql {
        match self {
            Self::Target(target) => target_values(target),
            Self::Source(source) => aggregate(sql![source.from], source.on, element(source)),
        }
    }
}

fn collect_facts<'a>(clause: &'a Clause, wanted: &mut Vec<Wanted<'a>>) {
    let fact = match clause {
        Clause::All(clauses) | Clause::Any(clauses) => {
            clauses
                .iter()
                .for_each(|clause| collect_facts(clause, wanted));
            return;
        }
        Clause::Not(clause) => return collect_facts(clause, wanted),
        Clause::Present(target) | Clause::Compare { target, .. } => Wanted::Target(target),
        Clause::Values { source, .. } => Wanted::Source(source),
    };
    if wanted.iter().all(|known| known.name() != fact.name()) {
        wanted.push(fact);
    }
}

fn target_values(target: &Target) -> Sql {
    let shown = |value| json_value(value, target.value_type);
    match &target.place {
        Place::Scalar(column) => sql!["jsonb_build_array(", shown(sql![*column]), ")"],
        Place::Exists { from, on, value } => aggregate(sql![*from], on, shown(sql![*value])),
        Place::Custom {
            column,
            key,
            multi_valued: false,
        } => {
            sql![
                "jsonb_build_array(",
                shown(custom_value(&member(column, key), target.value_type)),
                ")"
            ]
        }
        Place::Custom {
            column,
            key,
            multi_valued: true,
        } => {
            let value = custom_value(&sql!["item.value"], target.value_type);
            aggregate(items(column, key), "TRUE", shown(value))
        }
    }
}

fn aggregate(from: Sql, on: &'static str, value: Sql) -> Sql {
    sql![
        "(SELECT coalesce(jsonb_agg(",
        value,
        "), '[]') FROM ",
        from,
        " WHERE (",
        on,
        "))"
    ]
}

/// One of a source's values as a JSON object.
fn element(source: &Source) -> Sql {
    let mut object = sql!["('{}'::jsonb"];
    for attribute in source.attributes {
        if let Column::Scalar(column) = attribute.column {
            let value = json_value(sql![column], attribute.kind.value_type());
            object.push(sql![
                " || jsonb_build_object(",
                bind(attribute.name),
                ", ",
                value,
                ")"
            ]);
        }
    }
    object.push(")");
    object
}

/// A value as JSON that loses nothing: text for numbers that JSON readers round, UTC for instants.
fn json_value(value: Sql, value_type: Type) -> Sql {
    match value_type {
        Type::Number => sql!["to_jsonb((", value, ")::float8::text)"],
        Type::Instant => sql!["to_jsonb((", value, ") AT TIME ZONE 'UTC')"],
        _ => sql!["to_jsonb(", value, ")"],
    }
}
