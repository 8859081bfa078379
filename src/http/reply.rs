//! The answer to a request, whole enough to be stored with its idempotency key.

use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody, http::StatusCode};
use serde::Serialize;

use super::{ApiResult, IfNoneMatch, Page, Versioned, problem::ApiError};

/// Status, headers and body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers beside the content's length, and its type where that is plain JSON.
    pub headers: Vec<(String, String)>,
    /// The JSON body; empty for none.
    pub body: Vec<u8>,
    /// Of a page: where the next one begins, for the `Link` header.
    next_cursor: Option<String>,
    /// What an idempotency record keeps in the body's place, where the body holds a secret.
    kept: Option<Vec<u8>>,
}

impl Reply {
    /// An answer from its parts, as the idempotency record keeps them.
    pub fn stored(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        Reply {
            status,
            headers,
            body,
            next_cursor: None,
            kept: None,
        }
    }

    fn json(status: StatusCode, body: &impl Serialize) -> ApiResult<Self> {
        let body = serde_json::to_vec(body).map_err(ApiError::internal)?;
        Ok(Self::stored(status.as_u16(), Vec::new(), body))
    }

    /// 200 with a body that has no version.
    pub fn ok(body: &impl Serialize) -> ApiResult<Self> {
        Self::json(StatusCode::OK, body)
    }

    /// 200 with a resource and its ETag.
    pub fn resource<T: Serialize + Versioned>(resource: &T) -> ApiResult<Self> {
        Ok(Self::ok(resource)?.header("ETag", resource.etag()))
    }

    /// 200 with a resource, or 304 if the client has it.
    pub fn unless_known<T: Serialize + Versioned>(resource: &T, known: &IfNoneMatch) -> ApiResult<Self> {
        let etag = resource.etag();
        if known.has(&etag) {
            return Ok(Self::stored(304, vec![("ETag".into(), etag)], Vec::new()));
        }
        Self::resource(resource)
    }

    /// 200 with a page.
    pub fn page<T: Serialize>(page: &Page<T>) -> ApiResult<Self> {
        Ok(Reply {
            next_cursor: page.next_cursor.clone(),
            ..Self::ok(page)?
        })
    }

    /// 201 with a new resource, its ETag and where it is.
    pub fn created<T: Serialize + Versioned>(resource: &T, location: String) -> ApiResult<Self> {
        Ok(Self::json(StatusCode::CREATED, resource)?
            .header("ETag", resource.etag())
            .header("Location", location))
    }

    /// 201 with a new part of a resource, which has neither an ETag nor an address of its own.
    pub fn created_part(part: &impl Serialize) -> ApiResult<Self> {
        Self::json(StatusCode::CREATED, part)
    }

    /// 202 with an operation and where its progress is seen.
    pub fn accepted(operation: &impl Serialize, location: String) -> ApiResult<Self> {
        Ok(Self::json(StatusCode::ACCEPTED, operation)?.header("Location", location))
    }

    /// 204.
    pub fn no_content() -> Self {
        Self::stored(204, Vec::new(), Vec::new())
    }

    /// Has the idempotency record keep `body` instead: what is shown once is not stored.
    pub fn kept_as(self, body: &impl Serialize) -> ApiResult<Self> {
        let kept = serde_json::to_vec(body).map_err(ApiError::internal)?;
        Ok(Reply {
            kept: Some(kept),
            ..self
        })
    }

    /// The body that an idempotency record keeps.
    pub fn kept_body(&self) -> &[u8] {
        self.kept.as_deref().unwrap_or(&self.body)
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl Responder for Reply {
    type Body = BoxBody;

    fn respond_to(mut self, request: &HttpRequest) -> HttpResponse {
        if let Some(cursor) = self.next_cursor.take() {
            self.headers.push(("Link".into(), next_link(request, &cursor)));
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        let is_type = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
        let has_type = self.headers.iter().any(is_type);
        for (name, value) in self.headers {
            response.insert_header((name, value));
        }
        if self.body.is_empty() {
            return response.finish();
        }
        if !has_type {
            response.content_type("application/json");
        }
        response.body(self.body)
    }
}

/// The present address with another cursor, as RFC 8288 has it.
fn next_link(request: &HttpRequest, cursor: &str) -> String {
    let others = request
        .query_string()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query = others
        .map(str::to_owned)
        .chain([format!("cursor={cursor}")])
        .collect::<Vec<_>>()
        .join("&");
    format!("<{}?{query}>; rel=\"next\"", request.path())
}
