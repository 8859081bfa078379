//! `POST …/bulk`: up to 1,000 rows that add things and change them, in one transaction. A resource declares its row by
//! [`bulk_row!`](crate::bulk_row!).

use std::collections::HashMap;

use uuid::Uuid;

use super::{Change, Create, Resource, Update, write::write};
use crate::{
    app::{Call, Tx},
    authz::{Authorized, authorize_all},
    http::{
        ApiError, ApiResult, Code, Reply, Versioned,
        bulk::{Answered, BulkAnswer, BulkBody, ChangeRow, Row, RowChange, answered, check_version, next},
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
            // The value was taken after the check: retry, so that the row gets its own error.
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
    let mut outcomes = write(tx, changes)?.into_iter();
    Ok(answered(asked, |_| next(&mut outcomes)))
}

/// Where in a row its change stands, and the change.
fn change<T: Resource, R: ChangeRow<Create = Create<T>, Update: RowEdit<T>>>(
    new_id: Uuid,
    row: R,
    things: &mut Things<T>,
) -> ApiResult<(&'static str, Change<T>)> {
    match row.into_change() {
        Some(RowChange::Create(new)) => Ok(("/create", Change::Create(new_id, Box::new(new)))),
        Some(RowChange::Update { id, version, changes }) => {
            let thing = take(things, id, version)?;
            Ok((R::CHANGE, changes.of(thing)))
        }
        None => Err(ApiError::internal("a row passed its check and has neither form")),
    }
}

/// The things that rows name by their ids and no row has taken yet.
pub type Things<T> = HashMap<Uuid, ApiResult<Authorized<T>>>;

/// Takes the thing that a row changes. A row that is refused leaves it to later rows.
pub fn take<T: Versioned>(
    things: &mut Things<T>,
    id: Uuid,
    version: Option<i64>,
) -> ApiResult<Authorized<T>> {
    match things.get(&id) {
        Some(Ok(thing)) => check_version(&**thing, version)?,
        Some(Err(error)) => return Err(error.clone()),
        None => {}
    }
    let named_twice = || {
        ApiError::new(
            Code::Conflict,
            "Another row of this request changes it already; join the two rows, or send this one afterwards.",
        )
    };
    things.remove(&id).ok_or_else(named_twice)?
}
