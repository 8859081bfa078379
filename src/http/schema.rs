//! What is wrong with a value by its JSON Schema, in sentences. For bodies and query parameters.

use std::{
    any::TypeId,
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, RwLock},
};

use jsonschema::{
    JsonType, ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

use super::{ApiError, ApiResult, FieldError, formats::FORMATS, problem::MOST_FAULTS};
use crate::text;

/// Said of a member that the schema does not know.
pub const UNKNOWN: &str = "is not known here; leave it out, or fix its name";

/// Compiles a schema.
pub fn compile(schema: &Value) -> ApiResult<Validator> {
    let options = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true);
    let checks = FORMATS
        .iter()
        .filter_map(|format| Some((format.name, format.check?)));
    let options = checks.fold(options, |options, (name, check)| options.with_format(name, check));
    options.build(schema).map_err(ApiError::internal)
}

/// What is made of a type at its first use, such as its compiled schema.
#[derive(Debug)]
pub struct PerType<V>(RwLock<HashMap<TypeId, Arc<V>>>);

impl<V> Default for PerType<V> {
    fn default() -> Self {
        PerType(RwLock::default())
    }
}

impl<V> PerType<V> {
    /// What was made of `T`.
    pub fn of<T: 'static>(&self, make: impl FnOnce() -> ApiResult<V>) -> ApiResult<Arc<V>> {
        let id = TypeId::of::<T>();
        let known = self.0.read().map_err(ApiError::internal)?.get(&id).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let made = Arc::new(make()?);
        self.0
            .write()
            .map_err(ApiError::internal)?
            .insert(id, made.clone());
        Ok(made)
    }
}

/// Everything that is wrong with `value`, or more than an answer can name of it; of several complaints about one field
/// the first. Pointers begin with a slash.
pub fn faults(validator: &Validator, value: &Value) -> Vec<FieldError> {
    let mut seen = HashSet::new();
    validator
        .iter_errors(value)
        .flat_map(|error| describe(&error))
        .filter(|fault| seen.insert(fault.pointer.clone()))
        .take(MOST_FAULTS + 1)
        .collect()
}

/// Of several complaints about one field the first.
pub fn retain_first_per_field(faults: &mut Vec<FieldError>) {
    let mut seen = HashSet::new();
    faults.retain(|fault| seen.insert(fault.pointer.clone()));
}

/// A name as a part of a JSON Pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn describe(error: &ValidationError<'_>) -> Vec<FieldError> {
    let at = error.instance_path().to_string();
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| FieldError::new(format!("{at}/{}", escape(name)), UNKNOWN))
            .collect(),
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![FieldError::new(format!("{at}/{}", escape(name)), "is required")]
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => describe_branches(&at, context),
        _ => vec![FieldError::new(at, sentence(error))],
    }
}

fn sentence(error: &ValidationError<'_>) -> String {
    match error.kind() {
        Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } => "must not be empty".into(),
        Kind::MinLength { limit } => format!("must have at least {}", count(*limit, "character")),
        Kind::MaxLength { limit } => format!("must have at most {}", count(*limit, "character")),
        Kind::MinItems { limit } => format!("must have at least {}", count(*limit, "item")),
        Kind::MaxItems { limit } => format!("must have at most {}", count(*limit, "item")),
        Kind::MinProperties { limit } => format!("must have at least {}", count(*limit, "member")),
        Kind::MaxProperties { limit } => format!("must have at most {}", count(*limit, "member")),
        Kind::Minimum { limit } => format!("must be {limit} or more"),
        Kind::Maximum { limit } => format!("must be {limit} or less"),
        Kind::Enum { options } => one_of(options.as_array().into_iter().flatten()),
        Kind::Constant { expected_value } => one_of([&**expected_value]),
        Kind::Pattern { pattern } => in_words(pattern).map_or_else(
            || format!("must match {pattern}"),
            |words| format!("must {words}"),
        ),
        Kind::Format { format } => FORMATS.iter().find(|known| known.name == format).map_or_else(
            || format!("must be a valid {format}"),
            |known| format!("must be {}", known.words),
        ),
        Kind::Type { kind } => format!("must be {}", types(kind)),
        // An object that has no members.
        Kind::FalseSchema => "takes no members; send `{}`".into(),
        _ => error.to_string(),
    }
}

