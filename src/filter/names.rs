//! Finds the attribute that a name stands for. For the check only.

use super::{
    clause::{Place, Source, Target},
    operand::quoted,
    schema::{Attribute, Column, Kind, Part, Schema},
};

/// The attributes that may be named at some place of a filter.
pub(super) struct Names<'a> {
    pub schema: &'a Schema,
    /// The attribute in whose brackets the place is.
    pub element: Option<Source>,
}

/// What a name stands for.
pub(super) enum Named {
    /// A target, and the allowed words if it is an enum.
    Target(Target, Vec<String>),
    Source(Source),
}

impl Names<'_> {
    /// What `text` stands for.
    pub(super) fn find(&self, text: &str) -> Option<Named> {
        if let Some(source) = &self.element {
            let part = find_part(source, text)?;
            return Some(target(part.name.to_owned(), part.kind, Place::Scalar(part.value)));
        }
        let name = self.without_urn(text);
        find_in(self.schema, name).or_else(|| self.find_custom(name))
    }

    fn without_urn<'t>(&self, text: &'t str) -> &'t str {
        let known = |urn: &str| {
            self.schema
                .urns
                .iter()
                .any(|known| known.eq_ignore_ascii_case(urn))
        };
        match text.rsplit_once(':') {
            Some((urn, name)) if known(urn) => name,
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

    /// Those that every record has. What administrators defined is left out: not every caller may read that, and there
    /// may be a thousand.
    fn known_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        if let Some(source) = &self.element {
            names.extend(source.parts.iter().map(|part| part.name.to_owned()));
            return names;
        }
        for attribute in self.schema.attributes {
            names.push(attribute.name.to_owned());
            if let Column::Complex { parts, .. } = attribute.column {
                names.extend(
                    parts
                        .iter()
                        .map(|part| format!("{}.{}", attribute.name, part.name)),
                );
            }
        }
        names
    }

    /// Says that there is no attribute `name`, and which one may have been meant.
    pub(super) fn unknown(&self, name: &str) -> String {
        if self.element.is_none() && self.schema.takes_custom() && is_custom(name) {
            return format!("unknown attribute \"{name}\"; no attribute is defined under this name");
        }
        let known = self.known_names();
        let custom = if self.element.is_none() && self.schema.takes_custom() {
            "; custom attributes are written \"attributes.{name}\""
        } else {
            ""
        };
        match nearest(name, &known) {
            Some(near) => format!("unknown attribute \"{name}\"; did you mean \"{near}\"?{custom}"),
            None => format!(
                "unknown attribute \"{name}\"; the attributes are {}{custom}",
                quoted(&known)
            ),
        }
    }
}

fn is_custom(name: &str) -> bool {
    name.split_once('.')
        .is_some_and(|(prefix, _)| prefix.eq_ignore_ascii_case("attributes"))
}

/// The attribute `name`, or for `emails.type` the part `type` of `emails`' values.
fn find_in(schema: &Schema, name: &str) -> Option<Named> {
    if let Some(attribute) = find_attribute(schema.attributes, name) {
        return Some(named_attribute(schema, attribute));
    }
    let (whole, part) = name.split_once('.')?;
    match named_attribute(schema, find_attribute(schema.attributes, whole)?) {
        Named::Source(source) => part_of(&source, part),
        Named::Target(..) => None,
    }
}

fn find_attribute(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

fn named_attribute(schema: &Schema, attribute: &'static Attribute) -> Named {
    let place = match attribute.column {
        Column::Scalar(column) => Place::Scalar(column),
        Column::Bounded(bounds) => Place::Bounded(bounds),
        Column::Searched { column, within } => Place::Searched { column, within },
        Column::Exists { from, on, value } => Place::Exists {
            from,
            on: schema.condition(attribute.name, on),
            value,
        },
        Column::Complex { from, on, parts } => {
            return Named::Source(Source {
                name: attribute.name,
                from,
                on: schema.condition(attribute.name, on),
                parts,
            });
        }
    };
    target(attribute.name.to_owned(), attribute.kind, place)
}

/// The part `name` of any of a source's values.
pub(super) fn part_of(source: &Source, name: &str) -> Option<Named> {
    let part = find_part(source, name)?;
    let place = Place::Exists {
        from: source.from,
        on: source.on.clone(),
        value: part.value,
    };
    Some(target(format!("{}.{}", source.name, part.name), part.kind, place))
}

fn find_part(source: &Source, name: &str) -> Option<&'static Part> {
    source
        .parts
        .iter()
        .find(|part| part.name.eq_ignore_ascii_case(name))
}

fn target(name: String, kind: Kind, place: Place) -> Named {
    Named::Target(
        Target {
            name,
            value_type: kind.value_type(),
            place,
        },
        kind.words(),
    )
}

/// The known name that is the fewest edits away, if that is few enough to be a slip.
pub(crate) fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let most = name.len().div_ceil(3);
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
