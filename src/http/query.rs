//! Query parameters, with a problem for those that cannot be read.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
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
    web::Query::<T>::from_query(query)
        .map(|query| Query(query.into_inner()))
        .map_err(|error| {
            ApiError::new(
                Code::InvalidParameter,
                format!("A query parameter cannot be read: {}.", plain(&error.to_string())),
            )
        })
}

fn plain(message: &str) -> &str {
    message.trim_start_matches("Query deserialize error: ")
}
