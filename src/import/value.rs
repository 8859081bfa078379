//! A value mapping over one file's header: from a record's cells to a value.

use std::{borrow::Cow, collections::HashMap};

use csv::StringRecord;

use super::{
    date::Dates,
    mapping::{CsvFormat, Spaces, Step, ValueMapping},
    step::{self, Fault},
};
use crate::{http::csv::unquoted, text};

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text as it stands.
    Text(String),
    /// A name in braces: a part's, or else a column's.
    Named(String),
}

/// Reads a template; answers what is wrong with one that cannot be read.
pub fn template(text: &str) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' | '}' if rest.peek() == Some(&c) => {
                rest.next();
                literal.push(c);
            }
            '{' => {
                let mut name = String::new();
                loop {
                    match rest.next() {
                        Some('}') => break,
                        Some(c) => name.push(c),
                        None => return Err("has a `{` without its `}`; write `{{` for a brace"),
                    }
                }
                if name.trim().is_empty() {
                    return Err("has empty braces; put a column's name into them");
                }
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Named(name.trim().to_owned()));
            }
            '}' => return Err("has a `}` without its `{`; write `}}` for a brace"),
            c => literal.push(c),
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Ok(pieces)
}

/// The columns of a file.
#[derive(Debug)]
pub struct Header {
    names: Vec<String>,
    positions: HashMap<String, usize>,
    repeated: Vec<String>,
}

impl Header {
    /// The header that `record` is.
    pub fn new(record: &StringRecord, format: &CsvFormat) -> Self {
        let names: Vec<String> = record
            .iter()
            .map(|cell| spaced(cell, format.spaces).into_owned())
            .collect();
        let mut positions = HashMap::new();
        let mut repeated = Vec::new();
        for (position, name) in names.iter().enumerate() {
            if positions.insert(name.clone(), position).is_some() {
                repeated.push(name.clone());
            }
        }
        Header {
            names,
            positions,
            repeated,
        }
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// The columns' names, in the file's order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    fn position(&self, name: &str, faults: &mut Vec<String>) -> usize {
        if self.repeated.iter().any(|repeated| repeated == name) {
            faults.push(format!("the column \"{name}\" is there more than once"));
        }
        self.positions.get(name).copied().unwrap_or_else(|| {
            faults.push(format!("there is no column \"{name}\""));
            0
        })
    }
}

/// The cell in NFC, with white space as the format has it.
fn spaced(cell: &str, spaces: Spaces) -> Cow<'_, str> {
    let trimmed = |cell: &str| text::trim(cell.trim()).to_owned();
    let cell = text::normalize(cell);
    match spaces {
        Spaces::Keep => cell,
        Spaces::Trim => trimmed(&cell).into(),
        Spaces::Collapse => step::collapse(&trimmed(&cell)).into(),
    }
}

/// A record's cells, as the profile sees them.
#[derive(Debug)]
pub struct Cells<'a> {
    /// The record.
    pub record: &'a StringRecord,
    /// What happens to white space.
    pub spaces: Spaces,
    /// What means "nothing".
    pub empty_values: &'a [String],
    /// How days are written.
    pub dates: Dates<'a>,
}

impl Cells<'_> {
    fn get(&self, position: usize) -> Cow<'_, str> {
        let cell = unquoted(self.record.get(position).unwrap_or_default());
        let cell = spaced(cell, self.spaces);
        if self.empty_values.iter().any(|empty| *empty == cell) {
            return Cow::Borrowed("");
        }
        cell
    }

    /// Whether no cell holds anything.
    pub fn are_blank(&self) -> bool {
        self.record.iter().all(text::shows_nothing)
    }
}

#[derive(Debug)]
enum Source {
    Columns(Vec<usize>),
    Template(Vec<Part>),
    Constant(String),
}

#[derive(Debug)]
enum Part {
    Text(String),
    Column(usize, Vec<Step>),
}

