//! SCIM's media type and its errors (RFC 7644, section 3.12): [`speak`] has every error below `/scim/v2` take their form.

use actix_web::{
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, Uri},
    middleware::Next,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{ApiError, Code, ErrorForm};

/// Where SCIM is spoken.
pub const ADDRESS: &str = "/scim/v2";
/// The media type of its messages.
pub const MEDIA_TYPE: &str = "application/scim+json";

const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Whether requests of this path speak SCIM.
pub fn is_address(path: &str) -> bool {
    path.strip_prefix(ADDRESS)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Looks past slashes at the end of an address of SCIM, which Microsoft's own collection of requests sends.
pub async fn trim_slashes<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let path = request.path();
    if is_address(path) && path.ends_with('/') {
        let trimmed = path.trim_end_matches('/');
        let address = match request.query_string() {
            "" => trimmed.to_owned(),
            query => format!("{trimmed}?{query}"),
        };
        if let Ok(uri) = address.parse::<Uri>() {
            request.match_info_mut().get_mut().update(&uri);
            request.head_mut().uri = uri;
        }
    }
    next.call(request).await
}

/// Middleware, around all others: has errors below `/scim/v2` answered in the form of SCIM.
pub async fn speak<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    match is_address(request.path()) {
        true => FORM.during(next.call(request)).await,
        false => next.call(request).await,
    }
}

static FORM: ErrorForm = ErrorForm {
    status,
    media_type: MEDIA_TYPE,
    body: |error| serde_json::to_vec(&ScimError::from(error)).unwrap_or_default(),
};

/// An error of SCIM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScimError {
    /// `urn:ietf:params:scim:api:messages:2.0:Error`.
    #[schema(min_items = 1)]
    pub schemas: Vec<String>,
    /// The HTTP status, as text.
    #[schema(example = "409", pattern = "^[45][0-9]{2}$")]
    pub status: String,
    /// What went wrong, for programs, where SCIM has a word for it.
    #[serde(rename = "scimType", skip_serializing_if = "Option::is_none")]
    #[schema(example = "uniqueness", nullable = false)]
    pub scim_type: Option<String>,
    /// What went wrong and how to fix it.
    pub detail: String,
}

impl From<&ApiError> for ScimError {
    fn from(error: &ApiError) -> Self {
        let faults = error
            .fields
            .iter()
            .map(|fault| match fault.pointer.trim_start_matches(['/', '?']) {
                "" => fault.detail.clone(),
                pointer => format!("{pointer} {}", fault.detail),
            });
        let faults = faults.collect::<Vec<_>>().join("; ");
        let detail = match (error.code, faults.as_str()) {
            (_, "") => error.detail.to_string(),
            (Code::AlreadyExists, faults) => format!("{faults}. {}", error.detail),
            (_, faults) => faults.to_owned(),
        };
        ScimError {
            schemas: vec![SCHEMA.into()],
            status: status(error.code).as_str().to_owned(),
            scim_type: word(error.code).map(str::to_owned),
            detail,
        }
    }
}

/// The status that SCIM gives an error: what is wrong with a body is 400.
pub fn status(code: Code) -> StatusCode {
    match code {
        Code::ValidationFailed | Code::GroupIsDynamic | Code::ManagerCycle => StatusCode::BAD_REQUEST,
        code => code.status(),
    }
}

/// SCIM's word for an error (RFC 7644, table 9; RFC 9865, section 2.1).
fn word(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::InvalidFilter => "invalidFilter",
        Code::InvalidCursor => "invalidCursor",
        Code::InvalidPath => "invalidPath",
        Code::NoTarget => "noTarget",
        Code::MalformedRequest => "invalidSyntax",
        Code::InvalidParameter | Code::ValidationFailed | Code::ManagerCycle => "invalidValue",
        Code::ReadOnly | Code::GroupIsDynamic => "mutability",
        Code::AlreadyExists => "uniqueness",
        _ => return None,
    })
}
