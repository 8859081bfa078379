//! `POST …/bulk`: up to 1,000 rows that add things and change them, in one transaction. A resource declares its row by
//! [`bulk_row!`](crate::bulk_row!).

use std::collections::HashMap;

use uuid::Uuid;

use super::{Change, Create, Resource, Update, write::write};
use crate::{
    app::{Call, Tx},
    authz::{Authorized, authorize_all},
    http::{
        ApiError, ApiResult, Code, Reply,
        bulk::{Answered, BulkAnswer, BulkBody, ChangeRow, Row, RowChange, answered, check_version},
    },
};

/// What a row asks of a thing that is there: changes to it, or its end.
pub trait RowEdit<T: Resource> {
    /// What is to become of `thing`.
    fn of(self, thing: Authorized<T>) -> Change<T>;
}

impl<T: Resource> RowEdit<T> for Update<T> {
    fn of(self, thing: Authorized<T>) -> Change<T> {
        Change::Update(thing, self)
    }
}

/// Answers a bulk request whose rows are of the type `R`.
pub async fn respond<T, R>(call: Call, body: BulkBody) -> ApiResult<Reply>
where
    T: Resource,
    R: ChangeRow<Create = Create<T>, Update: RowEdit<T>>,
{
    call.write(move |tx| {
        T::lock(tx)?;
        let outcomes = write_rows::<T, R>(tx, body.read::<R>()).map_err(|error| ApiError {
            // Somebody took a value between the look and the write: with another look the row can be told.
            is_retryable: error.is_retryable || error.code == Code::AlreadyExists,
            ..error
        })?;
        Reply::ok(&BulkAnswer::new(outcomes)?)
    })
    .await
}

/// Writes what `rows` ask for, and answers what became of each under its key.
pub fn write_rows<T, R>(tx: &mut Tx, rows: Vec<Row<R>>) -> ApiResult<Answered<T>>
where
    T: Resource,
    R: ChangeRow<Create = Create<T>, Update: RowEdit<T>>,
{
    let bodies = rows.iter().filter_map(|row| row.body.as_ref().ok());
    let ids: Vec<Uuid> = bodies.filter_map(ChangeRow::id).collect();
    let mut things = authorize_all::<T>(tx, &ids, T::WRITE)?;
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
    let outcomes = write(tx, changes)?;
    Ok(answered(asked, outcomes))
}

/// Where in a row its change stands, and the change.
fn change<T: Resource, R: ChangeRow<Create = Create<T>, Update: RowEdit<T>>>(
    new_id: Uuid,
    row: R,
    things: &mut HashMap<Uuid, ApiResult<Authorized<T>>>,
) -> ApiResult<(&'static str, Change<T>)> {
    match row.into_change() {
        Some(RowChange::Create(new)) => Ok(("/create", Change::Create(new_id, Box::new(new)))),
        Some(RowChange::Update { id, version, changes }) => {
            let named_twice =
                || ApiError::new(Code::Conflict, "Another row changes this already; join the two.");
            let thing = things.remove(&id).ok_or_else(named_twice)??;
            check_version(&*thing, version)?;
            Ok((R::CHANGE, changes.of(thing)))
        }
        None => Err(ApiError::internal("a row passed its check and has neither form")),
    }
}
