//! What a domain says about a resource that comes in as CSV. The list of targets stands at the top.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    date::Dates,
    mapping::{Mapping, ReferenceBy},
    step::{self, Fault},
};
use crate::{app::Tx, authz::Permission, db::Sql, email, http::ApiResult, period::Period, sql, text};

/// A resource that imports write.
pub trait Target: Sync {
    /// What is known of it beforehand.
    fn declaration(&self) -> &'static Declaration;

    /// The fields that a profile may fill.
    fn fields(&self, tx: &mut Tx) -> ApiResult<Vec<Field>>;

    /// Refuses rows that the database would not take, and resolves references into `import_rows.refs`.
    fn resolve(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<()>;

    /// Over the object `t` that gets the status `then` because it is missing: what else changes, as
    /// `{"field": {"from": …, "to": …}}` or null.
    fn ended(&self, _then: &str, _today: NaiveDate) -> Sql {
        sql!("NULL::jsonb")
    }

    /// Refuses rows that the plan would write and the resource does not take.
    fn check(&self, _tx: &mut Tx, _plan: &Plan) -> ApiResult<()> {
        Ok(())
    }

    /// What would be made beside the rows themselves, such as org units, by kind.
    fn side_effects(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<Vec<(&'static str, i64)>>;

    /// Refuses callers who would gain permissions by applying the import, beyond the permissions that it needs.
    fn refuse_application(&self, _tx: &mut Tx, _import: Uuid) -> ApiResult<()> {
        Ok(())
    }

    /// Makes what is made beside the rows and rows refer to, such as org units. Comes before the first row is written.
    fn prepare(&self, tx: &mut Tx, plan: &Plan) -> ApiResult<()>;

    /// A query of `id` and `rank`: rows about things of a lower rank are written first. None if the order of the file will do.
    fn ranks(&self, _plan: &Plan) -> Option<Sql> {
        None
    }

    /// Refuses those rows of `part` that cannot be written as they were planned, because of what has changed beside their
    /// own objects, which are locked.
    fn refuse_outdated(&self, tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()>;

    /// Writes the rows of `part`, with their events; set-based. A row that cannot be written is refused.
    fn write(&self, tx: &mut Tx, plan: &Plan, part: Part) -> ApiResult<()>;
}

/// What is known of a target beforehand.
#[derive(Debug)]
pub struct Declaration {
    /// Its name in profiles: "users".
    pub resource: &'static str,
    /// Its table.
    pub table: &'static str,
    /// The kind of its external keys.
    pub external_kind: &'static str,
    /// What the caller must hold, everywhere, to plan an import and to apply it.
    pub permissions: &'static [Permission],
    /// What the caller must hold, everywhere, to see a plan's rows: they show what is there.
    pub reads: &'static [Permission],
    /// Over the object `t`: its status.
    pub status: &'static str,
    /// Whether what is missing ends before other rows are written, because it is in their way: the days of an absence.
    pub ends_first: bool,
    /// Whether new records keep other writers waiting, because they are about users.
    pub new_ones_lock: bool,
    /// By what `key.match_by` may find those who have no key of the source.
    pub matches: &'static [Match],
    /// Other things that a row may name.
    pub references: &'static [Reference],
    /// What `missing.then` may say beside `keep`: statuses.
    pub missing: &'static [&'static str],
    /// The statuses of those who are gone already; going from another to one of these is a removal.
    pub gone: &'static [&'static str],
    /// A condition over the object `t` and its external key `e`, whose `missing` is set: whether nobody has given `t` another
    /// status since, or deleted it.
    pub still_missing: &'static str,
}

impl Declaration {
    /// `gone`, to be bound.
    pub fn gone_statuses(&self) -> Vec<String> {
        self.gone.iter().map(|word| (*word).to_owned()).collect()
    }

    /// `missing`, to be bound.
    pub fn missing_statuses(&self) -> Vec<String> {
        self.missing.iter().map(|word| (*word).to_owned()).collect()
    }

    /// The statuses of those who cannot be missing: those who are gone, and those who have the status `then` already.
    pub fn absent_statuses(&self, then: &str) -> Vec<String> {
        let then = self.missing.iter().filter(|word| **word == then);
        self.gone
            .iter()
            .chain(then)
            .map(|word| (*word).to_owned())
            .collect()
    }
}

/// A field that tells things from each other where no key does.
#[derive(Debug)]
pub struct Match {
    /// The field.
    pub field: &'static str,
    /// What a row `g` has, as it is compared.
    pub wanted: &'static str,
    /// What the thing `t` has, as it is compared.
    pub present: &'static str,
}

/// Another thing that a row may name.
#[derive(Debug)]
pub struct Reference {
    /// What profiles call it.
    pub name: &'static str,
    /// Whether a profile must say where it comes from.
    pub is_required: bool,
    /// How it may be found.
    pub by: &'static [ReferenceBy],
    /// The target's fields that a profile may give to one that is made. Where there are any, only what is found by
    /// key can be made: by that key a later row knows it again.
    pub made: &'static [&'static str],
    /// Whether it is a path of several levels, each with a code and a name.
    pub is_path: bool,
    /// Whether each level of the path is a thing of its own, below the one before it.
    pub is_tree: bool,
    /// A condition over the row `r` and the object `t`: whether the object refers to it already.
    pub is_same: &'static str,
    /// Over the object `t`: how the present one is shown.
    pub shown: &'static str,
}

/// A field that a profile may fill.
#[derive(Debug, Clone)]
pub struct Field {
    /// What profiles call it.
    pub name: Cow<'static, str>,
    /// What it holds.
    pub kind: Kind,
    /// What an empty value does.
    pub empty: Empty,
    /// Over the object `t`: its present value, as jsonb.
    pub present: Sql,
    /// Of a value that no two may share: what stands before the number that a taken one gets.
    pub number_after: Option<&'static str>,
}

/// What an empty value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// The row is refused.
    Refused,
    /// It empties the field.
    Null,
    /// It makes the field an empty text.
    Blank,
    /// It leaves the field as it is; a new one gets its default.
    Left,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// One line of at most so many characters.
    Text(usize),
    /// The same, by which things are found: its key form is kept.
    Name(usize),
    /// Lines of at most so many characters together.
    Lines(usize),
    /// A line without white space and other characters that show nothing.
    Word(usize),
    /// An e-mail address.
    Email,
    /// A calendar day.
    Date,
    /// A whole number within bounds.
    Integer(i64, i64),
    /// A number that is at least this.
    Number(f64),
    /// True or false.
    Boolean,
    /// One of these words.
    OneOf(Vec<String>),
    /// An id of ours.
    Id,
    /// Tags of at most so many characters: in lower case, in order.
    Tags(usize),
    /// A BCP 47 tag.
    Language,
    /// A BCP 47 primary tag: a language without its region.
    PrimaryLanguage,
    /// An IANA time zone.
    TimeZone,
    /// An ISO 8601 duration of whole years, months, weeks or days.
    Period,
    /// An address on the web.
    Url,
}

