//! A field that is wrong, and what that says of complaints about others: what follows from a fault is not told beside it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema;

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where it stands in the body: a JSON Pointer (RFC 6901); `?name` for a query parameter.
    #[schema(example = "/email")]
    pub pointer: String,
    /// What is wrong and how to mend it.
    #[schema(example = "is not an e-mail address; give one such as ana@example.com")]
    pub detail: String,
    /// Other fields that the complaint looks at: if one of those is wrong, too, it may be false.
    #[serde(skip)]
    #[schema(ignore)]
    pub beside: Vec<String>,
    /// What was put aside on its account, so that nothing can be said of that.
    #[serde(skip)]
    #[schema(ignore)]
    pub spoils: Vec<String>,
    /// Of a complaint about which members there are: those. It may be false if one of them is put aside.
    #[serde(skip)]
    #[schema(ignore)]
    pub among: Vec<String>,
}

impl FieldError {
    /// A complaint about the field at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        FieldError {
            pointer: pointer.into(),
            detail: detail.into(),
            beside: Vec::new(),
            spoils: Vec::new(),
            among: Vec::new(),
        }
    }

    /// The complaint looks at these other fields, too.
    pub fn beside<P: Into<String>>(mut self, pointers: impl IntoIterator<Item = P>) -> Self {
        self.beside.extend(pointers.into_iter().map(P::into));
        self
    }

    /// Nothing can be said of these other fields on its account.
    pub fn spoiling<P: Into<String>>(mut self, pointers: impl IntoIterator<Item = P>) -> Self {
        self.spoils.extend(pointers.into_iter().map(P::into));
        self
    }

    /// The complaint is that there are too many or too few of these.
    pub fn among<P: Into<String>>(mut self, pointers: impl IntoIterator<Item = P>) -> Self {
        self.among.extend(pointers.into_iter().map(P::into));
        self
    }

    /// The same, where the member at `pointer` is looked at as if it were the whole: what is not in it begins with `..`.
    pub fn seen_from(mut self, pointer: &str) -> Self {
        for place in self.places() {
            *place = match place.strip_prefix(pointer) {
                Some(inner) if is_in(place, pointer) => inner.to_owned(),
                _ => format!("..{place}"),
            };
        }
        self
    }

    /// The same, seen from what the member at `pointer` is in.
    pub fn below(mut self, pointer: &str) -> Self {
        for place in self.places() {
            *place = match place.strip_prefix("..") {
                Some(outer) => outer.to_owned(),
                None => format!("{pointer}{place}"),
            };
        }
        self
    }

    fn places(&mut self) -> impl Iterator<Item = &mut String> {
        let others = self
            .beside
            .iter_mut()
            .chain(&mut self.spoils)
            .chain(&mut self.among);
        others.chain([&mut self.pointer])
    }

    /// Whether it speaks of what stands at `pointer`, of something in it, or of something that it is in.
    pub fn overlaps(&self, pointer: &str) -> bool {
        overlap(&self.pointer, pointer)
    }

    /// Whether `other` speaks of the same field, of something in it, or of something that it is in, or looks at it. With a
    /// member that is not known here, nothing else is wrong.
    pub fn concerns(&self, other: &FieldError) -> bool {
        let is_unknown = self.detail == schema::UNKNOWN;
        let aside = || {
            let own = (!is_unknown).then_some(&self.pointer);
            own.into_iter().chain(&self.spoils)
        };
        if !other.among.is_empty() {
            return other
                .among
                .iter()
                .any(|member| aside().any(|place| is_in(member, place)));
        }
        self.pointer == other.pointer
            || [&other.pointer]
                .into_iter()
                .chain(&other.beside)
                .any(|pointer| aside().any(|place| overlap(place, pointer)))
    }
}

fn overlap(one: &str, other: &str) -> bool {
    is_in(one, other) || is_in(other, one)
}

/// Whether what stands at `inner` is what stands at `outer`, or in it.
fn is_in(inner: &str, outer: &str) -> bool {
    let rest = inner.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