/// A value mapping whose columns are found.
#[derive(Debug)]
pub struct Value {
    source: Source,
    steps: Vec<Step>,
    /// The format of days that the step `date` has read.
    iso: Option<String>,
    /// The column or columns, for messages.
    pub columns: Option<String>,
}

impl Value {
    /// Finds the columns of `mapping` in `header`; what is wrong with them goes to `faults`.
    pub fn new(mapping: &ValueMapping, header: &Header, faults: &mut Vec<String>) -> Self {
        let named = named_columns(mapping);
        let source = if let Some(text) = &mapping.template {
            let pieces = template(text).unwrap_or_default();
            Source::Template(
                pieces
                    .into_iter()
                    .map(|piece| match piece {
                        Piece::Text(text) => Part::Text(text),
                        Piece::Named(name) => match mapping.parts.get(&name) {
                            Some(part) => {
                                Part::Column(header.position(&part.column, faults), part.steps.clone())
                            }
                            None => Part::Column(header.position(&name, faults), Vec::new()),
                        },
                    })
                    .collect(),
            )
        } else if let Some(constant) = &mapping.constant {
            Source::Constant(constant.clone())
        } else {
            Source::Columns(named.iter().map(|name| header.position(name, faults)).collect())
        };
        Value {
            source,
            steps: mapping.steps.clone(),
            iso: reads_date(mapping).then(|| ISO.to_owned()),
            columns: (!named.is_empty()).then(|| named.join(", ")),
        }
    }

    /// The value, if there is any.
    pub fn text(&self, cells: &Cells) -> Result<Option<String>, Fault> {
        let text = match &self.source {
            Source::Constant(text) => text.clone(),
            Source::Columns(positions) => positions
                .first()
                .map(|position| cells.get(*position).into_owned())
                .unwrap_or_default(),
            Source::Template(parts) => fill(parts, cells)?,
        };
        step::through(&self.steps, text, cells.dates.years)
    }

    /// How the value is written if it is a day: as the step `date` writes it, if there is one.
    pub fn dates<'a>(&'a self, cells: &Cells<'a>) -> Dates<'a> {
        match &self.iso {
            Some(iso) => cells.dates.written(std::slice::from_ref(iso)),
            None => cells.dates,
        }
    }

    /// The values of its columns, without those that are empty.
    pub fn list(&self, cells: &Cells) -> Result<Vec<String>, Fault> {
        let Source::Columns(positions) = &self.source else {
            return Ok(self.text(cells)?.into_iter().collect());
        };
        positions
            .iter()
            .filter_map(|position| {
                let cell = cells.get(*position).into_owned();
                step::through(&self.steps, cell, cells.dates.years).transpose()
            })
            .collect()
    }
}

fn fill(parts: &[Part], cells: &Cells) -> Result<String, Fault> {
    let mut text = String::new();
    let mut is_empty = parts.iter().any(|part| matches!(part, Part::Column(..)));
    for part in parts {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Column(position, steps) => {
                let value = step::through(steps, cells.get(*position).into_owned(), cells.dates.years)?;
                is_empty &= value.is_none();
                text.push_str(&value.unwrap_or_default());
            }
        }
    }
    Ok(if is_empty { String::new() } else { text })
}

/// How the step `date` writes days.
pub const ISO: &str = "%Y-%m-%d";

fn reads_date(mapping: &ValueMapping) -> bool {
    let parts = mapping.parts.values().flat_map(|part| &part.steps);
    let mut steps = mapping.steps.iter().chain(parts);
    steps.any(|step| matches!(step, Step::Date { .. }))
}

/// The columns that a value is made of.
pub fn named_columns(mapping: &ValueMapping) -> Vec<String> {
    let mut names: Vec<String> = mapping.column.iter().cloned().collect();
    names.extend(mapping.columns.iter().flatten().cloned());
    let pieces = mapping.template.as_deref().map(template);
    for piece in pieces.and_then(Result::ok).unwrap_or_default() {
        if let Piece::Named(name) = piece {
            let part = mapping.parts.get(&name);
            names.push(part.map_or(name, |part| part.column.clone()));
        }
    }
    names
}
