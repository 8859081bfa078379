//! Bulk requests: up to 1,000 rows, each with a key of the caller's choice, answered row by row under those keys.
//!
//! All rows are one transaction with one idempotency record. A row that is wrong changes nothing and is answered
//! with its problem; the others are written. A handler takes a [`BulkBody`], reads each row with [`BulkBody::read`] into the resource's own row type, and answers a [`BulkAnswer`]. Rows that add things and change
//! them are declared by [`bulk_row!`](crate::bulk_row!) and written through [`crate::resource::bulk`]. The document names
//! the typed rows by `request_body = BulkRequest<…>`.

mod row;

use std::{borrow::Cow, collections::HashSet, future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema},
};
use uuid::Uuid;
use validator::{Validate, ValidationError};

use super::{
    ApiError, ApiResult, Code, FieldError, Problem,
    body::{Body, read_frame, read_value, receive},
    request,
    rules::complaints,
};

pub use row::{ChangeRow, RowChange, check_version, creates_or_updates};

/// The most rows of one request.
pub const MOST_ROWS: usize = 1_000;

/// The rows of a bulk request, as yet unread but for their keys.
#[derive(Debug, Clone, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct BulkBody {
    /// The rows.
    #[schema(min_items = 1, max_items = 1000, value_type = Vec<KeyedRow>)]
    #[validate(custom(function = keys_differ))]
    pub rows: Vec<Value>,
}

/// What every row has.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct KeyedRow {
    /// The caller's name for the row, unique in the request.
    #[schema(min_length = 1, max_length = 200, format = "verbatim")]
    pub row_key: String,
}

fn keys_differ(rows: &[Value]) -> Result<(), ValidationError> {
    let mut seen = HashSet::new();
    let keys = rows.iter().enumerate();
    let again = keys.filter(|(_, row)| !seen.insert(row["row_key"].as_str()));
    complaints(again.map(|(index, _)| {
        let detail = "is the row_key of an earlier row; give each row its own";
        FieldError::new(format!("/rows/{index}/row_key"), detail)
    }))
}

impl FromRequest for BulkBody {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = receive(request, payload);
        Box::pin(async move { read_frame(&bytes.await?) })
    }
}

impl BulkBody {
    /// The rows, each read into `R`, or what is wrong with its form.
    pub fn read<R: Body>(&self) -> Vec<Row<R>> {
        let rows = self.rows.iter().cloned().map(|mut row| Row {
            key: row["row_key"].as_str().unwrap_or_default().to_owned(),
            new_id: Uuid::now_v7(),
            body: read_value(&mut row),
        });
        rows.collect()
    }
}

/// A row that was read.
#[derive(Debug)]
pub struct Row<R> {
    /// The caller's name for it.
    pub key: String,
    /// The id of what it adds, if it adds something.
    pub new_id: Uuid,
    /// What it holds, or all faults of its form: then it is answered so, and never asks the database.
    pub body: ApiResult<R>,
}

/// A bulk request in the document: rows of the type `R`, which has a `row_key`.
#[derive(Debug)]
pub struct BulkRequest<R>(std::marker::PhantomData<R>);

impl<R: ToSchema> utoipa::__dev::ComposeSchema for BulkRequest<R> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        let rows = ArrayBuilder::new()
            .items(Ref::from_schema_name(R::name()))
            .min_items(Some(1))
            .max_items(Some(MOST_ROWS))
            .description(Some("The rows."));
        ObjectBuilder::new()
            .description(Some("Up to 1,000 rows; each has its own result."))
            .property("rows", rows)
            .required("rows")
            .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(
                false,
            )))
            .into()
    }
}

impl<R: ToSchema> ToSchema for BulkRequest<R> {
    fn name() -> Cow<'static, str> {
        "BulkRequest".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((R::name().into_owned(), R::schema()));
        R::schemas(schemas);
    }
}

/// What became of a row that was right.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<T> {
    /// The thing is new.
    Created(T),
    /// The thing was there, and is as the row wanted it.
    Present(T),
    /// The thing is gone.
    Removed,
}

impl<T> Outcome<T> {
    fn status(&self) -> StatusCode {
        match self {
            Outcome::Created(_) => StatusCode::CREATED,
            Outcome::Present(_) => StatusCode::OK,
            Outcome::Removed => StatusCode::NO_CONTENT,
        }
    }

    /// The thing, if it is there.
    pub fn into_thing(self) -> Option<T> {
        match self {
            Outcome::Created(thing) | Outcome::Present(thing) => Some(thing),
            Outcome::Removed => None,
        }
    }
}

/// The outcome of each row, or the row's error.
pub type Outcomes<T> = Vec<ApiResult<Outcome<T>>>;

/// The outcome of the one change that was asked for.
pub fn first<T>(outcomes: Outcomes<T>) -> ApiResult<Outcome<T>> {
    next(&mut outcomes.into_iter())
}

/// The thing that the one change which was asked for left.
pub fn only<T>(outcomes: Outcomes<T>) -> ApiResult<T> {
    let thing = first(outcomes)?.into_thing();
    thing.ok_or_else(|| ApiError::internal("a change took its thing away"))
}

