//! Kinds of events: what each tells and in which form, declared once beside what records it. The list of all stands at
//! the top (`crate::events`).

use std::borrow::Cow;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

/// A kind of event. Every event of a kind has payloads of the same form, whether the API, an import or a job records it.
///
/// Within a version a payload only gains members. What changes otherwise, such as a member that goes or means something
/// else, takes the next version.
#[derive(Debug, Clone, Copy)]
pub struct EventKind {
    /// What was done, such as `user.updated`.
    pub action: &'static str,
    /// What it was done to, such as `user`.
    pub object_kind: &'static str,
    /// The version of its payloads' form.
    pub version: i16,
    /// When it is recorded, in a sentence.
    pub doc: &'static str,
    /// What `before` holds; none if it is always null.
    pub before: Option<Payload>,
    /// What `after` holds; none if it is always null.
    pub after: Option<Payload>,
}

impl EventKind {
    /// A kind of event without payloads.
    pub const fn new(action: &'static str, object_kind: &'static str, doc: &'static str) -> Self {
        EventKind {
            action,
            object_kind,
            version: 1,
            doc,
            before: None,
            after: None,
        }
    }

    /// Declares that `before` holds a `T`.
    pub const fn before<T: EventPayload>(mut self) -> Self {
        self.before = Some(Payload::of::<T>());
        self
    }

    /// Declares that `after` holds a `T`.
    pub const fn after<T: EventPayload>(mut self) -> Self {
        self.after = Some(Payload::of::<T>());
        self
    }

    /// Declares that `before` and `after` hold a `T` each.
    pub const fn changes<T: EventPayload>(self) -> Self {
        self.before::<T>().after::<T>()
    }

    /// When it is recorded, in one line.
    pub fn summary(&self) -> String {
        self.doc.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Says what is wrong with the payloads of an event of this kind. Tests ask it of every event that they have made.
    pub fn check(&self, before: Option<&Value>, after: Option<&Value>) -> Result<(), String> {
        let sides = [("before", self.before, before), ("after", self.after, after)];
        for (side, declared, value) in sides {
            match (declared, value) {
                (Some(payload), Some(value)) => {
                    (payload.check)(value).map_err(|fault| format!("{side}{fault}"))?;
                }
                (Some(_), None) => return Err(format!("{side} is missing")),
                (None, Some(_)) => return Err(format!("{side} is not declared")),
                (None, None) => {}
            }
        }
        Ok(())
    }
}

/// Declares the kinds of events of a domain, each with its doc comment, which says when it is recorded, and lists them in `KINDS`:
///
/// ```text
/// event_kinds! {
///     /// The certificate was issued.
///     CERTIFICATE_ISSUED = "certificate.issued" of "certificate", after: Certificate;
///     /// The certificate was revoked.
///     CERTIFICATE_REVOKED = "certificate.revoked" of "certificate", changes: Certificate;
/// }
/// ```
///
/// `changes` is for `before` and `after` of one type.
#[macro_export]
macro_rules! event_kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $action:literal of $object_kind:literal
        $(, before: $before:ty)? $(, after: $after:ty)? $(, changes: $changes:ty)?;)+) => {
        $(
            $(#[doc = $doc])+
            pub const $name: $crate::app::EventKind =
                $crate::app::EventKind::new($action, $object_kind, concat!($($doc, "\n"),+))
                    $(.before::<$before>())? $(.after::<$after>())? $(.changes::<$changes>())?;
        )+

        /// Every kind of event that is declared here.
        pub const KINDS: &[$crate::app::EventKind] = &[$($name),+];
    };
}

/// A type that `before` or `after` may hold.
pub trait EventPayload: Serialize + DeserializeOwned + ToSchema + 'static {}
impl<T: Serialize + DeserializeOwned + ToSchema + 'static> EventPayload for T {}

/// The form of `before` or `after`, made from a type.
#[derive(Debug, Clone, Copy)]
pub struct Payload {
    /// The type's name in the API's document.
    pub name: fn() -> Cow<'static, str>,
    /// The type's schema.
    pub schema: fn() -> RefOr<Schema>,
    /// The schemas that it refers to, by their names.
    pub schemas: fn(&mut Vec<(String, RefOr<Schema>)>),
    check: fn(&Value) -> Result<(), String>,
}

impl Payload {
    /// The form of a `T`.
    pub const fn of<T: EventPayload>() -> Self {
        Payload {
            name: T::name,
            schema: T::schema,
            schemas: T::schemas,
            check: check_as::<T>,
        }
    }
}

/// Reads `value` as a `T` and writes it again: what differs then is missing, or is not declared.
fn check_as<T: EventPayload>(value: &Value) -> Result<(), String> {
    let read = T::deserialize(value).map_err(|error| format!(" is no {}: {error}", T::name()))?;
    let written = serde_json::to_value(&read).map_err(|error| error.to_string())?;
    match difference(value, &written) {
        Some(difference) => Err(difference),
        None => Ok(()),
    }
}

/// Where and how what was recorded differs from the declared form.
fn difference(recorded: &Value, declared: &Value) -> Option<String> {
    let below = |name: &str, found: Option<String>| found.map(|found| format!("/{name}{found}"));
    match (recorded, declared) {
        (Value::Object(recorded), Value::Object(declared)) => {
            let unknown = recorded.keys().find(|name| !declared.contains_key(*name));
            let missing = declared.keys().find(|name| !recorded.contains_key(*name));
            let of_members = || {
                recorded
                    .iter()
                    .find_map(|(name, value)| below(name, difference(value, declared.get(name)?)))
            };
            unknown
                .map(|name| format!("/{name} is not declared"))
                .or_else(|| missing.map(|name| format!("/{name} is missing")))
                .or_else(of_members)
        }
        (Value::Array(recorded), Value::Array(declared)) if recorded.len() == declared.len() => {
            let pairs = recorded.iter().zip(declared).enumerate();
            pairs
                .map(|(index, (one, other))| below(&index.to_string(), difference(one, other)))
                .find_map(|found| found)
        }
        // PostgreSQL writes 2 where Rust writes 2.0.
        (Value::Number(recorded), Value::Number(declared)) if recorded.as_f64() == declared.as_f64() => None,
        _ => (recorded != declared).then(|| format!(" is {recorded} where {declared} is declared")),
    }
}
