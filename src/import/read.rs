//! From a file to `import_rows`: each row's key, its fields as JSON, and what is wrong with it.

use std::{borrow::Cow, cell::RefCell, ops::RangeInclusive};

use csv::{Reader, ReaderBuilder, StringRecord};
use diesel::{ExecuteCopyFromDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    check,
    date::Dates,
    mapping::{Mapping, ReferenceMapping},
    reading::{NewRow, Reading},
    step::{self, Fault},
    target::{Declaration, Field, Plan},
    text::{RecordMeter, Text, TextFault, fault_of},
    value::{Cells, Header, Value},
};
use crate::{
    app::Tx,
    db::schema::{import_files, import_rows},
    http::{ApiError, ApiResult, Code, FieldError},
    sql, text_enum,
};

text_enum! {
    /// The severity of an issue.
    Severity {
        /// The row is refused.
        Error = "error",
        /// The row goes in; somebody should look at it.
        Warning = "warning",
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issue {
    /// The column or columns that it comes from.
    pub column: Option<String>,
    /// The field that it is about.
    #[schema(example = "hired_on")]
    pub field: Option<String>,
    /// What is wrong, for programs.
    #[schema(example = "not_a_date")]
    pub code: String,
    /// What is wrong, for people.
    pub detail: String,
    /// How bad it is.
    pub severity: Severity,
}

const ROWS_A_BATCH: usize = 2_000;

/// The file cannot be taken at all.
pub fn unusable(detail: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::new(Code::ImportFileInvalid, detail)
}

/// Reads the import's file into its rows. `tell` hears how many are read.
pub fn load(
    tx: &mut Tx,
    plan: &Plan,
    declaration: &'static Declaration,
    tell: &dyn Fn(i64),
) -> ApiResult<()> {
    let format = &plan.mapping.format;
    let (Some(delimiter), Some(quote), Some(encoding)) = (
        check::ascii(&format.delimiter),
        check::ascii(&format.quote),
        encoding_rs::Encoding::for_label(format.encoding.as_bytes()),
    ) else {
        return Err(ApiError::internal("a stored mapping whose format does not hold"));
    };
    let conn = RefCell::new(&mut *tx.conn);
    let mut part = 0;
    let next_part = || {
        part += 1;
        let content: Option<Vec<u8>> = import_files::table
            .find((plan.import, part))
            .select(import_files::content)
            .first(*conn.borrow_mut())
            .optional()?;
        Ok(content)
    };
    let meter = RecordMeter::default();
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .quote(quote)
        .has_headers(false)
        .flexible(true)
        .from_reader(Text::new(encoding, next_part, meter.clone()));
    let mut record = StringRecord::new();
    let Some(header) = header(&mut reader, &mut record, plan.mapping, &meter)? else {
        return Err(unusable(format!(
            "The file has no line {}: there is no header.",
            format.header_line
        )));
    };
    let columns = Columns::find(plan, declaration, &header)?;
    let mut batch = Vec::with_capacity(ROWS_A_BATCH);
    let mut short = ShortRows::default();
    let mut read = 0;
    while let Some(RecordPosition { line, is_open }) = next(&mut reader, &mut record, &meter)? {
        if columns.is_short(&record) && !is_open {
            short.note(line);
        }
        batch.push(columns.row(plan, line as i64, &record, is_open));
        if batch.len() == ROWS_A_BATCH {
            read += store(*conn.borrow_mut(), &mut batch)?;
            tell(read);
        }
    }
    read += store(*conn.borrow_mut(), &mut batch)?;
    tell(read);
    short.tell(*conn.borrow_mut(), plan)
}

/// Rows with fewer cells than the header: some systems leave out the empty ones at the end. The first tells of all.
#[derive(Default)]
struct ShortRows {
    first: Option<u64>,
    rows: u64,
}

impl ShortRows {
    fn note(&mut self, line: u64) {
        self.first.get_or_insert(line);
        self.rows += 1;
    }

    fn tell(&self, conn: &mut diesel::PgConnection, plan: &Plan) -> ApiResult<()> {
        let Some(line) = self.first else { return Ok(()) };
        let issue = Issue {
            column: None,
            field: None,
            code: "short_row".into(),
            detail: format!(
                "rows with fewer cells than the header: {}, this being the first; the cells missing at their ends are read as empty",
                self.rows
            ),
            severity: Severity::Warning,
        };
        sql!(
            "UPDATE import_rows SET issues = issues || {issue}
             WHERE line = {line} AND import_id = {plan.import}",
            issue = json!([issue]),
            line = line as i64,
        )
        .execute(conn)?;
        Ok(())
    }
}

/// Stores the rows, and answers how many.
fn store(conn: &mut diesel::PgConnection, batch: &mut Vec<NewRow>) -> ApiResult<i64> {
    if batch.is_empty() {
        return Ok(0);
    }
    diesel::copy_from(import_rows::table)
        .from_insertable(&*batch)
        .execute(conn)?;
    let stored = batch.len() as i64;
    batch.clear();
    Ok(stored)
}

/// Where in the file a record is.
struct RecordPosition {
    /// The line that it begins on.
    line: u64,
    /// Whether it has a quote that is not closed, so that it goes on to the end of the file.
    is_open: bool,
}

fn next(
    reader: &mut Reader<impl std::io::Read>,
    record: &mut StringRecord,
    meter: &RecordMeter,
) -> ApiResult<Option<RecordPosition>> {
    meter.restart();
    let read = reader
        .read_record(record)
        .map_err(|error| match fault_of(error) {
            TextFault::File(detail) => unusable(detail),
            TextFault::Ours(error) => error,
        })?;
    Ok(read.then(|| position(reader, record, meter.reached_end())))
}

/// The record that was just read. Its own position would be that of blank lines before it, so the lines are counted
/// back from its end.
fn position<R: std::io::Read>(reader: &Reader<R>, record: &StringRecord, is_open: bool) -> RecordPosition {
    let inner: usize = record.iter().map(|cell| cell.matches('\n').count()).sum();
    let own_end = u64::from(!is_open);
    RecordPosition {
        line: reader.position().line().saturating_sub(inner as u64 + own_end),
        is_open,
    }
}

fn header(
    reader: &mut Reader<impl std::io::Read>,
    record: &mut StringRecord,
    mapping: &Mapping,
    meter: &RecordMeter,
) -> ApiResult<Option<Header>> {
    while let Some(RecordPosition { line, is_open }) = next(reader, record, meter)? {
        if is_open {
            return Err(unusable(format!("Line {line}: a quote is not closed.")));
        }
        if line >= u64::from(mapping.format.header_line) {
            return Ok(Some(Header::new(record, &mapping.format)));
        }
    }
    Ok(None)
}

/// Every value of the mapping, with its columns found in the file.
struct Columns<'a> {
    width: usize,
    years: RangeInclusive<i32>,
    key: Value,
    fields: Vec<(&'a Field, Value)>,
    references: Vec<Named<'a>>,
}

/// Another thing that rows name, with its columns found.
pub(super) struct Named<'a> {
    pub name: &'static str,
    pub is_path: bool,
    pub is_tree: bool,
    pub from: &'a ReferenceMapping,
    pub value: Value,
    /// What one that is made has, under its name in the row's fields.
    pub made: Vec<(Field, Value)>,
}

impl<'a> Columns<'a> {
    fn find(plan: &'a Plan, declaration: &'static Declaration, header: &Header) -> ApiResult<Self> {
        let mapping = plan.mapping;
        let mut faults = Vec::new();
        let mut errors = Vec::new();
        let mut value = |pointer: String, value| {
            let found = Value::new(value, header, &mut faults);
            errors.extend(
                faults
                    .drain(..)
                    .map(|fault| FieldError::new(pointer.clone(), fault)),
            );
            found
        };
        let key = value("/mapping/key/value".into(), &mapping.key.value);
        let fields = plan
            .fields
            .iter()
            .filter_map(|field| Some((field, mapping.fields.get(field.name.as_ref())?)))
            .map(|(field, from)| (field, value(format!("/mapping/fields/{}", field.name), from)))
            .collect();
        let references = declaration
            .references
            .iter()
            .filter_map(|declared| Some((declared, mapping.references.get(declared.name)?)))
            .map(|(declared, from)| {
                let pointer = format!("/mapping/references/{}", declared.name);
                let made = plan.fields.iter().filter_map(|field| {
                    let from = from.made.get(field.name.as_ref())?;
                    let named = Field {
                        name: format!("{}.{}", declared.name, field.name).into(),
                        ..field.clone()
                    };
                    Some((named, value(format!("{pointer}/made/{}", field.name), from)))
                });
                let made = made.collect();
                Named {
                    name: declared.name,
                    is_path: declared.is_path,
                    is_tree: declared.is_tree,
                    from,
                    value: value(format!("{pointer}/value"), &from.value),
                    made,
                }
            })
            .collect();
        if !errors.is_empty() {
            let detail = format!(
                "The file lacks columns that the profile names; it has: {}. The delimiter, the header's line or the profile may be wrong.",
                shown_columns(header)
            );
            return Err(ApiError {
                fields: errors,
                ..unusable(detail)
            });
        }
        Ok(Columns {
            width: header.width(),
            years: mapping.date_years.range(),
            key,
            fields,
            references,
        })
    }

    fn is_short(&self, record: &StringRecord) -> bool {
        record.len() < self.width && !record.iter().all(|cell| cell.trim().is_empty())
    }

    fn row(&self, plan: &Plan, line: i64, record: &StringRecord, is_open: bool) -> NewRow {
        let cells = Cells {
            record,
            spaces: plan.mapping.format.spaces,
            empty_values: &plan.mapping.empty_values,
            dates: Dates {
                formats: &plan.mapping.date_formats,
                years: &self.years,
            },
        };
        let mut reading = Reading::default();
        let mut key = None;
        if is_open {
            let detail =
                format!("line {line}: a quote is not closed, so the row goes on to the end of the file");
            reading.refuse(None, None, Fault::new("open_quote", detail));
        } else if cells.are_blank() {
            reading.note(
                None,
                None,
                Fault::new("blank_row", "the row is blank"),
                Severity::Warning,
            );
        } else if record.len() > self.width {
            let detail = format!(
                "the row has {} cells, the header {}; a delimiter inside a cell without quotes can be why",
                record.len(),
                self.width
            );
            reading.refuse(None, None, Fault::new("ragged_row", detail));
        } else {
            key = reading.key(&self.key, &cells);
            for (field, value) in &self.fields {
                reading.field(field, value, &cells);
            }
            for reference in &self.references {
                reading.reference(reference, &cells);
            }
        }
        reading.into_row(plan.import, line, key)
    }
}

fn shown_columns(header: &Header) -> String {
    const MOST: usize = 50;
    let names: Vec<_> = header
        .names()
        .iter()
        .take(MOST)
        .map(|name| step::shown(name))
        .collect();
    names.join(", ")
}
