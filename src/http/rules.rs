//! The rules that types have beside their schemas, such as that one date comes after another: [`validator`]'s functions and
//! what they find.

use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use super::{FieldError, problem::MOST_FAULTS, schema::escape};

/// What the rules of a type say of a value of it that stands at `at`.
pub fn faults(errors: &ValidationErrors, at: &str) -> Vec<FieldError> {
    let mut found = Vec::new();
    for (name, kind) in errors.errors() {
        let pointer = match name.as_ref() {
            "__all__" => at.to_owned(),
            name => format!("{at}/{}", escape(name)),
        };
        match kind {
            ValidationErrorsKind::Field(errors) => {
                found.extend(errors.iter().flat_map(|error| rule_faults(error, at, &pointer)))
            }
            ValidationErrorsKind::Struct(errors) => found.extend(faults(errors, &pointer)),
            ValidationErrorsKind::List(items) => {
                for (index, errors) in items {
                    found.extend(faults(errors, &format!("{pointer}/{index}")));
                }
            }
        }
    }
    found
}

fn rule_faults(error: &ValidationError, at: &str, pointer: &str) -> Vec<FieldError> {
    let complaints = error.params.get("complaints").cloned();
    let Some(Ok(complaints)) = complaints.map(serde_json::from_value::<Vec<FieldError>>) else {
        let detail = error.message.clone().unwrap_or_else(|| error.code.clone());
        return vec![FieldError::new(pointer, detail)];
    };
    let faults = complaints
        .into_iter()
        .map(|complaint| match complaint.pointer.as_str() {
            "" => FieldError::new(pointer, complaint.detail),
            _ => complaint.below(at),
        });
    faults.collect()
}

/// What [`validator`]'s functions answer where these complaints are all: at their pointers for `schema` functions and others, at
/// the field itself with an empty one.
pub fn complaints(faults: impl IntoIterator<Item = FieldError>) -> Result<(), ValidationError> {
    let complaints: Vec<_> = faults.into_iter().take(MOST_FAULTS + 1).collect();
    if complaints.is_empty() {
        return Ok(());
    }
    let mut error = ValidationError::new("rule");
    error.add_param("complaints".into(), &complaints);
    Err(error)
}

/// One complaint.
pub fn rule(pointer: &'static str, message: &'static str) -> Result<(), ValidationError> {
    complaints([FieldError::new(pointer, message)])
}
