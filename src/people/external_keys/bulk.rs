//! `…/external-keys/bulk` of every resource that other systems name.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use super::{
    HasId,
    model::ExternalKey,
    write::{self, KeyChange},
};
use crate::{
    app::{Call, Tx},
    authz::{self, Authorized, Permission, Protected},
    http::{
        ApiError, ApiResult, Reply, Versioned,
        bulk::{Answered, BulkAnswer, BulkBody, Row, answered, check_version, next},
        rules::rule,
    },
};

/// An external key to add to an object (`add`) or to remove from it (`remove`).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = adds_or_removes, skip_on_field_errors = false))]
pub struct BulkExternalKeyRow {
    /// Your name for the row, unique in the request; its result comes under it.
    #[schema(min_length = 1, max_length = 200, format = "verbatim", example = "line 17")]
    pub row_key: String,
    /// The id of the object.
    pub id: Uuid,
    /// The version that you read; if it is not the current one, the row is refused with 412.
    #[schema(nullable = false)]
    pub version: Option<i64>,
    /// The key to add. If the object has it already, nothing changes.
    #[schema(nullable = false)]
    #[validate(nested)]
    pub add: Option<ExternalKey>,
    /// The key to remove.
    #[schema(nullable = false)]
    #[validate(nested)]
    pub remove: Option<ExternalKey>,
}

fn adds_or_removes(row: &BulkExternalKeyRow) -> Result<(), ValidationError> {
    match (&row.add, &row.remove) {
        (Some(_), None) | (None, Some(_)) => Ok(()),
        _ => rule("", "must have either add or remove"),
    }
}

/// Adds external keys to things of a kind and removes them, row by row.
pub async fn write<T: Protected + HasId + Versioned + 'static>(
    call: Call,
    permission: Permission,
    body: BulkBody,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let outcomes = write_rows::<T>(tx, permission, body.read())?;
        Reply::ok(&BulkAnswer::new(outcomes)?)
    })
    .await
}

fn write_rows<T: Protected + HasId + Versioned>(
    tx: &mut Tx,
    permission: Permission,
    rows: Vec<Row<BulkExternalKeyRow>>,
) -> ApiResult<Answered<ExternalKey>> {
    let bodies = rows.iter().filter_map(|row| row.body.as_ref().ok());
    let ids: Vec<Uuid> = bodies.map(|body| body.id).collect();
    let things = authz::authorize_all::<T>(tx, &ids, permission)?;
    let mut changes = Vec::new();
    let mut asked = Vec::new();
    for row in rows {
        let asked_for = row.body.and_then(|body| ask(body, &things));
        let pointer = asked_for.map(|(pointer, thing, change)| {
            changes.push((thing, change));
            pointer
        });
        asked.push((row.key, pointer));
    }
    let mut outcomes = write::apply(tx, &changes)?.into_iter();
    Ok(answered(asked, |_| next(&mut outcomes)))
}

type Asked<'a, T> = (&'static str, &'a Authorized<T>, KeyChange);

/// One requested key change: the place in the body, the object, the change.
fn ask<T: Protected + Versioned>(
    body: BulkExternalKeyRow,
    things: &HashMap<Uuid, ApiResult<Authorized<T>>>,
) -> ApiResult<Asked<'_, T>> {
    let thing = match things.get(&body.id) {
        Some(thing) => thing.as_ref().map_err(Clone::clone)?,
        None => return Err(ApiError::not_found(T::NAME)),
    };
    check_version(&**thing, body.version)?;
    match (body.add, body.remove) {
        (Some(key), _) => Ok(("/add", thing, KeyChange::Add(key))),
        (None, Some(key)) => Ok(("/remove", thing, KeyChange::Remove(key))),
        (None, None) => Err(ApiError::internal("a row passed its check and has neither form")),
    }
}
