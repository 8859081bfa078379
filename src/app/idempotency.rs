//! `Idempotency-Key`: the same key and request give the stored answer, another request 422.
//!
//! The record is written in the transaction that it is about. A second request with the same key waits on the
//! first one's row, so both see one outcome. Errors are not stored: nothing happened, and it may be tried again.
//! What is refused before its handler runs claims no key; that the key is another request's is told all the same, by
//! [`recall`].

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};

use super::Tx;
use crate::{
    db::schema::idempotency_keys,
    http::{ApiError, ApiResult, Code, Reply},
};

/// A client's key for a request, and what the request was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The client's key.
    pub key: String,
    /// A hash of path, query and body, and of what the caller's token is confined to.
    pub fingerprint: Vec<u8>,
}

/// The header of an answer that was given before.
pub const REPLAYED: &str = "idempotency-replayed";

type StoredAnswer = (Vec<u8>, Option<i16>, Option<serde_json::Value>, Option<Vec<u8>>);

/// Does `f` unless it was done under this key already.
pub fn once(tx: &mut Tx, key: &IdempotencyKey, f: impl Fn(&mut Tx) -> ApiResult<Reply>) -> ApiResult<Reply> {
    let principal = tx.caller.principal_id();
    let claimed = diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::principal_id.eq(principal),
            idempotency_keys::key.eq(&key.key),
            idempotency_keys::fingerprint.eq(&key.fingerprint),
            idempotency_keys::created_at.eq(tx.now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn)?;
    if claimed == 0 {
        return replay(stored(tx, key)?, key);
    }
    let reply = f(tx)?;
    diesel::update(idempotency_keys::table.find((principal, &key.key)))
        .set((
            idempotency_keys::status.eq(reply.status as i16),
            idempotency_keys::headers.eq(serde_json::to_value(&reply.headers).map_err(ApiError::internal)?),
            idempotency_keys::body.eq(reply.kept_body()),
        ))
        .execute(tx.conn)?;
    Ok(reply)
}

/// What a request that was refused before it was looked for under its key would have been answered there: nothing, if
/// the key is new; then the refusal stands.
pub fn recall(tx: &mut Tx, key: &IdempotencyKey) -> ApiResult<Option<Reply>> {
    match stored(tx, key)? {
        None => Ok(None),
        found => replay(found, key).map(Some),
    }
}

fn stored(tx: &mut Tx, key: &IdempotencyKey) -> ApiResult<Option<StoredAnswer>> {
    Ok(idempotency_keys::table
        .find((tx.caller.principal_id(), &key.key))
        .select((
            idempotency_keys::fingerprint,
            idempotency_keys::status,
            idempotency_keys::headers,
            idempotency_keys::body,
        ))
        .first::<StoredAnswer>(tx.conn)
        .optional()?)
}

fn replay(stored: Option<StoredAnswer>, key: &IdempotencyKey) -> ApiResult<Reply> {
    match stored {
        Some((fingerprint, Some(status), headers, body)) if fingerprint == key.fingerprint => {
            let headers = headers
                .map(serde_json::from_value)
                .transpose()
                .map_err(ApiError::internal)?;
            let reply = Reply::stored(
                status as u16,
                headers.unwrap_or_default(),
                body.unwrap_or_default(),
            );
            Ok(reply.header(REPLAYED, "true"))
        }
        Some((fingerprint, ..)) if fingerprint != key.fingerprint => Err(ApiError::new(
            Code::IdempotencyMismatch,
            "This Idempotency-Key came with another request before; use a new key for each new request.",
        )),
        _ => Err(ApiError::new(
            Code::RequestInProgress,
            "Wait a moment and send the same request again.",
        )),
    }
}