/// The next outcome; there is one for each change that was asked for.
pub fn next<T>(outcomes: &mut impl Iterator<Item = ApiResult<Outcome<T>>>) -> ApiResult<Outcome<T>> {
    outcomes
        .next()
        .unwrap_or_else(|| Err(ApiError::internal("a change has no outcome")))
}

/// Writes those that nothing speaks against with `write`, which answers for each, and answers for all in their order.
pub fn write_each<N, T>(
    wanted: Vec<ApiResult<N>>,
    write: impl FnOnce(Vec<N>) -> ApiResult<Outcomes<T>>,
) -> ApiResult<Outcomes<T>> {
    let mut right = Vec::new();
    let wanted = wanted.into_iter().map(|one| one.map(|one| right.push(one)));
    let checked: Vec<ApiResult<()>> = wanted.collect();
    let mut outcomes = write(right)?.into_iter();
    let outcomes = checked
        .into_iter()
        .map(|checked| checked.and_then(|()| next(&mut outcomes)));
    Ok(outcomes.collect())
}

/// What became of each row, under its key.
pub type Answered<T> = Vec<(String, ApiResult<Outcome<T>>)>;

/// The result of each row, in their order: of a row that asked for a change, by the member at its pointer, the `outcome` of the
/// next such change; of another row, its error.
pub fn answered<T>(
    rows: Vec<(String, ApiResult<&str>)>,
    mut outcome: impl FnMut(&str) -> ApiResult<Outcome<T>>,
) -> Answered<T> {
    let answered = rows.into_iter().map(|(key, pointer)| {
        let outcome = pointer.and_then(|pointer| outcome(pointer).map_err(|error| error.below(pointer)));
        (key, outcome)
    });
    answered.collect()
}

/// The result of a row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BulkResult<T> {
    /// The caller's name for the row.
    pub row_key: String,
    /// What the row alone would have been answered with.
    pub status: u16,
    /// The thing as it is now, if the row was right and did not remove it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<T>,
    /// What was wrong with the row, and nothing of it was written; pointers begin at the row. Faults may be left out where very
    /// many are wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// The most faults that one answer tells of all rows together; of each row that was refused one in any case.
const MOST_TOLD: usize = 2_000;

/// How every row went, in the order of the request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BulkAnswer<T> {
    /// One for each row.
    pub results: Vec<BulkResult<T>>,
}

impl<T> BulkAnswer<T> {
    /// The answer, from what became of each row. An error that is not the row's own fault is the whole request's.
    pub fn new(rows: Answered<T>) -> ApiResult<Self> {
        let refused = rows.iter().filter(|(_, outcome)| outcome.is_err()).count();
        let mut room = MOST_TOLD.saturating_sub(refused);
        let results = rows.into_iter().map(|(row_key, outcome)| match outcome {
            Ok(outcome) => Ok(BulkResult {
                row_key,
                status: outcome.status().as_u16(),
                resource: outcome.into_thing(),
                problem: None,
            }),
            Err(error) => {
                let error = error.first(1 + room);
                room -= error.fields.len().saturating_sub(1);
                refused_row(row_key, error)
            }
        });
        Ok(BulkAnswer {
            results: results.collect::<ApiResult<_>>()?,
        })
    }
}

fn refused_row<T>(row_key: String, error: ApiError) -> ApiResult<BulkResult<T>> {
    if matches!(error.code, Code::Internal | Code::Unavailable) {
        return Err(error);
    }
    Ok(BulkResult {
        row_key,
        status: error.code.status().as_u16(),
        resource: None,
        problem: Some(error.to_problem(request::current_id())),
    })
}

impl<T: ToSchema> utoipa::__dev::ComposeSchema for BulkAnswer<T> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        let result = ObjectBuilder::new()
            .description(Some("The result of a row."))
            .property("row_key", described::<String>("The caller's name for the row."))
            .property(
                "status",
                ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::Integer)
                    .minimum(Some(200))
                    .maximum(Some(499))
                    .description(Some(
                        "The status that a single request would have had: 201 for a new resource, 200, 204 for a removal, or the problem's status.",
                    )),
            )
            .property("resource", Ref::from_schema_name(T::name()))
            .property("problem", Ref::from_schema_name("Problem"))
            .required("row_key")
            .required("status");
        ObjectBuilder::new()
            .description(Some(
                "The result of every row, in the order of the request: each has `resource` or `problem`, or neither if it removed something. Each refused row names its first fault; about 2,000 further faults are named in all, and a problem's `detail` says where more were left out.",
            ))
            .property("results", ArrayBuilder::new().items(result))
            .required("results")
            .into()
    }
}

fn described<T: PartialSchema>(description: &str) -> RefOr<Schema> {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => {
            let mut object = object;
            object.description = Some(description.into());
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

impl<T: ToSchema> ToSchema for BulkAnswer<T> {
    fn name() -> Cow<'static, str> {
        "BulkAnswer".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}
