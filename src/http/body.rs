//! JSON bodies, checked against the very schema that the API's document publishes.
//!
//! So the document cannot promise what the server refuses, and all faults are told at once. What a schema
//! cannot say, such as that one date comes after another, a type says by [`validator::Validate`].

use std::{
    any::TypeId,
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock, RwLock},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use jsonschema::error::ValidationErrorKind as Kind;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::{PartialSchema, ToSchema};
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use super::{ApiError, ApiResult, Code, FieldError, json::Strict};

/// A body that fits its schema and its own rules.
#[derive(Debug, Clone)]
pub struct Valid<T>(pub T);

/// What a body must be.
pub trait Body: DeserializeOwned + ToSchema + Validate + 'static {}
impl<T: DeserializeOwned + ToSchema + Validate + 'static> Body for T {}

impl<T: Body> FromRequest for Valid<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let media_type = check_media_type(request).and_then(|()| check_encoding(request));
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            media_type?;
            let bytes = bytes.await.map_err(|error| unreadable(&error))?;
            read(&bytes).map(Valid)
        })
    }
}

fn check_media_type(request: &HttpRequest) -> ApiResult<()> {
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let mut parts = content_type
        .split(';')
        .map(|part| part.trim().to_ascii_lowercase());
    let media_type = parts.next().unwrap_or_default();
    // JSON is UTF-8 (RFC 8259 §8.1); text in another encoding would be read as something else.
    let is_utf8 = parts
        .filter_map(|part| {
            part.strip_prefix("charset=")
                .map(|name| name.trim_matches('"').to_owned())
        })
        .all(|name| matches!(name.as_str(), "utf-8" | "utf8" | "us-ascii"));
    if is_utf8 && (media_type == "application/json" || media_type.ends_with("+json")) {
        return Ok(());
    }
    Err(ApiError::new(
        Code::UnsupportedMediaType,
        "Send JSON in UTF-8 with `Content-Type: application/json`.",
    ))
}

/// What the server would not decompress would be read as if it were JSON.
fn check_encoding(request: &HttpRequest) -> ApiResult<()> {
    if matches!(encoding(request).as_str(), "" | "identity" | "gzip" | "deflate") {
        return Ok(());
    }
    Err(ApiError::new(
        Code::UnsupportedMediaType,
        "Send the body as it is, or with `Content-Encoding: gzip` or `deflate`.",
    ))
}

/// How the body is compressed; empty if it is not.
pub fn encoding(request: &HttpRequest) -> String {
    let values = request.headers().get_all(header::CONTENT_ENCODING);
    let names: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase())
        .collect();
    names.join(", ")
}

/// Why a body did not arrive.
pub fn unreadable(error: &actix_web::Error) -> ApiError {
    if error.as_response_error().status_code() == actix_web::http::StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::new(
            Code::PayloadTooLarge,
            "Send less at once: split it, or use an import.",
        );
    }
    ApiError::new(
        Code::MalformedRequest,
        "The body broke off; send the request again.",
    )
}

/// Reads a body and finds everything that is wrong with it.
pub fn read<T: Body>(bytes: &[u8]) -> ApiResult<T> {
    let Strict(mut value) = serde_json::from_slice(bytes).map_err(|error| {
        ApiError::new(
            Code::MalformedRequest,
            format!("The body is not valid JSON: {error}."),
        )
    })?;
    read_value(&mut value)
}

/// As [`read`], from JSON that is parsed already, such as one row of a bulk request.
pub fn read_value<T: Body>(value: &mut Value) -> ApiResult<T> {
    let mut faults = Vec::new();
    refuse_nul(value, "", &mut faults);
    faults.extend(schema_faults::<T>(value)?);
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    make_integers(value);
    let body: T = serde_path_to_error::deserialize(&*value).map_err(|error| {
        let pointer = format!("/{}", error.path().to_string().replace('.', "/"));
        ApiError::field(pointer, error.inner().to_string())
    })?;
    body.validate()
        .map_err(|errors| ApiError::invalid(rule_faults(&errors, "")))?;
    Ok(body)
}

/// PostgreSQL stores no U+0000 in text or JSON.
fn refuse_nul(value: &Value, pointer: &str, faults: &mut Vec<FieldError>) {
    match value {
        Value::String(text) if text.contains('\0') => {
            faults.push(FieldError::new(pointer, "must not hold U+0000; leave it out"))
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                refuse_nul(item, &format!("{pointer}/{index}"), faults);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                if name.contains('\0') {
                    faults.push(FieldError::new(
                        pointer,
                        "has a name that holds U+0000; leave it out",
                    ));
                }
                refuse_nul(member, &format!("{pointer}/{}", escape(name)), faults);
            }
        }
        _ => {}
    }
}

/// JSON Schema calls 134.0 an integer; serde does not.
fn make_integers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = number
                .as_f64()
                .filter(|n| number.is_f64() && n.fract() == 0.0 && n.abs() < 9e15)
            {
                *value = json!(whole as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_integers),
        Value::Object(members) => members.values_mut().for_each(make_integers),
        _ => {}
    }
}