/// What the patterns of our schemas ask for, in words.
const PATTERNS: &[(&str, &str)] = &[
    (
        text::ONE_LINE,
        "hold no line breaks and no other control characters",
    ),
    (
        text::NAME,
        "show something, and hold no line breaks and no other control characters",
    ),
    (text::WORD, "hold no spaces and no invisible characters"),
    (text::LINES, "hold no control characters but tabs and line breaks"),
    (
        text::VISIBLE_LINES,
        "show something, and hold no control characters but tabs and line breaks",
    ),
    (
        r"^https?://[^\s\u0000-\u001f\u007f-\u009f]+$",
        "be an address that begins with http:// or https://",
    ),
    (
        r"^[^:/\s\u0000-\u001f\u007f-\u009f]+$",
        "hold no spaces and neither : nor /",
    ),
    (
        "^[a-z]{2,3}$",
        "be a language's code of two or three small letters, such as en",
    ),
    (
        "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        "be a language tag (RFC 5646), such as en or de-CH",
    ),
    (
        "^#[0-9a-fA-F]{6}$",
        "be a colour of # and six hexadecimal digits, such as #1a2b3c",
    ),
    (
        "^[a-z][a-z0-9_]{0,62}$",
        "begin with a small letter and go on with small letters, digits and _, at most 63 in all",
    ),
    (
        "^[a-z][a-z0-9_-]{0,62}$",
        "begin with a small letter and go on with small letters, digits, _ and -, at most 63 in all",
    ),
    (
        "^[a-z0-9][a-z0-9_.-]{0,62}$",
        "begin with a small letter or digit and go on with small letters, digits, _, . and -, at most 63 in all",
    ),
    (
        "^(scim:)?[a-z0-9][a-z0-9_.-]{0,62}$",
        "be the source of external keys, such as hr, or scim: and the id of a service account",
    ),
    ("^[a-z_]{1,40}$", "be small letters and _, at most 40"),
    ("^[0-9a-f]{64}$", "be 64 hexadecimal digits"),
    ("^[0-9a-f]{128}$", "be 128 hexadecimal digits"),
    ("^[45][0-9]{2}$", "be the HTTP status of an error, such as 404"),
    (
        r"^P(?=[0-9])([0-9]{1,4}Y)?([0-9]{1,5}M)?([0-9]{1,5}W)?([0-9]{1,6}D)?$",
        "be a period (ISO 8601), such as P2Y or P30D",
    ),
    (
        r"^P(?=.*[1-9])(?=[0-9])([0-9]{1,4}Y)?([0-9]{1,5}M)?([0-9]{1,5}W)?([0-9]{1,6}D)?$",
        "be a period (ISO 8601) longer than nothing, such as P2Y or P30D",
    ),
    (
        r"^[!#-\[\]-~]+$",
        "be a word of visible ASCII characters, without quotation marks and backslashes",
    ),
];

fn in_words(wanted: &str) -> Option<&'static str> {
    PATTERNS
        .iter()
        .find(|(known, _)| *known == wanted)
        .map(|(_, words)| *words)
}

fn count(limit: u64, what: &str) -> String {
    let end = if limit == 1 { "" } else { "s" };
    format!("{limit} {what}{end}")
}

fn one_of<'a>(options: impl IntoIterator<Item = &'a Value>) -> String {
    let words: Vec<_> = options
        .into_iter()
        .map(|option| option.as_str().map_or_else(|| option.to_string(), str::to_owned))
        .collect();
    match words.as_slice() {
        [word] => format!("must be {word}"),
        words => format!("must be one of {}", words.join(", ")),
    }
}

