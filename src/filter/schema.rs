//! What a resource declares once: the attributes it may be filtered by, and where they are stored.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::{db::Sql, sql};

/// The attributes of a resource.
///
/// ```
/// use provost::filter::{Attribute, Column, Kind, Schema};
///
/// static USERS: Schema = Schema::new(&[
///     Attribute {
///         name: "username",
///         kind: Kind::String,
///         column: Column::Scalar("users.username"),
///         doc: "The name to sign in with.",
///     },
///     Attribute {
///         name: "org_unit",
///         kind: Kind::String,
///         column: Column::Exists {
///             from: "org_unit_closure c JOIN org_units o ON o.id = c.ancestor_id",
///             on: "c.descendant_id = users.org_unit_id",
///             value: "o.code",
///         },
///         doc: "The code of the person's unit or of any unit above it.",
///     },
/// ]);
/// ```
#[derive(Debug, Clone)]
pub struct Schema {
    pub(super) attributes: &'static [Attribute],
    pub(super) custom: Vec<CustomAttribute>,
    pub(super) custom_column: &'static str,
    pub(super) urns: &'static [&'static str],
    pub(super) has_boolean_texts: bool,
    pub(super) has_opaque_ids: bool,
    pub(super) limits: Vec<(&'static str, Sql)>,
}

/// An attribute that every record of a resource has.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    /// The name in filters, found in any case. It may hold dots (`name.familyName`).
    pub name: &'static str,
    pub kind: Kind,
    pub column: Column,
    /// One sentence for the API's documentation.
    pub doc: &'static str,
}

impl Attribute {
    /// An attribute that is one column.
    pub const fn scalar(name: &'static str, kind: Kind, column: &'static str, doc: &'static str) -> Self {
        Attribute {
            name,
            kind,
            column: Column::Scalar(column),
            doc,
        }
    }
}

/// What values an attribute has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text that is compared without regard to case and accents.
    String,
    /// An identifier: text that is compared without regard to case, by its key form. That stands in a column of its own,
    /// called like this one and `_folded`.
    Folded,
    /// Text that is compared to the letter, such as a code.
    Exact,
    /// One of these words, stored as text in exactly this form.
    Enum(&'static [&'static str]),
    Bool,
    Integer,
    /// Compared as `double precision`, whatever numeric type the column has.
    Number,
    Date,
    Instant,
    /// A UUID.
    Id,
}

/// Where an attribute is stored. All texts are SQL over the table that is filtered; what is more
/// than a name or a call stands in parentheses.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    /// An expression with one value a record: `users.hired_on`.
    Scalar(&'static str),
    /// The same of the kind [`Kind::Folded`], whose key form stands also `within` a longer text that has an index of trigrams:
    /// `co`, `sw` and `ew` look there.
    Searched {
        column: &'static str,
        within: &'static str,
    },
    /// An instant that grows with another column, if not strictly, so that an index on that one finds it.
    Bounded(&'static Bounds),
    /// Many values a record: `value` for each row of `SELECT … FROM {from} WHERE {on}`.
    Exists {
        from: &'static str,
        on: &'static str,
        value: &'static str,
    },
    /// Many values a record, with parts of their own, for each row of `SELECT … FROM {from} WHERE
    /// {on}`. Filtered as `emails[type eq "work"]`, as `emails.type` and, if there is a part `value`,
    /// as `emails`. The `kind` of the whole counts for nothing.
    Complex {
        from: &'static str,
        on: &'static str,
        parts: &'static [Part],
    },
}

/// See [`Column::Bounded`].
#[derive(Debug)]
pub struct Bounds {
    /// The instant: `events.recorded_at`.
    pub column: &'static str,
    /// What holds for every record whose instant is this one or later.
    pub lower: fn(DateTime<Utc>) -> Sql,
    /// What holds for every record whose instant is this one or earlier.
    pub upper: fn(DateTime<Utc>) -> Sql,
}

impl PartialEq for Bounds {
    fn eq(&self, other: &Self) -> bool {
        self.column == other.column
    }
}

/// A part of a [`Column::Complex`] attribute's values.
#[derive(Debug)]
pub struct Part {
    pub name: &'static str,
    pub kind: Kind,
    /// An SQL expression over the attribute's `from`: `e.type`.
    pub value: &'static str,
    pub doc: &'static str,
}

/// An attribute that an administrator defined, stored in a JSON object by its name, and filtered
/// as `attributes.{name}`.
///
/// A stored value of another type than `kind` counts as absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomAttribute {
    pub name: String,
    pub kind: CustomKind,
    /// The value is a JSON array, and a comparison holds if any item satisfies it.
    pub multi_valued: bool,
    pub doc: String,
}

/// What values a custom attribute has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomKind {
    String,
    Exact,
    Enum(Vec<String>),
    Bool,
    Integer,
    Number,
    /// A string `YYYY-MM-DD`.
    Date,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

/// How values of an attribute are compared: a kind without its list of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Text without regard to case and accents.
    Text,
    /// Text by its key form.
    Folded,
    Exact,
    Enum,
    Bool,
    Integer,
    Number,
    Date,
    Instant,
    Id,
}