fn schema_faults<T: Body>(value: &Value) -> ApiResult<Vec<FieldError>> {
    let validator = validator_of::<T>()?;
    let mut faults = Vec::new();
    for error in validator.iter_errors(value) {
        describe(&error, &mut faults);
    }
    faults.dedup();
    Ok(faults)
}

type Validators = RwLock<HashMap<TypeId, Arc<jsonschema::Validator>>>;

/// The compiled schema of `T`, made at its first use.
fn validator_of<T: Body>() -> ApiResult<Arc<jsonschema::Validator>> {
    static VALIDATORS: OnceLock<Validators> = OnceLock::new();
    let validators = VALIDATORS.get_or_init(Default::default);
    let known = validators
        .read()
        .map_err(ApiError::internal)?
        .get(&TypeId::of::<T>())
        .cloned();
    if let Some(validator) = known {
        return Ok(validator);
    }
    let mut schemas = vec![(T::name().into_owned(), <T as PartialSchema>::schema())];
    T::schemas(&mut schemas);
    let components: HashMap<_, _> = schemas.into_iter().collect();
    let document = json!({
        "$ref": format!("#/components/schemas/{}", T::name()),
        "components": { "schemas": components },
    });
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&document)
        .map_err(ApiError::internal)?;
    let validator = Arc::new(validator);
    validators
        .write()
        .map_err(ApiError::internal)?
        .insert(TypeId::of::<T>(), validator.clone());
    Ok(validator)
}

fn describe(error: &jsonschema::ValidationError<'_>, faults: &mut Vec<FieldError>) {
    let at = error.instance_path().to_string();
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                faults.push(FieldError::new(
                    format!("{at}/{}", escape(name)),
                    "is not known here; leave it out, or mend its name",
                ));
            }
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            faults.push(FieldError::new(format!("{at}/{}", escape(name)), "is required"));
        }
        // Of `null or X` the interesting complaint is X's.
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            let branch = context
                .iter()
                .filter(|errors| !errors.iter().any(is_null_branch))
                .min_by_key(|errors| errors.len());
            match branch {
                Some(errors) if !errors.is_empty() => errors.iter().for_each(|error| describe(error, faults)),
                _ => faults.push(FieldError::new(
                    at,
                    "fits none of the forms that are allowed here",
                )),
            }
        }
        Kind::MinLength { limit: 1 } => faults.push(FieldError::new(at, "must not be empty")),
        Kind::MinLength { limit } => faults.push(FieldError::new(
            at,
            format!("must have at least {limit} characters"),
        )),
        Kind::MaxLength { limit } => faults.push(FieldError::new(
            at,
            format!("must have at most {limit} characters"),
        )),
        Kind::Minimum { limit } => faults.push(FieldError::new(at, format!("must be {limit} or more"))),
        Kind::Maximum { limit } => faults.push(FieldError::new(at, format!("must be {limit} or less"))),
        Kind::MinItems { limit } => {
            faults.push(FieldError::new(at, format!("must have at least {limit} items")))
        }
        Kind::MaxItems { limit } => {
            faults.push(FieldError::new(at, format!("must have at most {limit} items")))
        }
        Kind::Enum { options } => faults.push(FieldError::new(at, format!("must be one of {options}"))),
        Kind::Pattern { pattern } => faults.push(FieldError::new(at, format!("must match {pattern}"))),
        Kind::Format { format } => faults.push(FieldError::new(at, format!("must be a valid {format}"))),
        Kind::Type { .. } => faults.push(FieldError::new(at, format!("has the wrong type: {error}"))),
        _ => faults.push(FieldError::new(at, error.to_string())),
    }
}

fn is_null_branch(error: &jsonschema::ValidationError<'_>) -> bool {
    matches!(error.kind(), Kind::Type { .. }) && error.to_string().ends_with("is not of type \"null\"")
}

fn rule_faults(errors: &ValidationErrors, at: &str) -> Vec<FieldError> {
    let mut faults = Vec::new();
    for (name, kind) in errors.errors() {
        let pointer = match name.as_ref() {
            "__all__" => at.to_owned(),
            name => format!("{at}/{}", escape(name)),
        };
        match kind {
            ValidationErrorsKind::Field(errors) => {
                for error in errors {
                    let detail = error.message.clone().unwrap_or_else(|| error.code.clone());
                    let pointer = error
                        .params
                        .get("pointer")
                        .and_then(Value::as_str)
                        .filter(|inner| !inner.is_empty())
                        .map_or_else(|| pointer.clone(), |inner| format!("{at}{inner}"));
                    faults.push(FieldError::new(pointer, detail));
                }
            }
            ValidationErrorsKind::Struct(errors) => faults.extend(rule_faults(errors, &pointer)),
            ValidationErrorsKind::List(items) => {
                for (index, errors) in items {
                    faults.extend(rule_faults(errors, &format!("{pointer}/{index}")));
                }
            }
        }
    }
    faults
}

/// A fault for [`validator`]'s functions: at `pointer` for `schema` ones, at the field itself with an empty one.
pub fn rule(pointer: &'static str, message: &'static str) -> validator::ValidationError {
    let mut error = validator::ValidationError::new("rule");
    error.add_param("pointer".into(), &pointer);
    error.message = Some(message.into());
    error
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
