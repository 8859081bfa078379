//! Files as bodies: larger than other bodies may be.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    web::{self, Bytes, Data},
};
use utoipa::ToSchema;

use super::{ApiError, ApiResult, Code, body::unreadable};
use crate::config::Config;

/// A CSV file.
#[derive(Debug, Clone, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct CsvUpload(pub Bytes);

impl FromRequest for CsvUpload {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_csv = is_csv(request);
        let bytes = read(request, payload);
        Box::pin(async move {
            if !is_csv {
                return Err(ApiError::new(
                    Code::UnsupportedMediaType,
                    "Send the CSV as the body, with `Content-Type: text/csv`.",
                ));
            }
            bytes.await.map(CsvUpload)
        })
    }
}

fn is_csv(request: &HttpRequest) -> bool {
    request.content_type().eq_ignore_ascii_case("text/csv")
}

/// The whole body, as large as its media type may be.
pub fn read(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = ApiResult<Bytes>> + use<> {
    let limit = request.app_data::<Data<Config>>().map_or(0, |config| {
        if is_csv(request) {
            config.import_limit
        } else {
            config.body_limit
        }
    }) as usize;
    let body = web::Payload::from_request(request, payload);
    async move {
        let body = body.await.map_err(|error| unreadable(&error))?;
        match body.to_bytes_limited(limit).await {
            Ok(bytes) => bytes.map_err(|error| unreadable(&error)),
            Err(_) => Err(ApiError::new(
                Code::PayloadTooLarge,
                format!("Send at most {limit} bytes at once."),
            )),
        }
    }
}