/// The column of the custom attributes where there are none.
const NO_CUSTOM_COLUMN: &str = "NULL::jsonb";

impl Schema {
    /// A schema of fixed attributes.
    pub const fn new(attributes: &'static [Attribute]) -> Self {
        Self {
            attributes,
            custom: Vec::new(),
            custom_column: NO_CUSTOM_COLUMN,
            urns: &[],
            has_boolean_texts: false,
            has_opaque_ids: false,
            limits: Vec::new(),
        }
    }

    /// Adds the attributes that administrators defined, whose values `column` (`users.attributes`)
    /// holds as a JSON object.
    #[must_use]
    pub fn with_custom(&self, column: &'static str, custom: Vec<CustomAttribute>) -> Self {
        Self {
            custom,
            custom_column: column,
            ..self.clone()
        }
    }

    /// Whether records have attributes that administrators define.
    pub(super) fn takes_custom(&self) -> bool {
        self.custom_column != NO_CUSTOM_COLUMN
    }

    /// Has only those rows of the attribute's `from` count for which `condition` holds: an attribute of many values
    /// that tells of other things than the record must not tell of those that the caller may not see.
    #[must_use]
    pub fn limited(mut self, attribute: &'static str, condition: Sql) -> Self {
        self.limits.push((attribute, condition));
        self
    }

    /// The condition for an attribute's rows, which is `on` where nothing limits it.
    pub(super) fn condition(&self, attribute: &str, on: &'static str) -> Sql {
        let limits = self.limits.iter().filter(|(limited, _)| *limited == attribute);
        limits.fold(sql!("{on}", on = crate::db::Fixed(on)), |on, (_, limit)| {
            sql!("({on}) AND {limit}")
        })
    }

    /// Allows names to be written after one of these SCIM schema URNs and a colon.
    #[must_use]
    pub const fn with_urns(mut self, urns: &'static [&'static str]) -> Self {
        self.urns = urns;
        self
    }

    /// Allows booleans to be written as texts in any case (`"True"`), as Microsoft's SCIM client does.
    #[must_use]
    pub const fn with_boolean_texts(mut self) -> Self {
        self.has_boolean_texts = true;
        self
    }

    /// Takes any text for an id: one that is no UUID is nothing's, as it is to SCIM (RFC 7643, section 3.1).
    #[must_use]
    pub const fn with_opaque_ids(mut self) -> Self {
        self.has_opaque_ids = true;
        self
    }
}

impl Operator {
    pub(super) const ALL: [Self; 9] = [
        Self::Eq,
        Self::Ne,
        Self::Co,
        Self::Sw,
        Self::Ew,
        Self::Gt,
        Self::Ge,
        Self::Lt,
        Self::Le,
    ];

    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operator| word.eq_ignore_ascii_case(operator.as_str()))
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Type {
    /// The operators that make sense on this type, beside `pr`.
    pub(super) fn operators(self) -> &'static [Operator] {
        use Operator::{Eq, Ge, Gt, Le, Lt, Ne};
        match self {
            Self::Text | Self::Folded | Self::Exact => &Operator::ALL,
            Self::Integer | Self::Number | Self::Date | Self::Instant => &[Eq, Ne, Gt, Ge, Lt, Le],
            Self::Enum | Self::Bool | Self::Id => &[Eq, Ne],
        }
    }

    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Folded | Self::Exact | Self::Enum)
    }

    /// The word for the type in documentation and messages.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Text | Self::Folded => "text",
            Self::Exact => "code",
            Self::Enum => "word",
            Self::Bool => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Date => "date",
            Self::Instant => "instant",
            Self::Id => "id",
        }
    }
}

impl Kind {
    pub(super) fn value_type(self) -> Type {
        match self {
            Self::String => Type::Text,
            Self::Folded => Type::Folded,
            Self::Exact => Type::Exact,
            Self::Enum(_) => Type::Enum,
            Self::Bool => Type::Bool,
            Self::Integer => Type::Integer,
            Self::Number => Type::Number,
            Self::Date => Type::Date,
            Self::Instant => Type::Instant,
            Self::Id => Type::Id,
        }
    }

    /// The allowed words of an enum.
    pub(super) fn words(self) -> Vec<String> {
        match self {
            Self::Enum(words) => words.iter().map(|&word| word.to_owned()).collect(),
            _ => Vec::new(),
        }
    }
}

impl CustomKind {
    pub(super) fn value_type(&self) -> Type {
        match self {
            Self::String => Type::Text,
            Self::Exact => Type::Exact,
            Self::Enum(_) => Type::Enum,
            Self::Bool => Type::Bool,
            Self::Integer => Type::Integer,
            Self::Number => Type::Number,
            Self::Date => Type::Date,
        }
    }

    pub(super) fn words(&self) -> Vec<String> {
        match self {
            Self::Enum(words) => words.clone(),
            _ => Vec::new(),
        }
    }
}
