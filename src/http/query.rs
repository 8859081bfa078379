//! Query parameters, with a problem that names all that cannot be read.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;

use super::{ApiError, ApiResult, Code, FieldError};

/// The query parameters, read into `T`.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.query_string()))
    }
}

fn read<T: DeserializeOwned>(query: &str) -> ApiResult<Query<T>> {
    if query.contains("%00") {
        return Err(ApiError::new(
            Code::InvalidParameter,
            "Leave out U+0000: no parameter may hold it.",
        ));
    }
    let mut query = query.to_owned();
    let mut faults: Vec<FieldError> = Vec::new();
    // Reading ends at the first fault; without what is faulty it comes to the next.
    loop {
        let (name, detail) = match attempt(&query) {
            Ok(value) if faults.is_empty() => return Ok(Query(value)),
            Ok(_) => break,
            Err(fault) => fault,
        };
        let rest = without(&query, &name);
        let fault = FieldError::new(format!("?{name}"), detail);
        if faults.iter().all(|known| known.pointer != fault.pointer) {
            faults.push(fault);
        }
        if rest == query {
            break;
        }
        query = rest;
    }
    Err(ApiError::parameters(faults))
}

/// The parameters as `T`, or the name of the first that is wrong and what is wrong with it.
fn attempt<T: DeserializeOwned>(query: &str) -> Result<T, (String, String)> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let (path, detail) = (error.path().to_string(), error.inner().to_string());
        // Of a parameter that is unknown, missing or there twice, only the sentence tells the name.
        let named = detail.split('`').nth(1).unwrap_or_default().to_owned();
        (if is_name(&path) { path } else { named }, detail)
    })
}

fn without(query: &str, name: &str) -> String {
    let others = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key != name);
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .finish()
}

fn is_name(path: &str) -> bool {
    !path.is_empty() && path.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
