//! `POST /v1/users/bulk`.

use std::collections::{HashMap, HashSet};

use actix_web::post;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use super::{
    model::{CreateUser, UpdateUser, User},
    write::{self, Change, Written},
};
use crate::{
    access::{self, Authorized, Permission},
    app::{Call, Tx},
    http::{
        ApiError, ApiResult, Code, Reply, Valid,
        body::rule,
        bulk::{BulkAnswer, BulkBody, BulkRequest},
    },
};

/// A person to be added or changed: either `create`, or `id` with `update`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[validate(schema(function = creates_or_updates))]
pub struct BulkUserRow {
    /// Your name for the row, unique in the request; its result comes under it.
    #[schema(min_length = 1, max_length = 200, example = "line 17")]
    pub row_key: String,
    /// A person to be added.
    #[schema(nullable = false)]
    #[validate(nested)]
    pub create: Option<CreateUser>,
    /// The person to be changed.
    #[schema(nullable = false)]
    pub id: Option<Uuid>,
    /// The version that was read: if it is not the present one, the row is refused with 412.
    #[schema(nullable = false)]
    pub version: Option<i64>,
    /// Changes to them.
    #[schema(nullable = false)]
    #[validate(nested)]
    pub update: Option<UpdateUser>,
}

fn creates_or_updates(row: &BulkUserRow) -> Result<(), ValidationError> {
    match (&row.create, &row.id, &row.update, row.version) {
        (Some(_), None, None, None) | (None, Some(_), Some(_), _) => Ok(()),
        _ => Err(rule("", "must have either create alone, or id and update")),
    }
}

/// Add and change people in bulk.
///
/// Up to 1,000 rows in one transaction. A row that is wrong is answered with its problem and changes nothing; the
/// others are written. With an `Idempotency-Key` the whole request is safe to repeat.
#[utoipa::path(tag = "users", request_body = BulkRequest<BulkUserRow>,
    responses((status = 200, body = BulkAnswer<User>)), extensions(("x-permission" = json!("users.write"))))]
#[post("/bulk")]
pub(super) async fn bulk_write_users(call: Call, body: Valid<BulkBody>) -> ApiResult<Reply> {
    call.write(move |tx| {
        tx.require(Permission::UsersWrite)?;
        Reply::ok(&write_rows(tx, body.0.read())?)
    })
    .await
}

fn write_rows(tx: &mut Tx, rows: Vec<(String, ApiResult<BulkUserRow>)>) -> ApiResult<BulkAnswer<User>> {
    let ids: Vec<Uuid> = rows.iter().filter_map(|(_, row)| row.as_ref().ok()?.id).collect();
    let mut people = access::authorize_all::<User>(tx, &ids, Permission::UsersWrite)?;
    let seen: HashSet<Uuid> = ids.into_iter().collect();
    let mut keys = Vec::new();
    let mut changes = Vec::new();
    let mut refused = HashMap::new();
    for (key, row) in rows {
        match row.and_then(|row| change(row, &mut people, &seen)) {
            Ok((pointer, change)) => {
                keys.push((key, Some(pointer)));
                changes.push(change);
            }
            Err(error) => {
                refused.insert(key.clone(), error);
                keys.push((key, None));
            }
        }
    }
    let mut written = write::apply(tx, changes)?.into_iter();
    let mut outcomes = Vec::new();
    for (key, pointer) in keys {
        let outcome = match (pointer, refused.remove(&key)) {
            (_, Some(error)) => Err(error),
            (Some(pointer), None) => written
                .next()
                .unwrap_or_else(|| Err(ApiError::internal("a row has no result")))
                .map(|Written { user, is_new }| (user, is_new))
                .map_err(|error| below(error, pointer)),
            (None, None) => Err(ApiError::internal("a row has no result")),
        };
        outcomes.push((key, outcome));
    }
    BulkAnswer::new(outcomes)
}

type People = HashMap<Uuid, ApiResult<Authorized<User>>>;

/// What a row asks for, and where in it that stands.
fn change(row: BulkUserRow, people: &mut People, named: &HashSet<Uuid>) -> ApiResult<(&'static str, Change)> {
    if let Some(new) = row.create {
        return Ok(("/create", Change::Create(Box::new(new))));
    }
    let (Some(id), Some(changes)) = (row.id, row.update) else {
        return Err(ApiError::internal("a row passed its check and has neither form"));
    };
    let user = match people.remove(&id) {
        Some(user) => user?,
        None if named.contains(&id) => {
            return Err(ApiError::new(
                Code::Conflict,
                "Another row changes this person already; join the two.",
            ));
        }
        None => return Err(ApiError::not_found("user")),
    };
    if row.version.is_some_and(|version| version != user.version) {
        return Err(ApiError::new(
            Code::PreconditionFailed,
            format!("Read the person again: their version is {} now.", user.version),
        ));
    }
    Ok(("/update", Change::Update(Box::new((user, changes)))))
}

fn below(mut error: ApiError, pointer: &str) -> ApiError {
    for field in &mut error.fields {
        field.pointer.insert_str(0, pointer);
    }
    error
}
