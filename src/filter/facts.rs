//! What is known about one record, and the SQL that fetches it.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::{
    Filter,
    clause::{Clause, Source, Target},
    schema::Type,
    stored::{Stored, stored},
};
use crate::{db::Fixed, db::sql::Sql, sql};

/// What is known about one record: a JSON object from attributes to values. An attribute has one
/// value, an array of them, or none (`null`, or no member); a value that has attributes of its own
/// is an object. A value of another type than declared counts as absent.
///
/// They come from [`Filter::facts_sql`], or are made by hand to try a filter on a record that does
/// not exist. Dates and ids are text; instants are text as in RFC 3339, with UTC if no offset is
/// written; numbers are numbers or, to lose no digit, text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts<'a>(Cow<'a, Map<String, Json>>);

impl Facts<'static> {
    /// Reads the value of [`Filter::facts_sql`]; what is no object holds no facts.
    pub fn new(facts: Json) -> Self {
        match facts {
            Json::Object(members) => Self(Cow::Owned(members)),
            _ => Self::default(),
        }
    }
}

impl<'a> Facts<'a> {
    /// The same without a copy.
    pub fn of(facts: &'a Json) -> Self {
        facts
            .as_object()
            .map_or_else(Self::default, |members| Self(Cow::Borrowed(members)))
    }

    /// The values of the attribute `name`, which must be written as declared.
    pub(super) fn values(&self, name: &str) -> &[Json] {
        match self.0.get(name) {
            None | Some(Json::Null) => &[],
            Some(Json::Array(values)) => values,
            Some(value) => std::slice::from_ref(value),
        }
    }
}

impl Filter {
    /// The attributes that it names.
    pub fn attributes(&self) -> Vec<&str> {
        let mut wanted = Vec::new();
        collect_facts(&self.root, &mut wanted);
        wanted.iter().map(Wanted::name).collect()
    }

    /// An expression of type `jsonb`, the facts about one record that this filter asks for. Read
    /// its value with [`Facts::new`].
    pub fn facts_sql(&self) -> Sql {
        Self::facts_of_all([self])
    }

    /// The same for all of some filters.
    pub fn facts_of_all<'a>(filters: impl IntoIterator<Item = &'a Self>) -> Sql {
        let mut wanted = Vec::new();
        for filter in filters {
            collect_facts(&filter.root, &mut wanted);
        }
        let mut facts = sql!("('{}'::jsonb");
        for fact in wanted {
            facts.push(sql!(
                " || jsonb_build_object({name}, {values})",
                name = fact.name(),
                values = fact.values(),
            ));
        }
        facts.push(sql!(")"));
        facts
    }
}

/// Something that the facts must hold.
enum Wanted<'a> {
    Target(&'a Target),
    Source(&'a Source),
}

impl<'a> Wanted<'a> {
    fn name(&self) -> &'a str {
        match self {
            Self::Target(target) => &target.name,
            Self::Source(source) => source.name,
        }
    }

    /// A JSON array of the values.
    fn values(&self) -> Sql {
        match self {
            Self::Target(target) => target_values(target),
            Self::Source(source) => aggregate(
                sql!("{source}", source = Fixed(source.from)),
                source.on.clone(),
                element(source),
            ),
        }
    }
}

fn collect_facts<'a>(clause: &'a Clause, wanted: &mut Vec<Wanted<'a>>) {
    let fact = match clause {
        Clause::All(clauses) | Clause::Any(clauses) => {
            clauses.iter().for_each(|clause| collect_facts(clause, wanted));
            return;
        }
        Clause::Not(clause) => return collect_facts(clause, wanted),
        Clause::Present(target) | Clause::Compare { target, .. } | Clause::OneOf { target, .. } => {
            Wanted::Target(target)
        }
        Clause::Values { source, .. } => Wanted::Source(source),
    };
    if wanted.iter().all(|known| known.name() != fact.name()) {
        wanted.push(fact);
    }
}

fn target_values(target: &Target) -> Sql {
    let Stored { from, value } = stored(target);
    let value = json_value(value, target.value_type);
    match from {
        None => sql!("jsonb_build_array({value})"),
        Some((from, on)) => aggregate(from, on, value),
    }
}

fn aggregate(from: Sql, on: Sql, value: Sql) -> Sql {
    sql!("(SELECT coalesce(jsonb_agg({value}), '[]') FROM {from} WHERE ({on}))")
}

/// One of a source's values as a JSON object.
fn element(source: &Source) -> Sql {
    let mut object = sql!("('{}'::jsonb");
    for part in source.parts {
        let value = json_value(sql!("{value}", value = Fixed(part.value)), part.kind.value_type());
        object.push(sql!(" || jsonb_build_object({part.name}, {value})"));
    }
    object.push(sql!(")"));
    object
}

/// A value as JSON that loses nothing: text for numbers that JSON readers round, UTC for instants.
fn json_value(value: Sql, value_type: Type) -> Sql {
    match value_type {
        Type::Number => sql!("to_jsonb(({value})::float8::text)"),
        Type::Instant => sql!("to_jsonb(({value}) AT TIME ZONE 'UTC')"),
        _ => sql!("to_jsonb({value})"),
    }
}
