//! `?filter=`, with problems that point at the character.

use super::{ApiError, ApiResult, Code, FieldError};
use crate::filter::{Filter, Schema};

/// Reads the `filter` parameter.
pub fn parse(text: &str, schema: &Schema) -> ApiResult<Filter> {
    Filter::parse(text, schema).map_err(|faults| ApiError {
        fields: faults
            .0
            .iter()
            .map(|fault| FieldError::new("?filter", fault.to_string()))
            .collect(),
        ..ApiError::new(Code::InvalidFilter, "Fix the filter where `errors` points.")
    })
}
