//! What an attribute of SCIM is (RFC 7643, section 7), and how its values are read: tolerantly where identity providers
//! differ from the standard, and into the one form that is kept.

use serde_json::{Map, Value, json};

use crate::{
    email,
    http::{ApiError, ApiResult},
    text,
};

/// What values an attribute has.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text of one line.
    Text,
    /// Text of several lines.
    Lines,
    /// An e-mail address.
    Email,
    /// True or false.
    Bool,
    /// An address of something.
    Reference,
    /// Bytes in base64.
    Binary,
    /// Attributes of its own.
    Complex(&'static [Attribute]),
}

/// An attribute.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    /// Its name, which is found in any case.
    pub name: &'static str,
    /// What values it has.
    pub kind: Kind,
    /// What it is, for people.
    pub doc: &'static str,
    /// Whether it has many values.
    pub is_multi_valued: bool,
    /// Whether every resource has it.
    pub is_required: bool,
    /// Whether clients cannot change it.
    pub is_read_only: bool,
    /// Whether the case of its letters counts.
    pub is_exact: bool,
    /// Whether no two resources have the same.
    pub is_unique: bool,
    /// Whether it has however many values: see [`MOST_VALUES`].
    pub is_unbounded: bool,
}

/// Values at most in one attribute, since each that is added is compared with all that are there.
const MOST_VALUES: usize = 1_000;

/// An attribute with one text.
pub const fn text(name: &'static str, doc: &'static str) -> Attribute {
    of_kind(name, Kind::Text, doc)
}

/// An attribute that is true or false.
pub const fn boolean(name: &'static str, doc: &'static str) -> Attribute {
    of_kind(name, Kind::Bool, doc)
}

/// An attribute with attributes of its own.
pub const fn complex(name: &'static str, parts: &'static [Attribute], doc: &'static str) -> Attribute {
    of_kind(name, Kind::Complex(parts), doc)
}

/// An attribute of any kind.
pub const fn of_kind(name: &'static str, kind: Kind, doc: &'static str) -> Attribute {
    Attribute {
        name,
        kind,
        doc,
        is_multi_valued: false,
        is_required: false,
        is_read_only: false,
        is_exact: false,
        is_unique: false,
        is_unbounded: false,
    }
}

impl Attribute {
    /// With many values.
    pub const fn many(mut self) -> Self {
        self.is_multi_valued = true;
        self
    }

    /// That every resource has.
    pub const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// That clients cannot change.
    pub const fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// In which the case of letters counts.
    pub const fn exact(mut self) -> Self {
        self.is_exact = true;
        self
    }

    /// That no two resources share.
    pub const fn unique(mut self) -> Self {
        self.is_unique = true;
        self
    }

    /// With however many values, which are kept elsewhere.
    pub const fn unbounded(mut self) -> Self {
        self.is_unbounded = true;
        self
    }

