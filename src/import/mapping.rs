//! The profile language: how a CSV is read, as data.
//!
//! A mapping says how the file is written, which value is each row's key, and for each field of the target
//! where its value comes from and through which steps it goes. What the words may be is here; whether a
//! mapping fits its target is [`super::check`]'s.

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{text_enum, years};

/// How a CSV is read into a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportMapping)]
pub struct Mapping {
    /// How the file is written.
    #[serde(default)]
    pub format: CsvFormat,
    /// How dates are written, in strftime's terms; the first that fits counts. `%Y` takes four digits, `%y` two (`70` to
    /// `99` are of the 20th century).
    #[serde(default = "iso_dates")]
    #[schema(max_items = 20, default = json!(["%Y-%m-%d"]), example = json!(["%d/%m/%Y", "%d/%m/%y"]))]
    pub date_formats: Vec<String>,
    /// The years that dates may lie in.
    #[serde(default)]
    pub date_years: DateYears,
    /// Cells that mean "nothing", beside the empty one.
    #[serde(default)]
    #[schema(max_items = 100, example = json!(["N/A", "-"]))]
    pub empty_values: Vec<String>,
    /// What names a row in the other system's terms.
    pub key: KeyMapping,
    /// Where each field comes from. A field that is not named is left alone.
    pub fields: BTreeMap<String, ValueMapping>,
    /// How other things that a row names are found or made, such as a person's manager.
    #[serde(default)]
    pub references: BTreeMap<String, ReferenceMapping>,
    /// What happens to records with a key of this source that are missing from the file.
    #[serde(default)]
    pub missing: MissingMapping,
}

/// The years that dates may lie in; other dates refuse their row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DateYears {
    /// The first.
    #[serde(default = "first_year")]
    #[schema(minimum = 1, maximum = 9999, default = 1900)]
    pub first: i32,
    /// The last.
    #[serde(default = "last_year")]
    #[schema(minimum = 1, maximum = 9999, default = 2200)]
    pub last: i32,
}

impl DateYears {
    /// As a range.
    pub fn range(&self) -> RangeInclusive<i32> {
        self.first..=self.last
    }
}

impl Default for DateYears {
    fn default() -> Self {
        DateYears {
            first: first_year(),
            last: last_year(),
        }
    }
}

fn first_year() -> i32 {
    *years::YEARS.start()
}

fn last_year() -> i32 {
    *years::YEARS.end()
}

/// How the file is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvFormat {
    /// What stands between cells: one ASCII character.
    #[serde(default = "comma")]
    #[schema(min_length = 1, max_length = 1, default = ",", example = ";")]
    pub delimiter: String,
    /// What stands around cells that hold delimiters: one ASCII character.
    #[serde(default = "quotation_mark")]
    #[schema(min_length = 1, max_length = 1, default = "\"")]
    pub quote: String,
    /// The encoding's label, such as `utf-8`, `windows-1252` or `iso-8859-1`. A byte order mark in the file
    /// has the last word.
    #[serde(default = "utf_8")]
    #[schema(min_length = 1, max_length = 40, default = "utf-8", example = "windows-1252")]
    pub encoding: String,
    /// The line that names the columns; those above it are passed over.
    #[serde(default = "first_line")]
    #[schema(minimum = 1, maximum = 1000, default = 1)]
    pub header_line: u32,
    /// What happens to white space in cells and column names.
    #[serde(default = "trimmed")]
    #[schema(default = "trim")]
    pub spaces: Spaces,
}

text_enum! {
    /// What happens to white space in cells.
    Spaces {
        /// It stays.
        Keep = "keep",
        /// It goes from both ends.
        Trim = "trim",
        /// It goes from both ends, and inside one space stands for many.
        Collapse = "collapse",
    }
}

/// What names a row in the other system's terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyMapping {
    /// The other system; its keys are addressed as `ext:{source}:{key}`.
    #[schema(pattern = "^[a-z0-9][a-z0-9_.-]{0,62}$", example = "hr")]
    pub source: String,
    /// The key.
    pub value: ValueMapping,
    /// The field by which an existing object without a key of this source is found and taken over:
    /// `username` or `email` of people, `code` of courses, `id` of absences and exceptions from rules. A row that may be about
    /// several, or about one who has another key, is refused. If absent, a row whose key is unknown is always new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[a-z_]{1,40}$", nullable = false, example = "username")]
    pub match_by: Option<String>,
}

