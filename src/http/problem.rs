//! Errors as clients see them: RFC 9457 problems with a stable code and a sentence that says how to fix it.

use std::{borrow::Cow, fmt};

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{codes::Code, field::FieldError, request};
use crate::db::DbError;

/// What a handler answers.
pub type ApiResult<T> = Result<T, ApiError>;

/// An error on its way to the client.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// The error code, for programs.
    pub code: Code,
    /// What went wrong and how to fix it, for people.
    pub detail: Cow<'static, str>,
    /// Each field that is wrong.
    pub fields: Vec<FieldError>,
    /// What the log says and the client does not see.
    pub cause: Option<String>,
    /// Whether the same transaction may succeed if it is tried again.
    pub is_retryable: bool,
    /// Seconds after which the client may try again.
    pub retry_after: Option<i64>,
}

/// A problem (RFC 9457).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` tells problems apart.
    #[schema(example = "about:blank")]
    pub r#type: String,
    /// A short title, the same for every problem of this code.
    #[schema(example = "Validation failed")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    pub status: u16,
    /// The error code, for programs.
    #[schema(example = "validation_failed")]
    pub code: String,
    /// What went wrong and how to fix it.
    #[schema(example = "Fix the fields that `errors` names and send the request again.")]
    pub detail: String,
    /// The request's id, for the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Every invalid field. Very long lists are cut; `detail` then says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// The most fields that one answer names.
pub const MOST_FAULTS: usize = 100;

/// Said where it does not name all.
const MORE: &str = " More is wrong than `errors` names: these are the first.";

