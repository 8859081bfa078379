//! One record that comes in no file, such as what an identity provider says of a person, read in the words of profiles.

use std::collections::BTreeMap;

use csv::StringRecord;
use serde_json::{Map, Value as Json};

use super::{
    date::Dates,
    mapping::{CsvFormat, ValueMapping},
    read::Issue,
    reading::Reading,
    target::Field,
    value::{Cells, Header, ISO, Value, named_columns},
};
use crate::years::YEARS;

/// A record that was read.
#[derive(Debug, Default)]
pub struct Record {
    /// The fields that could be filled, as JSON.
    pub fields: Map<String, Json>,
    /// What is wrong with the others.
    pub issues: Vec<Issue>,
}

/// Reads a record whose columns `lookup` knows; an absent column is empty.
pub fn read(
    mapping: &BTreeMap<String, ValueMapping>,
    fields: &[Field],
    lookup: impl Fn(&str) -> Option<String>,
) -> Record {
    let mut columns: Vec<String> = mapping.values().flat_map(named_columns).collect();
    columns.sort_unstable();
    columns.dedup();
    let format = CsvFormat::default();
    let header = Header::new(&columns.iter().collect::<StringRecord>(), &format);
    let cells: StringRecord = columns
        .iter()
        .map(|column| lookup(column).unwrap_or_default())
        .collect();
    let formats = [ISO.to_owned()];
    let cells = Cells {
        record: &cells,
        spaces: format.spaces,
        empty_values: &[],
        dates: Dates {
            formats: &formats,
            years: &YEARS,
        },
    };
    let mut reading = Reading::default();
    for (name, mapping) in mapping {
        let Some(field) = fields.iter().find(|field| field.name == *name) else {
            // Its attribute was archived meanwhile.
            continue;
        };
        // Every column is in the header, which is made of them.
        let value = Value::new(mapping, &header, &mut Vec::new());
        reading.field(field, &value, &cells);
    }
    reading.into_record()
}