/// Where a value comes from — a column, several columns, a template or a constant — and the steps that it
/// goes through.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueMapping {
    /// The column that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub column: Option<String>,
    /// The columns that hold the items of a list or the levels of a path; each goes through the steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 50, nullable = false)]
    pub columns: Option<Vec<String>>,
    /// Text with columns or `parts` in braces, such as `{EmpID}@example.com`; `{{` and `}}` are braces. Empty
    /// where all of them are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2000, nullable = false)]
    pub template: Option<String>,
    /// What names in the template's braces stand for that are no columns: columns that go through steps of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, PartMapping>,
    /// The same for every row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000, nullable = false)]
    pub constant: Option<String>,
    /// What is done to it, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub steps: Vec<Step>,
    /// For usernames and codes of courses: what happens if another user or course has the value, such as a user who left. If
    /// absent, the row is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub on_taken: Option<OnTaken>,
}

text_enum! {
    /// What happens to a value that no two may share and that another one has.
    OnTaken {
        /// The row is refused.
        Refuse = "refuse",
        /// It gets the lowest number from 2 on that makes it free: `ana.silva2` of people, `fire-safety-2` of courses. Who has a
        /// number keeps it as long as the rest of the value stays the same.
        Number = "number",
    }
}

/// A part of a template: a column and the steps that it goes through before it is put in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartMapping {
    /// The column that holds it.
    #[schema(min_length = 1, max_length = 200)]
    pub column: String,
    /// What is done to it, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub steps: Vec<Step>,
}

/// Something that is done to a value on its way. An empty value passes every step but `default` unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = ImportStep)]
pub enum Step {
    /// Takes white space from both ends.
    Trim {},
    /// As `trim`, and one space stands for many inside.
    CollapseSpaces {},
    /// To lower case.
    Lower {},
    /// To upper case.
    Upper {},
    /// To lower case, with one hyphen for each run of what is neither letter nor digit.
    Slug {},
    /// Replaces every occurrence.
    Replace {
        /// What.
        #[schema(min_length = 1, max_length = 200)]
        from: String,
        /// By what.
        #[schema(max_length = 200)]
        to: String,
    },
    /// Splits at a separator and takes one part; empty where there are not as many.
    Take {
        /// Where to split.
        #[schema(min_length = 1, max_length = 20)]
        separator: String,
        /// Which part: 1 is the first, -1 the last.
        #[schema(minimum = -1000, maximum = 1000)]
        part: i32,
    },
    /// Puts a character before it until it is long enough.
    PadLeft {
        /// How long.
        #[schema(minimum = 1, maximum = 200)]
        width: u32,
        /// The character.
        #[schema(min_length = 1, max_length = 1, example = "0")]
        with: String,
    },
    /// Cuts off what is past so many characters.
    Truncate {
        /// How many.
        #[schema(minimum = 1, maximum = 100000)]
        length: u32,
    },
    /// Puts one value in another's place.
    Lookup {
        /// The values and what they become; an empty text makes it empty.
        values: LookupTable,
        /// What happens to a value that is not in the table.
        #[serde(default = "refused")]
        #[schema(default = "error")]
        otherwise: Otherwise,
        /// The value of `otherwise: default`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(max_length = 2000, nullable = false)]
        default: Option<String>,
    },
    /// Reads a date that is written otherwise than the profile's `date_formats` say.
    Date {
        /// How it may be written, in strftime's terms.
        #[schema(min_items = 1, max_items = 20)]
        formats: Vec<String>,
    },
    /// Makes these values empty.
    Empty {
        /// Which.
        #[schema(max_items = 100)]
        values: Vec<String>,
    },
    /// Stands in for an empty value.
    Default {
        /// By what.
        #[schema(min_length = 1, max_length = 2000)]
        value: String,
    },
}