    /// Its attributes of its own; none of a simple one.
    pub fn parts(&self) -> &'static [Attribute] {
        match self.kind {
            Kind::Complex(parts) => parts,
            _ => &[],
        }
    }

    /// The attribute of its own that has this name.
    pub fn part(&self, name: &str) -> Option<&'static Attribute> {
        find(self.parts(), name)
    }

    /// A value as it is kept; none where it says that there is none (RFC 7643, section 2.5). One that stands alone where
    /// there may be many is a list of it. Of several that are said to be the primary one the first is (section 2.4).
    pub fn read(&self, value: Value) -> ApiResult<Option<Value>> {
        if !self.is_multi_valued {
            return match value {
                Value::Array(items) if items.is_empty() => Ok(None),
                value => self.read_one(value),
            };
        }
        let items = match value {
            Value::Array(items) => items,
            value => vec![value],
        };
        if !self.is_unbounded {
            refuse_too_many(self.name, items.len())?;
        }
        let mut kept = Vec::new();
        for item in items {
            kept.extend(self.read_one(item)?);
        }
        let primary = kept.iter_mut().filter(|value| is_primary(value));
        primary.skip(1).for_each(clear_primary);
        Ok((!kept.is_empty()).then_some(Value::Array(kept)))
    }

    /// The value of an operation of a PATCH as [`read`](Self::read) takes it: Microsoft Entra puts the one value that an
    /// attribute has into a list, and others leave out the object around a value.
    pub fn unfold(&self, value: Value) -> Value {
        match value {
            Value::Array(items) if self.is_multi_valued => {
                items.into_iter().map(|item| self.unfold_one(item)).collect()
            }
            Value::Array(mut items) if items.len() == 1 => self.unfold_one(items.remove(0)),
            value => self.unfold_one(value),
        }
    }

    fn unfold_one(&self, value: Value) -> Value {
        match (value, self.part("value")) {
            (Value::String(text), _) if text.is_empty() && !self.parts().is_empty() => Value::Null,
            (Value::String(text), Some(part)) => json!({ part.name: text }),
            (value, _) => value,
        }
    }

    fn read_one(&self, value: Value) -> ApiResult<Option<Value>> {
        let read = match (self.kind, value) {
            (_, Value::Null) => return Ok(None),
            (Kind::Complex(_), Value::Object(members)) => return self.read_parts(members),
            // A manager's id without the object around it.
            (Kind::Complex(_), Value::String(text))
                if !self.is_multi_valued && self.part("value").is_some() =>
            {
                match text.is_empty() {
                    true => return Ok(None),
                    false => json!({ "value": text }),
                }
            }
            (Kind::Complex(_), _) => return Err(self.fault("must be an object")),
            (Kind::Bool, value) => match boolean_of(&value) {
                Some(value) => value.into(),
                None => return Err(self.fault("must be true or false")),
            },
            (Kind::Email, Value::String(text))
                if !text.trim().is_empty() && !email::is_address(text.trim()) =>
            {
                return Err(self.fault("must be an e-mail address, such as ana@example.com"));
            }
            (kind, Value::String(text)) if !matches!(kind, Kind::Lines) && !text::is_one_line(&text) => {
                return Err(self.fault("must hold no line breaks and no other control characters"));
            }
            (_, Value::String(text)) => text.into(),
            _ => return Err(self.fault("must be text")),
        };
        Ok(Some(read))
    }

    fn read_parts(&self, members: Map<String, Value>) -> ApiResult<Option<Value>> {
        let read = read_members(self.parts(), members).map_err(|error| below(self.name, error))?;
        Ok((!read.is_empty()).then_some(Value::Object(read)))
    }

    fn fault(&self, detail: &str) -> ApiError {
        ApiError::field(self.name, detail)
    }

    /// As `/Schemas` describes it.
    pub fn describe(&self) -> Value {
        let kind = match self.kind {
            Kind::Text | Kind::Lines | Kind::Email => "string",
            Kind::Bool => "boolean",
            Kind::Reference => "reference",
            Kind::Binary => "binary",
            Kind::Complex(_) => "complex",
        };
        let mut described = json!({
            "name": self.name, "type": kind, "description": self.doc, "multiValued": self.is_multi_valued,
            "required": self.is_required, "caseExact": self.is_exact,
            "mutability": if self.is_read_only { "readOnly" } else { "readWrite" },
            "returned": "default", "uniqueness": if self.is_unique { "server" } else { "none" },
        });
        if let Kind::Complex(parts) = self.kind {
            described["subAttributes"] = parts.iter().map(Attribute::describe).collect();
        }
        if let Kind::Reference = self.kind {
            described["referenceTypes"] = json!(["external"]);
        }
        described
    }
}

/// The attribute of this name, in whatever case.
pub fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// The members of an object, under the names that the attributes have. Those that clients cannot change are left out;
/// those that nobody knows are kept as they are.
pub fn read_members(
    attributes: &'static [Attribute],
    members: Map<String, Value>,
) -> ApiResult<Map<String, Value>> {
    let mut read = Map::new();
    for (name, value) in members {
        match find(attributes, &name) {
            Some(attribute) if attribute.is_read_only => {}
            Some(attribute) => {
                if let Some(value) = attribute.read(value)? {
                    read.insert(attribute.name.to_owned(), value);
                }
            }
            None if value.is_null() => {}
            None => {
                read.insert(name, value);
            }
        }
    }
    Ok(read)
}

/// Refuses more values of an attribute than one may have.
pub fn refuse_too_many(name: &str, values: usize) -> ApiResult<()> {
    if values > MOST_VALUES {
        let detail = format!("has {values} values; one attribute has at most {MOST_VALUES}");
        return Err(ApiError::field(name, detail));
    }
    Ok(())
}

/// Whether a value is the one to be used first.
pub fn is_primary(value: &Value) -> bool {
    value["primary"] == true
}

/// Clears `primary` of the other values; values without `primary` stay as they are.
pub fn clear_primary(value: &mut Value) {
    if let Some(primary) = value.get_mut("primary") {
        *primary = false.into();
    }
}

/// The fault with the name of what it stands in.
pub fn below(name: &str, mut error: ApiError) -> ApiError {
    for fault in &mut error.fields {
        fault.pointer = format!("{name}.{}", fault.pointer);
    }
    error
}

/// A boolean, which some providers send as text.
fn boolean_of(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
