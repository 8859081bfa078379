//! What a change wants to be so first: `ETag`, `If-Match` and `If-None-Match` (RFC 9110, section 13) over the rows'
//! versions.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{ApiError, ApiResult, Code};

/// A resource with a version, which is its ETag.
pub trait Versioned {
    /// Counts up with every change.
    fn version(&self) -> i64;

    /// The entity tag.
    fn etag(&self) -> String {
        format!("\"{}\"", self.version())
    }
}

/// What stands in an entity tag between the resource's own and what is shown with it.
const SHOWN: char = '~';

/// An entity tag that tells too of what a representation shows of other things, if there is some. [`IfMatch`] looks past
/// it: a change of the resource does not overwrite those.
pub fn showing(etag: &str, shown: &[Value]) -> String {
    if shown.is_empty() {
        return etag.to_owned();
    }
    let mut hash = Sha256::new();
    for value in shown {
        hash.update(format!("{value}\n"));
    }
    let digest = URL_SAFE_NO_PAD.encode(&hash.finalize()[..12]);
    format!("{}{SHOWN}{digest}\"", etag.trim_end_matches('"'))
}

/// A list of entity tags without what is shown with their resources.
fn own(list: &str) -> String {
    let own = list.split(',').map(|tag| match tag.split_once(SHOWN) {
        Some((own, _)) => format!("{own}\""),
        None => tag.to_owned(),
    });
    own.collect::<Vec<_>>().join(",")
}

/// What the client believes that it changes. The extractor answers 428 where the header is missing.
#[derive(Debug, Clone)]
pub struct IfMatch(String);

impl IfMatch {
    /// As the header with that value.
    pub fn of(value: String) -> Self {
        IfMatch(value)
    }

    /// Refuses with 412 if `resource` has changed since the client read it.
    pub fn check(&self, resource: &impl Versioned) -> ApiResult<()> {
        if names(&own(&self.0), &resource.etag()) {
            return Ok(());
        }
        Err(ApiError::new(
            Code::PreconditionFailed,
            format!(
                "Read it again (its ETag is {} now), decide again, and send that ETag in If-Match.",
                resource.etag()
            ),
        ))
    }
}

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let value = request
            .headers()
            .get(header::IF_MATCH)
            .and_then(|value| value.to_str().ok());
        ready(value.map(|value| IfMatch(value.to_owned())).ok_or_else(|| {
            ApiError::new(
                Code::PreconditionRequired,
                "Send the ETag that you read in If-Match, or `If-Match: *` to change whatever is there.",
            )
        }))
    }
}

/// What the client has already.
#[derive(Debug, Clone, Default)]
pub struct IfNoneMatch(Option<String>);

impl IfNoneMatch {
    /// Whether the client has the resource as it is.
    pub fn has(&self, etag: &str) -> bool {
        self.0.as_deref().is_some_and(|list| names(list, etag))
    }
}

impl FromRequest for IfNoneMatch {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let value = request
            .headers()
            .get(header::IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok());
        ready(Ok(IfNoneMatch(value.map(str::to_owned))))
    }
}

/// Whether a list of entity tags names this one. A proxy that compresses weakens tags: `W/` is looked past.
fn names(list: &str, etag: &str) -> bool {
    list.trim() == "*"
        || list
            .split(',')
            .any(|tag| tag.trim().trim_start_matches("W/") == etag)
}
