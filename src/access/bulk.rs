//! Changes to things, each with its proof that the caller may make it: one from a path and a body, or up to a thousand
//! from the rows of a bulk request. A resource's `write` module takes them, one or many, by the same statements.

use std::collections::HashMap;

use serde::Serialize;
use uuid::Uuid;

use super::{Authorized, Permission, Protected, authorize_all};
use crate::{
    app::{Call, Tx},
    http::{
        ApiError, ApiResult, Code, Reply, Versioned,
        bulk::{
            Answered, BulkAnswer, BulkBody, ChangeRow, Outcomes, Row, RowChange, answered, check_version,
            first,
        },
    },
};

/// What is to become of a thing.
#[derive(Debug)]
pub enum Change<T, C, U> {
    /// It is added, with this id. Whether the caller may is for the writer to say.
    Create(Uuid, Box<C>),
    /// It is changed.
    Update(Box<(Authorized<T>, U)>),
}

impl<T, C, U> Change<T, C, U> {
    /// A thing is added.
    pub fn create(new: C) -> Self {
        Change::Create(Uuid::now_v7(), Box::new(new))
    }

    /// A thing is changed.
    pub fn update(thing: Authorized<T>, changes: U) -> Self {
        Change::Update(Box::new((thing, changes)))
    }
}

/// The change that rows of the type `R` ask for.
pub type RowsChange<T, R> = Change<T, <R as ChangeRow>::Create, <R as ChangeRow>::Update>;

/// Makes the changes that may be made, and says what became of each, in their order.
pub type Apply<T, R> = fn(&mut Tx, Vec<RowsChange<T, R>>) -> ApiResult<Outcomes<T>>;

/// What became of the one change that was asked for.
pub fn one<T>(outcomes: Outcomes<T>) -> ApiResult<T> {
    first(outcomes)?
        .into_thing()
        .ok_or_else(|| ApiError::internal("a change took its thing away"))
}

/// Answers a bulk request whose rows are of the type `R`, and are written by `apply`.
pub async fn respond<T, R>(
    call: Call,
    body: BulkBody,
    permission: Permission,
    apply: Apply<T, R>,
) -> ApiResult<Reply>
where
    T: Protected + Versioned + Serialize + 'static,
    R: ChangeRow<Create: 'static, Update: 'static>,
{
    call.write(move |tx| {
        let outcomes = write(tx, body.read::<R>(), permission, apply).map_err(|error| ApiError {
            // Somebody took a value between the look and the write: with another look the row can be told.
            is_retryable: error.is_retryable || error.code == Code::AlreadyExists,
            ..error
        })?;
        Reply::ok(&BulkAnswer::new(outcomes)?)
    })
    .await
}

/// Writes by `apply` what `rows` ask for, and answers what became of each under its key.
pub fn write<T: Protected + Versioned, R: ChangeRow>(
    tx: &mut Tx,
    rows: Vec<Row<R>>,
    permission: Permission,
    apply: Apply<T, R>,
) -> ApiResult<Answered<T>> {
    let bodies = rows.iter().filter_map(|row| row.body.as_ref().ok());
    let ids: Vec<Uuid> = bodies.filter_map(ChangeRow::id).collect();
    let mut things = authorize_all::<T>(tx, &ids, permission)?;
    let mut changes = Vec::new();
    let mut asked = Vec::new();
    for row in rows {
        let change = row.body.and_then(|body| change(row.new_id, body, &mut things));
        let pointer = change.map(|(pointer, change)| {
            changes.push(change);
            pointer
        });
        asked.push((row.key, pointer));
    }
    let outcomes = apply(tx, changes)?;
    Ok(answered(asked, outcomes))
}

/// Where in a row its change stands, and the change.
type Asked<T, R> = (&'static str, RowsChange<T, R>);

/// What a row asks for.
fn change<T: Protected + Versioned, R: ChangeRow>(
    new_id: Uuid,
    row: R,
    things: &mut HashMap<Uuid, ApiResult<Authorized<T>>>,
) -> ApiResult<Asked<T, R>> {
    match row.into_change() {
        Some(RowChange::Create(new)) => Ok(("/create", Change::Create(new_id, Box::new(new)))),
        Some(RowChange::Update { id, version, changes }) => {
            let thing = authorized(things, id, version)?;
            Ok(("/update", Change::update(thing, changes)))
        }
        None => Err(ApiError::internal("a row passed its check and has neither form")),
    }
}

fn authorized<T: Protected + Versioned>(
    things: &mut HashMap<Uuid, ApiResult<Authorized<T>>>,
    id: Uuid,
    version: Option<i64>,
) -> ApiResult<Authorized<T>> {
    let thing = things.remove(&id).ok_or_else(named_twice)??;
    check_version(&*thing, version)?;
    Ok(thing)
}

fn named_twice() -> ApiError {
    ApiError::new(Code::Conflict, "Another row changes this already; join the two.")
}
