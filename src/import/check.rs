//! Whether a mapping fits its target: everything that is wrong with it, at once.

use std::collections::BTreeMap;

use chrono::format::{Item, StrftimeItems};

use super::{
    mapping::{
        CsvFormat, KEEP, Mapping, OnMissing, Otherwise, ReferenceBy, ReferenceMapping, Step, ValueMapping,
    },
    target::{Declaration, Empty, Field, Reference},
    value::{self, Piece},
};
use crate::{filter::nearest, http::FieldError};

/// What is wrong with `mapping`, with pointers that begin at `at`. A mapping must fill what the target's fields require;
/// without a target, only what holds of every mapping is looked at.
pub fn faults(mapping: &Mapping, target: Option<(&Declaration, &[Field])>, at: &str) -> Vec<FieldError> {
    let mut faults = Faults {
        at: at.to_owned(),
        found: Vec::new(),
    };
    faults.format(&mapping.format);
    faults.dates("/date_formats", &mapping.date_formats);
    if mapping.date_years.range().is_empty() {
        faults.add("/date_years/last", "must not be before the first year");
    }
    faults.shared("/key/value", &mapping.key.value, false);
    match target {
        Some((declaration, fields)) => faults.against(mapping, declaration, fields),
        None => faults.values(mapping),
    }
    faults.found
}

/// As [`faults`], of the fields alone, for records that come in no file. What `fields` requires need not be there unless
/// `is_whole`.
pub fn field_faults(
    mapping: &BTreeMap<String, ValueMapping>,
    fields: &[Field],
    is_whole: bool,
    at: &str,
) -> Vec<FieldError> {
    let mut faults = Faults {
        at: at.to_owned(),
        found: Vec::new(),
    };
    faults.known_fields("", mapping, fields);
    if is_whole {
        faults.required_fields("", mapping, fields);
    }
    faults.found
}

/// Said of `on_taken` where any number of things may have the same value.
const SHARED: &str = "goes with a username or a course's code only, which no two may share";

struct Faults {
    at: String,
    found: Vec<FieldError>,
}

impl Faults {
    fn add(&mut self, pointer: &str, detail: impl Into<String>) {
        self.found
            .push(FieldError::new(format!("{}{pointer}", self.at), detail));
    }

    fn format(&mut self, format: &CsvFormat) {
        if ascii(&format.delimiter).is_none() {
            self.add("/format/delimiter", "must be one ASCII character");
        }
        if ascii(&format.quote).is_none() || format.quote == format.delimiter {
            self.add(
                "/format/quote",
                "must be one ASCII character, and not the delimiter",
            );
        }
        if encoding_rs::Encoding::for_label(format.encoding.as_bytes()).is_none() {
            self.add(
                "/format/encoding",
                "is no encoding that is known here; give a label such as utf-8, windows-1252 or iso-8859-1",
            );
        }
    }

    fn dates(&mut self, pointer: &str, formats: &[String]) {
        for (index, format) in formats.iter().enumerate() {
            let unreadable = StrftimeItems::new(format).any(|item| matches!(item, Item::Error));
            if format.is_empty() || unreadable {
                self.add(
                    &format!("{pointer}/{index}"),
                    "is no date format; write year, month and day as %Y, %m and %d, such as %d.%m.%Y",
                );
            }
        }
    }

    fn against(&mut self, mapping: &Mapping, declaration: &Declaration, fields: &[Field]) {
        self.match_by(mapping, declaration);
        self.fields(mapping, fields);
        for (name, reference) in &mapping.references {
            self.reference(name, reference, declaration);
        }
        let required = declaration.references.iter().filter(|known| known.is_required);
        for known in required.filter(|known| !mapping.references.contains_key(known.name)) {
            self.add(&format!("/references/{}", known.name), "is required");
        }
        let then = mapping.missing.then.as_str();
        if then != KEEP && !declaration.missing.contains(&then) {
            let words = declaration.missing.join(", ");
            self.add(
                "/missing/then",
                format!("must be {KEEP} or one of {words} for {}", declaration.resource),
            );
        }
    }

    /// Each value by itself; which may be lists nobody knows.
    fn values(&mut self, mapping: &Mapping) {
        for (name, value) in &mapping.fields {
            self.value(&format!("/fields/{}", escape(name)), value, true);
        }
        for (name, reference) in &mapping.references {
            let pointer = format!("/references/{}", escape(name));
            self.value(&format!("{pointer}/value"), &reference.value, true);
            for (name, value) in &reference.made {
                self.value(&format!("{pointer}/made/{}", escape(name)), value, false);
            }
        }
    }

    fn match_by(&mut self, mapping: &Mapping, declaration: &Declaration) {
        let Some(field) = mapping.key.match_by.as_deref() else {
            return;
        };
        if !declaration.matches.iter().any(|known| known.field == field) {
            let words: Vec<_> = declaration.matches.iter().map(|known| known.field).collect();
            self.add("/key/match_by", format!("must be one of {}", words.join(", ")));
        } else if !mapping.fields.contains_key(field) {
            self.add("/key/match_by", "names a field that `fields` does not fill");
        }
    }

    fn fields(&mut self, mapping: &Mapping, fields: &[Field]) {
        self.known_fields("/fields", &mapping.fields, fields);
        self.required_fields("/fields", &mapping.fields, fields);
    }