impl ApiError {
    /// An error with its code and the sentence that says how to fix it.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        ApiError {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            cause: None,
            is_retryable: false,
            retry_after: None,
        }
    }

    /// Fields that are wrong, of very many the first.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let invalid = Self::new(
            Code::ValidationFailed,
            "Fix the fields that `errors` names and send the request again.",
        );
        ApiError { fields, ..invalid }.first(MOST_FAULTS)
    }

    /// At most so many of its fields; it says so if there are more.
    pub fn first(mut self, most: usize) -> Self {
        if self.fields.len() > most {
            self.fields.truncate(most);
            if !self.detail.ends_with(MORE) {
                self.detail = format!("{}{MORE}", self.detail).into();
            }
        }
        self
    }

    /// One field that is wrong.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(pointer, detail)])
    }

    /// A query parameter that is wrong.
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self::parameters(vec![FieldError::new(format!("?{name}"), detail)])
    }

    /// Query parameters that are wrong, all of them at once.
    pub fn parameters(fields: Vec<FieldError>) -> Self {
        let invalid = Self::new(Code::InvalidParameter, "Fix the parameters that `errors` names.");
        ApiError { fields, ..invalid }.first(MOST_FAULTS)
    }

    /// There is none, or the caller may not know of it.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            Code::NotFound,
            format!("There is no {what} with this id, or it is outside what you may see."),
        )
    }

    /// Something else has the value at `pointer`.
    pub fn taken(pointer: impl Into<String>) -> Self {
        Self::new(
            Code::AlreadyExists,
            "Choose another value, or change the thing that has it.",
        )
        .with_field(pointer, "is taken already")
    }

    /// It may work later; the cause goes to the log only.
    pub fn unavailable(cause: impl fmt::Display, detail: &'static str) -> Self {
        ApiError {
            cause: Some(cause.to_string()),
            ..Self::new(Code::Unavailable, detail)
        }
    }

    /// Our fault; the cause goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        ApiError {
            cause: Some(cause.to_string()),
            ..Self::new(
                Code::Internal,
                "Try again later; if it happens again, tell the operator the request id.",
            )
        }
    }

    /// PostgreSQL gave the transaction up for another's sake.
    fn retryable(cause: &DieselError) -> Self {
        ApiError {
            cause: Some(cause.to_string()),
            is_retryable: true,
            ..Self::new(
                Code::Unavailable,
                "Others were changing the same things; try again in a second.",
            )
        }
    }

    /// The server went away in the middle.
    fn connection_lost(cause: &DieselError) -> Self {
        Self::from(DbError::Unreachable(cause.to_string()))
    }

    /// Adds a field that is wrong.
    pub fn with_field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.fields.push(FieldError::new(pointer, detail));
        self
    }

    /// Whether it speaks of fields or parameters, so that others may be told beside them.
    pub fn is_of_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    /// The error of the member at `pointer`, of what the member is in.
    pub fn below(mut self, pointer: &str) -> Self {
        let fields = self.fields.into_iter();
        self.fields = fields.map(|field| field.below(pointer)).collect();
        self
    }

    /// Both errors in one, if they are [of fields](Self::is_of_fields); of `other` what this one does not speak of.
    pub fn and(mut self, other: ApiError) -> Self {
        let has_other_code = self.code != other.code;
        let known = self.fields.len();
        for fault in other.fields {
            let is_known = |field: &FieldError| field.pointer == fault.pointer;
            if !self.fields[..known].iter().any(is_known) {
                self.fields.push(fault);
            }
        }
        if self.fields.len() == known || !has_other_code {
            return self.first(MOST_FAULTS);
        }
        match self.fields.iter().any(|field| field.pointer.starts_with('?')) {
            true => Self::parameters(self.fields),
            false => Self::invalid(self.fields),
        }
    }

    /// The problem as it is answered.
    pub fn to_problem(&self, request_id: Option<String>) -> Problem {
        Problem {
            r#type: "about:blank".into(),
            title: self.code.title().into(),
            status: self.code.status().as_u16(),
            code: self.code.as_str().into(),
            detail: self.detail.clone().into_owned(),
            request_id,
            errors: self.fields.clone(),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)?;
        for field in &self.fields {
            write!(f, " [{} {}]", field.pointer, field.detail)?;
        }
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

/// How errors are answered. Problems, unless a protocol has a form of its own.
pub struct ErrorForm {
    /// The status of a code.
    pub status: fn(Code) -> StatusCode,
    /// The body's media type.
    pub media_type: &'static str,
    /// The body.
    pub body: fn(&ApiError) -> Vec<u8>,
}

tokio::task_local! {
    static FORM: &'static ErrorForm;
}

static PROBLEM: ErrorForm = ErrorForm {
    status: Code::status,
    media_type: "application/problem+json",
    body: |error| serde_json::to_vec(&error.to_problem(request::current_id())).unwrap_or_default(),
};

impl ErrorForm {
    /// Does `work`, whose errors are answered in this form.
    pub async fn during<F: Future>(&'static self, work: F) -> F::Output {
        FORM.scope(self, work).await
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    /// The body gets its request id from the outermost middleware, which knows it.
    fn error_response(&self) -> HttpResponse {
        let form = FORM.try_with(|form| *form).unwrap_or(&PROBLEM);
        let mut response = HttpResponse::build((form.status)(self.code));
        match self.code {
            Code::Unauthenticated => {
                response.insert_header(("WWW-Authenticate", "Bearer"));
            }
            Code::Unavailable => {
                response.insert_header(("Retry-After", "1"));
            }
            _ => {}
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header(("Retry-After", seconds.to_string()));
        }
        response.content_type(form.media_type);
        response.body((form.body)(self))
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        let code = match error {
            DbError::Busy | DbError::Unreachable(_) => Code::Unavailable,
            DbError::Panicked => return Self::internal(error),
        };
        ApiError {
            cause: Some(error.to_string()),
            ..Self::new(code, "Try again in a second.")
        }
    }
}

impl From<DieselError> for ApiError {
    fn from(error: DieselError) -> Self {
        let DieselError::DatabaseError(kind, info) = &error else {
            return match error {
                DieselError::NotFound => Self::not_found("thing"),
                DieselError::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
                DieselError::BrokenTransactionManager => Self::connection_lost(&error),
                error => Self::internal(error),
            };
        };
        match kind {
            DatabaseErrorKind::UniqueViolation => already_exists(&**info),
            DatabaseErrorKind::ForeignKeyViolation => reference_missing(&**info),
            DatabaseErrorKind::SerializationFailure => Self::retryable(&error),
            DatabaseErrorKind::ClosedConnection => Self::connection_lost(&error),
            // What libpq says of a second statement on it.
            DatabaseErrorKind::UnableToSendCommand if info.message().contains("no connection") => {
                Self::connection_lost(&error)
            }
            _ if info.message().contains("deadlock detected") => Self::retryable(&error),
            _ if info.message().contains("statement timeout") => ApiError {
                cause: Some(error.to_string()),
                ..Self::new(
                    Code::Unavailable,
                    "This took too long. Ask for less at once, or try again later.",
                )
            },
            _ => Self::internal(error),
        }
    }
}

/// The field that a constraint is about, by the one rule of their names: `<table>_<field>_key` of what must be unique,
/// `<table>_<field>_fkey` of what must exist. A constraint that no field of a body is about ends otherwise.
fn field_of(info: &dyn DatabaseErrorInformation, ending: &str) -> Option<String> {
    let named = info.constraint_name()?.strip_suffix(ending)?;
    let field = named.strip_prefix(info.table_name()?)?.strip_prefix('_')?;
    Some(format!("/{field}"))
}

/// Another row has the value.
fn already_exists(info: &dyn DatabaseErrorInformation) -> ApiError {
    match field_of(info, "_key") {
        Some(pointer) => ApiError::taken(pointer),
        None => ApiError {
            cause: info.constraint_name().map(str::to_owned),
            fields: Vec::new(),
            ..ApiError::taken("")
        },
    }
}

/// What the row names is not there.
fn reference_missing(info: &dyn DatabaseErrorInformation) -> ApiError {
    ApiError {
        cause: info.constraint_name().map(str::to_owned),
        ..ApiError::field(
            field_of(info, "_fkey").unwrap_or_default(),
            "names nothing that exists",
        )
    }
}
