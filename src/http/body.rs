//! JSON bodies, checked against the very schema that the API's document publishes.
//!
//! So the document cannot promise what the server refuses, and all faults are told at once. What a schema
//! cannot say, such as that one date comes after another, a type says by [`validator::Validate`].

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, LazyLock},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::Segment;
use utoipa::{PartialSchema, ToSchema};
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use super::{
    ApiError, ApiResult, Code, FieldError,
    json::Strict,
    schema::{self, PerType, escape},
};

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
        let bytes = receive(request, payload);
        Box::pin(async move { read(&bytes.await?).map(Valid) })
    }
}

/// The bytes of a body that says that it is JSON.
pub fn receive(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = ApiResult<web::Bytes>> + use<> {
    let media_type = check_media_type(request).and_then(|()| check_encoding(request));
    let bytes = web::Bytes::from_request(request, payload);
    async move {
        media_type?;
        bytes.await.map_err(|error| unreadable(&error))
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
        .map(|value| {
            String::from_utf8_lossy(value.as_bytes())
                .trim()
                .to_ascii_lowercase()
        })
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
    read_value(&mut parse(bytes)?)
}

/// As [`read`], from JSON that is parsed already, such as one row of a bulk request.
pub fn read_value<T: Body>(value: &mut Value) -> ApiResult<T> {
    let mut faults = Vec::new();
    refuse_nul(value, "", &mut faults);
    check(value, faults)
}

/// As [`read`], of a body whose parts are read by themselves later: U+0000 is looked for there.
pub fn read_frame<T: Body>(bytes: &[u8]) -> ApiResult<T> {
    check(&mut parse(bytes)?, Vec::new())
}

/// Reads JSON of any form.
pub fn read_any(bytes: &[u8]) -> ApiResult<Value> {
    let value = parse(bytes)?;
    let mut faults = Vec::new();
    refuse_nul(&value, "", &mut faults);
    if faults.is_empty() {
        Ok(value)
    } else {
        Err(ApiError::invalid(faults))
    }
}

fn parse(bytes: &[u8]) -> ApiResult<Value> {
    match serde_json::from_slice(bytes) {
        Ok(Strict(value)) => Ok(value),
        Err(error) => Err(ApiError::new(
            Code::MalformedRequest,
            format!("The body is not valid JSON: {error}."),
        )),
    }
}

/// The value as a `T`, or `faults` and everything else that is wrong with it.
fn check<T: Body>(value: &mut Value, mut faults: Vec<FieldError>) -> ApiResult<T> {
    faults.extend(schema::faults(&*validator_of::<T>()?, value));
    make_integers(value);
    if !faults.is_empty() {
        faults.extend(further_faults::<T>(value, &faults));
        schema::keep_first(&mut faults);
        return Err(ApiError::invalid(faults));
    }
    let body: T = deserialize(value).map_err(|fault| ApiError::invalid(vec![fault]))?;
    body.validate()
        .map_err(|errors| ApiError::invalid(rule_faults(&errors, "", Rules::All)))?;
    Ok(body)
}

/// `T`, or where it cannot be read and why.
fn deserialize<T: Body>(value: &Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
                Segment::Map { key } => pointer.push_str(&format!("/{}", escape(key))),
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        FieldError::new(pointer, error.inner().to_string())
    })
}

/// How often a body is read again without what stopped the reading.
const MOST_REMOVED: usize = 20;

/// What the rules of `T` say of a body that does not fit its schema, as far as it can be read without what is faulty.
fn further_faults<T: Body>(value: &Value, faults: &[FieldError]) -> Vec<FieldError> {
    let mut value = value.clone();
    for unknown in faults.iter().filter(|fault| fault.detail == schema::UNKNOWN) {
        remove(&mut value, &unknown.pointer);
    }
    let mut rules = Rules::All;
    for _ in 0..MOST_REMOVED {
        match deserialize::<T>(&value) {
            Ok(body) => {
                let errors = body.validate().err();
                return errors.map_or_else(Vec::new, |errors| rule_faults(&errors, "", rules));
            }
            Err(at) if faults.iter().any(|fault| fault.pointer.starts_with(&at.pointer)) => {
                rules = Rules::OfFields;
                if !remove(&mut value, &at.pointer) {
                    return Vec::new();
                }
            }
            Err(_) => return Vec::new(),
        }
    }
    Vec::new()
}

/// Removes a member of an object; false if there is none at `pointer`.
fn remove(value: &mut Value, pointer: &str) -> bool {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return false;
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) => members.remove(&name).is_some(),
        _ => false,
    }
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

/// The compiled schema of `T`, made at its first use.
fn validator_of<T: Body>() -> ApiResult<Arc<jsonschema::Validator>> {
    static VALIDATORS: LazyLock<PerType<jsonschema::Validator>> = LazyLock::new(PerType::default);
    VALIDATORS.of::<T>(|| {
        let mut schemas = vec![(T::name().into_owned(), <T as PartialSchema>::schema())];
        T::schemas(&mut schemas);
        let components: HashMap<_, _> = schemas.into_iter().collect();
        schema::compile(&json!({
            "$ref": format!("#/components/schemas/{}", T::name()),
            "components": { "schemas": components },
        }))
    })
}

/// Which rules are listened to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rules {
    All,
    /// Not those of several fields together, some of which may have been left out.
    OfFields,
}

fn rule_faults(errors: &ValidationErrors, at: &str, rules: Rules) -> Vec<FieldError> {
    let mut faults = Vec::new();
    for (name, kind) in errors.errors() {
        if rules == Rules::OfFields && name == "__all__" {
            continue;
        }
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
            ValidationErrorsKind::Struct(errors) => faults.extend(rule_faults(errors, &pointer, rules)),
            ValidationErrorsKind::List(items) => {
                for (index, errors) in items {
                    faults.extend(rule_faults(errors, &format!("{pointer}/{index}"), rules));
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
