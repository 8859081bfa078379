//! Query parameters, with a problem for those that cannot be read.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;

use super::{ApiError, ApiResult, Code};

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
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs)
        .map(Query)
        .map_err(|error| {
            let (path, detail) = (error.path().to_string(), error.inner().to_string());
            // Of a parameter that is unknown, missing or there twice, only the sentence tells the name.
            let named = detail.split('`').nth(1).unwrap_or_default().to_owned();
            ApiError::parameter(if is_name(&path) { &path } else { &named }, detail)
        })
}

fn is_name(path: &str) -> bool {
    !path.is_empty() && path.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
