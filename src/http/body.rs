//! JSON bodies, checked against the very schema that the API's document publishes.
//!
//! So the document cannot promise what the server refuses. All faults of form are told at once, and a handler runs only
//! on a body that has none. Text is NFC from here on, and lines lose their outer spaces before they are checked. What a
//! schema cannot say, such as that one date comes after another, a type says by [`validator::Validate`].

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, LazyLock},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use serde_path_to_error::Segment;
use utoipa::{PartialSchema, ToSchema};
use validator::Validate;

use super::{
    ApiError, ApiResult, Code, FieldError, forms,
    json::Strict,
    problem::MOST_FAULTS,
    rules,
    schema::{self, PerType, escape},
};

/// A body that fits its schema and its own rules.
#[derive(Debug, Clone)]
pub struct Valid<T>(pub T);

/// What a body must be.
pub trait Body: DeserializeOwned + ToSchema + Validate + Send + 'static {}
impl<T: DeserializeOwned + ToSchema + Validate + Send + 'static> Body for T {}

impl<T: Body> FromRequest for Valid<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = receive_as::<T>(request, payload);
        Box::pin(async move {
            let bytes = bytes.await?;
            let body = if bytes.len() > LARGE {
                web::block(move || read(&bytes))
                    .await
                    .map_err(ApiError::internal)?
            } else {
                read(&bytes)
            };
            body.map(Valid)
        })
    }
}

/// The bytes of a body that says that it is JSON. That there is none comes before what it would be.
pub fn receive(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = ApiResult<web::Bytes>> + use<> {
    let media_type = check_media_type(request).and_then(|()| check_encoding(request));
    let bytes = web::Bytes::from_request(request, payload);
    async move {
        let bytes = bytes.await.map_err(|error| unreadable(&error));
        if bytes.as_ref().is_ok_and(|bytes| bytes.is_empty()) {
            return Err(ApiError::new(
                Code::MalformedRequest,
                "There is no body. Send one in JSON, with its `Content-Type`; `{}` if it has nothing to say.",
            ));
        }
        media_type?;
        bytes
    }
}

/// As [`receive`]; where every member of a `T` is optional, no body at all is `{}`, whatever its media type would be.
fn receive_as<T: Body>(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = ApiResult<web::Bytes>> + use<T> {
    let is_optional = schema_of::<T>().map(|schema| schema.is_optional);
    let media_type = check_media_type(request);
    let encoding = check_encoding(request);
    let bytes = web::Bytes::from_request(request, payload);
    async move {
        let is_optional = is_optional?;
        if !is_optional {
            media_type.clone()?;
        }
        encoding?;
        let bytes = bytes.await.map_err(|error| unreadable(&error))?;
        if is_optional && bytes.is_empty() {
            return Ok(web::Bytes::from_static(b"{}"));
        }
        media_type?;
        Ok(bytes)
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

/// As [`read`], from JSON that is parsed already.
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

/// Larger bodies are looked at off the threads that serve requests. Bytes.
const LARGE: usize = 16_384;

/// The most values in a body, so that it is looked at in a moment.
const MOST_VALUES: usize = 200_000;

fn parse(bytes: &[u8]) -> ApiResult<Value> {
    match serde_json::from_slice(bytes) {
        Ok(Strict(value)) if count(&value) > MOST_VALUES => Err(ApiError::new(
            Code::PayloadTooLarge,
            format!("Send at most {MOST_VALUES} values at once: split it, or use an import."),
        )),
        Ok(Strict(value)) => Ok(value),
        Err(error) => Err(ApiError::new(
            Code::MalformedRequest,
            format!("The body is not valid JSON: {error}."),
        )),
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// The value as a `T`, unless there are `faults` or anything else is wrong with it: all of it is told. The rules of `T`
/// are asked where the value can be read as one; of several faults of one field the first counts.
fn check<T: Body>(value: &mut Value, mut faults: Vec<FieldError>) -> ApiResult<T> {
    let schema = schema_of::<T>()?;
    forms::trim_lines(&schema.document, &schema.document, value);
    faults.extend(schema::faults(&schema.validator, value));
    if faults.len() > MOST_FAULTS {
        return Err(refused(faults));
    }
    make_integers(value);
    let body = match deserialize::<T>(value) {
        Ok(body) => body,
        Err(fault) if faults.is_empty() => return Err(refused(vec![fault])),
        Err(_) => return Err(refused(faults)),
    };
    if let Err(errors) = body.validate() {
        faults.extend(rules::faults(&errors, ""));
    }
    if faults.is_empty() {
        return Ok(body);
    }
    Err(refused(faults))
}

fn refused(mut faults: Vec<FieldError>) -> ApiError {
    schema::retain_first_per_field(&mut faults);
    ApiError::invalid(faults)
}

/// `T`, or where it cannot be read and why.
pub fn deserialize<T: DeserializeOwned>(value: &Value) -> Result<T, FieldError> {
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

/// PostgreSQL stores no U+0000 in text or JSON.
fn refuse_nul(value: &Value, pointer: &str, faults: &mut Vec<FieldError>) {
    match value {
        _ if faults.len() > MOST_FAULTS => {}
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

/// What a body must fit.
#[derive(Debug)]
struct BodySchema {
    document: Value,
    validator: jsonschema::Validator,
    is_optional: bool,
}

/// The schema of `T`, compiled at its first use.
fn schema_of<T: Body>() -> ApiResult<Arc<BodySchema>> {
    static SCHEMAS: LazyLock<PerType<BodySchema>> = LazyLock::new(PerType::default);
    SCHEMAS.of::<T>(|| {
        let mut schemas = vec![(T::name().into_owned(), <T as PartialSchema>::schema())];
        T::schemas(&mut schemas);
        let completed = schemas.into_iter().map(|(name, schema)| {
            let mut schema = json!(schema);
            forms::complete(&name, &mut schema);
            (name, schema)
        });
        let components: Map<_, _> = completed.collect();
        let is_optional = components
            .get(T::name().as_ref())
            .is_some_and(forms::is_optional_body);
        let document = json!({
            "$ref": format!("#/components/schemas/{}", T::name()),
            "components": { "schemas": components },
        });
        let validator = schema::compile(&document)?;
        Ok(BodySchema {
            document,
            validator,
            is_optional,
        })
    })
}