/// Values and what they become.
// A schema of its own: some generators stumble over a map inside a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LookupTable(pub BTreeMap<String, String>);

text_enum! {
    /// What happens to a value that a lookup table does not hold.
    Otherwise {
        /// The row is refused.
        Error = "error",
        /// It stays as it is.
        Keep = "keep",
        /// It becomes empty.
        Empty = "empty",
        /// It becomes the lookup's `default`.
        Default = "default",
    }
}

/// How another thing that a row names is found or made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferenceMapping {
    /// By which of its properties it is found.
    pub by: ReferenceBy,
    /// The value that names it; of a path its levels, the topmost first.
    pub value: ValueMapping,
    /// Of `by: key`: the system whose keys these are; the row's own source if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[a-z0-9][a-z0-9_.-]{0,62}$", nullable = false)]
    pub source: Option<String>,
    /// What happens where there is none.
    #[serde(default = "told")]
    #[schema(default = "warn")]
    pub on_missing: OnMissing,
    /// Of a manager who is found `by: key` and made where there is none: their `username`, `email`, `given_name` and
    /// `family_name`, of the first row that has them. Without, the key stands in. They are invited, and cannot sign
    /// in; the first row with their key makes them a person like others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub made: BTreeMap<String, ValueMapping>,
    /// Values that name nothing: as if the cell were empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100, example = json!(["Board of Directors"]))]
    pub ignore: Vec<String>,
    /// Of paths: the code of the unit that they stand below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100, nullable = false)]
    pub under: Option<String>,
}

text_enum! {
    /// By what a referenced thing is found.
    ReferenceBy {
        /// Its external key.
        Key = "key",
        /// Its code.
        Code = "code",
        /// A person's given and family name, whatever its case, spaces and full stops; an org unit's or a category's whole
        /// name, whatever its case. Of units the one nearest below the level before it, or nearest to the top, is meant.
        Name = "name",
        /// A person's username.
        Username = "username",
        /// Its id.
        Id = "id",
    }
}

text_enum! {
    /// What happens where a referenced thing is not found.
    OnMissing {
        /// Nothing: what is there stays.
        Ignore = "ignore",
        /// The same, and the row says so.
        Warn = "warn",
        /// The row is refused.
        Error = "error",
        /// It is made; a manager only `by: key`.
        Create = "create",
    }
}

/// What happens to records that are missing from the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingMapping {
    /// The status that they get: `suspended` or `archived` for people, `retired` for courses, `archived` for absences and
    /// exceptions from rules. `keep` leaves them alone, as suits a file that holds only a part of them.
    #[serde(default = "default_then")]
    #[schema(pattern = "^[a-z_]{1,40}$", default = "keep", example = "archived")]
    pub then: String,
    /// Most of them, in percent of those with a key of this source who are there, that an import may take
    /// away; the caller who applies it may allow more.
    #[serde(default = "few")]
    #[schema(minimum = 0, maximum = 100, default = 10)]
    pub max_removals_percent: u32,
}

/// The `then` that leaves the missing alone.
pub const KEEP: &str = "keep";

impl Default for MissingMapping {
    fn default() -> Self {
        MissingMapping {
            then: default_then(),
            max_removals_percent: few(),
        }
    }
}

impl Default for CsvFormat {
    fn default() -> Self {
        CsvFormat {
            delimiter: comma(),
            quote: quotation_mark(),
            encoding: utf_8(),
            header_line: first_line(),
            spaces: trimmed(),
        }
    }
}

fn iso_dates() -> Vec<String> {
    vec!["%Y-%m-%d".into()]
}

fn comma() -> String {
    ",".into()
}

fn quotation_mark() -> String {
    "\"".into()
}

fn utf_8() -> String {
    "utf-8".into()
}

fn first_line() -> u32 {
    1
}

fn default_then() -> String {
    KEEP.into()
}

fn few() -> u32 {
    10
}

fn trimmed() -> Spaces {
    Spaces::Trim
}

fn refused() -> Otherwise {
    Otherwise::Error
}

fn told() -> OnMissing {
    OnMissing::Warn
}