    fn known_fields(&mut self, at: &str, mapping: &BTreeMap<String, ValueMapping>, fields: &[Field]) {
        let names: Vec<String> = fields.iter().map(|field| field.name.to_string()).collect();
        for (name, value) in mapping {
            let pointer = format!("{at}/{}", escape(name));
            match fields.iter().find(|field| field.name == *name) {
                Some(field) => {
                    self.value(&pointer, value, field.kind.is_list());
                    if value.on_taken.is_some() && field.number_after.is_none() {
                        self.add(&format!("{pointer}/on_taken"), SHARED);
                    }
                }
                None => self.unknown(&pointer, name, &names),
            }
        }
    }

    fn required_fields(&mut self, at: &str, mapping: &BTreeMap<String, ValueMapping>, fields: &[Field]) {
        for field in fields
            .iter()
            .filter(|field| field.empty == Empty::Refused && !mapping.contains_key(field.name.as_ref()))
        {
            self.add(&format!("{at}/{}", escape(&field.name)), "is required");
        }
    }

    fn unknown(&mut self, pointer: &str, name: &str, names: &[String]) {
        let detail = match nearest(name, names) {
            Some(near) => format!("is not known; did you mean {near}?"),
            None if names.is_empty() => "is not known; there are none here".into(),
            None => format!("is not known; there are {}", names.join(", ")),
        };
        self.add(pointer, detail);
    }

    fn reference(&mut self, name: &str, reference: &ReferenceMapping, declaration: &Declaration) {
        let pointer = format!("/references/{}", escape(name));
        let Some(declared) = declaration.references.iter().find(|known| known.name == name) else {
            let names: Vec<String> = declaration
                .references
                .iter()
                .map(|known| known.name.to_owned())
                .collect();
            return self.unknown(&pointer, name, &names);
        };
        self.shared(&format!("{pointer}/value"), &reference.value, declared.is_path);
        if !declared.by.contains(&reference.by) {
            let words: Vec<_> = declared.by.iter().map(|by| by.as_str()).collect();
            self.add(
                &format!("{pointer}/by"),
                format!("must be one of {}", words.join(", ")),
            );
        }
        self.made(&pointer, reference, declared);
        if reference.under.is_some() && !(declared.is_path && reference.on_missing == OnMissing::Create) {
            self.add(
                &format!("{pointer}/under"),
                "goes with a path and `on_missing: create` only",
            );
        }
    }

    fn made(&mut self, pointer: &str, reference: &ReferenceMapping, declared: &Reference) {
        let creates = reference.on_missing == OnMissing::Create;
        if creates && !declared.made.is_empty() && reference.by != ReferenceBy::Key {
            self.add(
                &format!("{pointer}/on_missing"),
                "`create` goes with `by: key` only: created records are found by that key later",
            );
        }
        if creates && declared.made.is_empty() && !declared.is_path {
            self.add(
                &format!("{pointer}/on_missing"),
                "`create` is not possible here; add what the rows name first",
            );
        }
        if !creates && !reference.made.is_empty() {
            self.add(&format!("{pointer}/made"), "goes with `on_missing: create` only");
        }
        let names: Vec<String> = declared.made.iter().map(|name| (*name).to_owned()).collect();
        for (name, value) in &reference.made {
            let pointer = format!("{pointer}/made/{}", escape(name));
            if names.contains(name) {
                self.shared(&pointer, value, false);
            } else {
                self.unknown(&pointer, name, &names);
            }
        }
    }

    /// A value that several may share.
    fn shared(&mut self, pointer: &str, value: &ValueMapping, is_list: bool) {
        self.value(pointer, value, is_list);
        if value.on_taken.is_some() {
            self.add(&format!("{pointer}/on_taken"), SHARED);
        }
    }

    fn value(&mut self, pointer: &str, value: &ValueMapping, is_list: bool) {
        let given = [
            value.column.is_some(),
            value.columns.is_some(),
            value.template.is_some(),
            value.constant.is_some(),
        ];
        if given.iter().filter(|given| **given).count() != 1 {
            self.add(
                pointer,
                "must have exactly one of column, columns, template, constant",
            );
        }
        if value.columns.is_some() && !is_list {
            self.add(
                &format!("{pointer}/columns"),
                "is for lists and paths only; use a template to join columns",
            );
        }
        if let Some(Err(fault)) = value.template.as_deref().map(value::template) {
            self.add(&format!("{pointer}/template"), fault);
        }
        let pieces = value
            .template
            .as_deref()
            .and_then(|text| value::template(text).ok());
        for (name, part) in &value.parts {
            let pointer = format!("{pointer}/parts/{}", escape(name));
            let is_used = pieces
                .iter()
                .flatten()
                .any(|piece| *piece == Piece::Named(name.clone()));
            if !is_used {
                self.add(&pointer, "is in no braces of the template");
            }
            self.steps(&pointer, &part.steps);
        }
        self.steps(pointer, &value.steps);
    }

    fn steps(&mut self, pointer: &str, steps: &[Step]) {
        for (index, step) in steps.iter().enumerate() {
            self.step(&format!("{pointer}/steps/{index}"), step);
        }
    }

    fn step(&mut self, pointer: &str, step: &Step) {
        match step {
            Step::Take { part: 0, .. } => self.add(
                &format!("{pointer}/part"),
                "must not be 0: 1 is the first part, -1 the last",
            ),
            Step::PadLeft { with, .. } if with.chars().count() != 1 => {
                self.add(&format!("{pointer}/with"), "must be one character");
            }
            Step::Lookup {
                otherwise, default, ..
            } if (*otherwise == Otherwise::Default) != default.is_some() => self.add(
                &format!("{pointer}/default"),
                "goes with `otherwise: default`, and that with it",
            ),
            Step::Date { formats } => self.dates(&format!("{pointer}/formats"), formats),
            _ => {}
        }
    }
}

/// The one ASCII character that `text` is.
pub fn ascii(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Some(*byte),
        _ => None,
    }
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