fn types(kind: &TypeKind) -> String {
    let word = |kind: JsonType| match kind {
        JsonType::Null => "null",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "an integer",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "an array",
        JsonType::Object => "an object",
    };
    match kind {
        TypeKind::Single(one) => word(*one).to_owned(),
        TypeKind::Multiple(set) => {
            // What it should be stands before that it may also be null.
            let (null, others): (Vec<_>, Vec<_>) = set.iter().partition(|kind| *kind == JsonType::Null);
            let words: Vec<_> = others.into_iter().chain(null).map(word).collect();
            words.join(" or ")
        }
    }
}

/// The complaints of the form that is meant: the one whose constant members, such as `kind`, fit.
fn describe_branches(at: &str, branches: &[Vec<ValidationError<'_>>]) -> Vec<FieldError> {
    // Of `null or X` the interesting complaint is X's.
    let branches: Vec<_> = branches
        .iter()
        .filter(|errors| !errors.iter().any(is_null_branch))
        .collect();
    let meant: Vec<Vec<FieldError>> = branches
        .iter()
        .filter(|errors| !errors.iter().any(|error| constant(at, error).is_some()))
        .map(|errors| errors.iter().flat_map(describe).collect())
        .collect();
    if meant.is_empty() {
        return wrong_constants(at, branches.iter().flat_map(|errors| errors.iter()));
    }
    let common = common(&meant);
    let chosen = match common.is_empty() {
        true => meant.into_iter().min_by_key(Vec::len).unwrap_or_default(),
        false => common,
    };
    if chosen.is_empty() {
        return vec![FieldError::new(
            at,
            "fits none of the forms that are allowed here",
        )];
    }
    chosen
}

/// What all forms complain of, such as that the member which tells them apart is missing.
fn common(branches: &[Vec<FieldError>]) -> Vec<FieldError> {
    let Some((first, others)) = branches.split_first() else {
        return Vec::new();
    };
    let everywhere = |fault: &&FieldError| others.iter().all(|faults| faults.contains(fault));
    first.iter().filter(everywhere).cloned().collect()
}

/// The words that the members which tell the forms apart may have.
fn wrong_constants<'a, 'e: 'a>(
    at: &str,
    errors: impl Iterator<Item = &'a ValidationError<'e>>,
) -> Vec<FieldError> {
    let mut words: HashMap<String, BTreeSet<String>> = HashMap::new();
    for (error, word) in errors.filter_map(|error| Some((error, constant(at, error)?))) {
        words
            .entry(error.instance_path().to_string())
            .or_default()
            .insert(word);
    }
    let mut faults: Vec<_> = words
        .into_iter()
        .map(|(pointer, words)| {
            let words: Vec<_> = words.into_iter().map(Value::String).collect();
            FieldError::new(pointer, one_of(&words))
        })
        .collect();
    faults.sort_by(|one, other| one.pointer.cmp(&other.pointer));
    if faults.is_empty() {
        return vec![FieldError::new(
            at,
            "fits none of the forms that are allowed here",
        )];
    }
    faults
}

/// The word that a member of the value at `at` would have to be, if `error` complains that it is another.
fn constant(at: &str, error: &ValidationError<'_>) -> Option<String> {
    let path = error.instance_path().to_string();
    let member = path.strip_prefix(at)?.strip_prefix('/')?;
    let expected = match error.kind() {
        Kind::Enum { options } => match options.as_array()?.as_slice() {
            [only] => only.clone(),
            _ => return None,
        },
        Kind::Constant { expected_value } => (**expected_value).clone(),
        _ => return None,
    };
    let expected = expected.as_str()?.to_owned();
    (!member.contains('/')).then_some(expected)
}

fn is_null_branch(error: &ValidationError<'_>) -> bool {
    matches!(
        error.kind(),
        Kind::Type {
            kind: TypeKind::Single(JsonType::Null)
        }
    )
}