impl Kind {
    /// One of `words`.
    pub fn one_of(words: &[&str]) -> Self {
        Kind::OneOf(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// Whether things are found by it, so that its key form is kept.
    pub fn is_identifier(&self) -> bool {
        matches!(self, Kind::Name(_) | Kind::Word(_) | Kind::Email)
    }

    /// Whether it is made of several values.
    pub fn is_list(&self) -> bool {
        matches!(self, Kind::Tags(_))
    }

    /// Reads one value.
    pub fn read(&self, text: &str, dates: Dates) -> Result<Value, Fault> {
        let wrong = |code, what: &str| Fault::new(code, format!("\"{}\" {what}", step::shown(text)));
        let good = |fits: bool, what: &str| {
            if fits {
                Ok(json!(text))
            } else {
                Err(wrong("not_valid", what))
            }
        };
        match self {
            Kind::Text(most) | Kind::Name(most) => {
                fits(text, *most)?;
                good(
                    text::is_one_line(text),
                    "must not hold line breaks or other control characters",
                )
            }
            Kind::Lines(most) => {
                fits(text, *most)?;
                good(
                    text::is_lines(text),
                    "must not hold control characters but tabs and line breaks",
                )
            }
            Kind::Id => match Uuid::parse_str(text) {
                Ok(id) => Ok(json!(id)),
                Err(_) => Err(wrong(
                    "not_valid",
                    "is not an id, such as 0199d1c2-7e5b-7cc0-8f3a-5d1f0a6b7c8d",
                )),
            },
            Kind::Tags(most) => {
                let tag = step::collapse(text).to_lowercase();
                fits(&tag, *most)?;
                if text::is_one_line(&tag) {
                    Ok(json!(tag))
                } else {
                    Err(wrong("not_valid", "must not hold control characters"))
                }
            }
            Kind::Word(most) => {
                fits(text, *most)?;
                good(
                    text::is_word(text),
                    "must not hold spaces or other characters that show nothing",
                )
            }
            Kind::Email => good(
                email::is_address(text),
                "is not an e-mail address, such as ana@example.com",
            ),
            Kind::Date => dates.read(text).map(|date| json!(date)),
            Kind::Integer(least, most) => match text.parse::<i64>() {
                Ok(number) if (*least..=*most).contains(&number) => Ok(json!(number)),
                _ => Err(wrong(
                    "not_a_number",
                    &format!("is not a whole number from {least} to {most}"),
                )),
            },
            Kind::Number(least) => match text.parse::<f64>() {
                Ok(number) if number.is_finite() && number >= *least => Ok(json!(number)),
                _ => Err(wrong("not_a_number", "is not a number in range")),
            },
            Kind::Boolean => match text.to_lowercase().as_str() {
                "true" | "yes" | "1" => Ok(json!(true)),
                "false" | "no" | "0" => Ok(json!(false)),
                _ => Err(wrong("not_valid", "is not true or false")),
            },
            Kind::OneOf(words) => good(
                words.iter().any(|word| word == text),
                &format!("is none of {}", words.join(", ")),
            ),
            Kind::Language => good(is_language(text), "is not a BCP 47 tag, such as pt-BR"),
            Kind::PrimaryLanguage => good(
                (2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase()),
                "is not a BCP 47 primary tag, such as pt",
            ),
            Kind::TimeZone => good(
                text.parse::<chrono_tz::Tz>().is_ok(),
                "is not an IANA time zone, such as Europe/Lisbon",
            ),
            Kind::Period => match text.parse::<Period>() {
                Ok(period) if !period.is_zero() => Ok(json!(period)),
                _ => Err(wrong(
                    "not_valid",
                    "is not a period such as P1Y, P6M, P2W or P90D",
                )),
            },
            Kind::Url => good(
                text.len() <= 2000
                    && (text.starts_with("https://") || text.starts_with("http://"))
                    && text::is_word(text),
                "is not an http:// or https:// address",
            ),
        }
    }
}

fn fits(text: &str, most: usize) -> Result<(), Fault> {
    if text.chars().count() <= most {
        return Ok(());
    }
    Err(Fault::new(
        "too_long",
        format!("\"{}\" has more than {most} characters", step::shown(text)),
    ))
}

fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let letters = |text: &str| text.bytes().all(|b| b.is_ascii_alphabetic());
    text.len() <= 35
        && (2..=3).contains(&first.len())
        && letters(first)
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Rows of an import that are written together, by their turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The first turn.
    pub first: i64,
    /// The last.
    pub last: i64,
}

impl Part {
    /// A condition over the row `r`: that it is of this part of this import.
    pub fn rows(self, plan: &Plan) -> Sql {
        sql!("r.turn BETWEEN {self.first} AND {self.last} AND r.import_id = {plan.import}")
    }
}

/// An import whose rows are read, on its way through a target.
pub struct Plan<'a> {
    /// The import.
    pub import: Uuid,
    /// Its mapping.
    pub mapping: &'a Mapping,
    /// The fields that the mapping fills, in the rows themselves or in what they make.
    pub fields: &'a [Field],
}

impl Plan<'_> {
    /// The system whose keys the rows have.
    pub fn source(&self) -> &str {
        &self.mapping.key.source
    }
}
