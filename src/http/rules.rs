//! The rules that types have beside their schemas, such as that one date comes after another: [`validator`]'s functions and
//! what they find.

use serde_json::Value;
use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use super::{FieldError, schema::escape};

/// What the rules of a type say of a value of it that stands at `at`.
pub(super) fn faults(errors: &ValidationErrors, at: &str) -> Vec<FieldError> {
    let mut found = Vec::new();
    for (name, kind) in errors.errors() {
        let pointer = match name.as_ref() {
            "__all__" => at.to_owned(),
            name => format!("{at}/{}", escape(name)),
        };
        match kind {
            ValidationErrorsKind::Field(errors) => {
                found.extend(errors.iter().map(|error| rule_fault(error, at, &pointer)))
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

fn rule_fault(error: &ValidationError, at: &str, pointer: &str) -> FieldError {
    let detail = error.message.clone().unwrap_or_else(|| error.code.clone());
    let text = |name: &str| error.params.get(name).and_then(Value::as_str).unwrap_or_default();
    let fault = match text("pointer") {
        "" => FieldError::new(pointer, detail),
        inner => FieldError::new(format!("{at}{inner}"), detail),
    };
    let beside = text("beside").split_whitespace();
    fault.beside(beside.map(|inner| format!("{at}{inner}")))
}

/// A fault for [`validator`]'s functions: at `pointer` for `schema` ones, at the field itself with an empty one.
pub fn rule(pointer: &'static str, message: &'static str) -> ValidationError {
    let mut error = ValidationError::new("rule");
    error.add_param("pointer".into(), &pointer);
    error.message = Some(message.into());
    error
}

/// As [`rule`], for one that also looks at the fields at `beside`, pointers with spaces between them. Where one of those
/// is wrong, the rule is not spoken of.
pub fn rule_beside(pointer: &'static str, beside: &'static str, message: &'static str) -> ValidationError {
    let mut error = rule(pointer, message);
    error.add_param("beside".into(), &beside);
    error
}
