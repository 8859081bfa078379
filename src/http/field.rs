//! A field that is wrong.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where it stands in the body: a JSON Pointer (RFC 6901); `?name` for a query parameter.
    #[schema(example = "/email")]
    pub pointer: String,
    /// What is wrong and how to fix it.
    #[schema(example = "is not an e-mail address; give one such as ana@example.com")]
    pub detail: String,
}

impl FieldError {
    /// A complaint about the field at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        FieldError {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }

    /// The same, seen from what the member at `pointer` is in.
    pub fn below(self, pointer: &str) -> Self {
        FieldError {
            pointer: format!("{pointer}{}", self.pointer),
            ..self
        }
    }
}
