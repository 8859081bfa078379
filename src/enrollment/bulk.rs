//! `POST …/bulk` of facts. The functions that serve single requests write the rows. Changes come before new facts, so that a
//! request may withdraw an enrollment and enroll the user again.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    access::{Authorized, Permission, Protected, authorize_all},
    app::{Call, Tx},
    http::{
        ApiError, ApiResult, Code, Reply, Versioned,
        bulk::{BulkAnswer, BulkBody, ChangeRow, Outcomes, RowChange, check_version, next},
    },
};
use serde::Serialize;

/// Writes any number of changes, each by itself or not at all.
type Writer<N, A> = fn(&mut Tx, Vec<N>) -> ApiResult<Outcomes<A>>;

/// Answers a bulk request about facts of the type `T`, shown as `A`.
pub async fn respond<R, T, A>(
    call: Call,
    body: BulkBody,
    permission: Permission,
    create: Writer<R::Create, A>,
    change: Writer<(Authorized<T>, R::Update), A>,
) -> ApiResult<Reply>
where
    R: ChangeRow,
    T: Protected + Versioned + 'static,
    A: Serialize + 'static,
{
    call.write(move |tx| {
        let rows = body.read::<R>();
        let bodies = rows.iter().filter_map(|row| row.body.as_ref().ok());
        let ids: Vec<Uuid> = bodies.filter_map(ChangeRow::id).collect();
        let mut facts = authorize_all::<T>(tx, &ids, permission)?;
        let (mut created, mut changed, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let pointer = row.body.and_then(|body| match body.into_change() {
                Some(RowChange::Create(new)) => {
                    created.push(new);
                    Ok("/create")
                }
                Some(RowChange::Update { id, version, changes }) => {
                    changed.push((take(&mut facts, id, version)?, changes));
                    Ok(R::CHANGE)
                }
                None => Err(ApiError::internal("a row passed its check and has neither form")),
            });
            asked.push((row.key, pointer));
        }
        let mut changed = change(tx, changed)?.into_iter();
        let mut created = create(tx, created)?.into_iter();
        let answered = asked.into_iter().map(|(key, pointer)| {
            let outcome = pointer.and_then(|pointer| match pointer {
                "/create" => next(&mut created).map_err(|error| error.below(pointer)),
                _ => next(&mut changed).map_err(|error| error.below(pointer)),
            });
            (key, outcome)
        });
        Reply::ok(&BulkAnswer::new(answered.collect())?)
    })
    .await
}

fn take<T: Protected + Versioned>(
    facts: &mut HashMap<Uuid, ApiResult<Authorized<T>>>,
    id: Uuid,
    version: Option<i64>,
) -> ApiResult<Authorized<T>> {
    let named_twice = || {
        ApiError::new(
            Code::Conflict,
            "Another row changes this already; send it by itself.",
        )
    };
    let fact = facts.remove(&id).ok_or_else(named_twice)??;
    check_version(&*fact, version)?;
    Ok(fact)
}
