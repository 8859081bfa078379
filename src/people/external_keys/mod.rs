//! Names that other systems use for users, org units, groups and courses.
//!
//! One table and one module for all kinds. A resource whose type is [`Protected`] with an `EXTERNAL` kind gets its
//! routes by [`external_key_routes!`](crate::external_key_routes!); mass writers use
//! [`store`].

pub mod bulk;
pub mod model;
pub mod routes;
pub mod store;
pub mod write;

use crate::{
    app::{Call, Tx},
    authz::{self, Authorized, Permission, Protected},
    http::{
        ApiError, ApiResult, IfMatch, Page, Ref, Reply, Versioned,
        bulk::{Outcome, first},
    },
    ledger::{Event, EventKind},
};
use model::ExternalKey;
use uuid::Uuid;
use write::KeyChange;

/// Answers the external keys of one thing.
pub async fn list<T: Protected + HasId + 'static>(call: Call, id: Ref<T>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let thing = authz::read(tx, &id)?;
        Reply::page(&Page {
            data: store::of(tx, kind::<T>()?, thing.id())?,
            next_cursor: None,
        })
    })
    .await
}

/// Adds an external key to one thing: 201, or 200 if it has it already.
pub async fn add<T: Protected + HasId + 'static>(
    call: Call,
    id: Ref<T>,
    permission: Permission,
    key: ExternalKey,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let thing = authz::authorize(tx, &id, permission)?;
        match change(tx, &thing, KeyChange::Add(key.clone()))? {
            Outcome::Created(key) => Reply::created_part(&key),
            Outcome::Present(_) | Outcome::Removed => Reply::ok(&key),
        }
    })
    .await
}

/// Removes an external key from one thing, whose ETag `If-Match` takes.
pub async fn remove<T: Protected + HasId + Versioned + 'static>(
    call: Call,
    id: Ref<T>,
    permission: Permission,
    known: IfMatch,
    key: ExternalKey,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let thing = authz::authorize(tx, &id, permission)?;
        known.check(&*thing)?;
        let is_storable = !key.source.contains('\0') && !key.key.contains('\0');
        if !is_storable {
            return Err(ApiError::not_found("external key"));
        }
        change(tx, &thing, KeyChange::Remove(key.clone()))?;
        Ok(Reply::no_content())
    })
    .await
}

fn change<T: Protected + HasId>(
    tx: &mut Tx,
    thing: &Authorized<T>,
    change: KeyChange,
) -> ApiResult<Outcome<ExternalKey>> {
    first(write::apply(tx, &[(thing, change)])?)
}

/// A thing that knows its id.
pub trait HasId {
    /// Its id.
    fn id(&self) -> Uuid;
}

fn kind<T: Protected>() -> ApiResult<&'static str> {
    T::EXTERNAL.ok_or_else(|| ApiError::internal(format!("no {} has external keys", T::NAME)))
}

/// The event is the thing's: its keys are part of it.
pub(super) fn record(tx: &mut Tx, kind: &EventKind, id: Uuid, say: impl FnOnce(Event) -> Event) {
    let event = say(Event::new(kind, id));
    tx.record(if kind.object_kind == "user" {
        event.about(id)
    } else {
        event
    });
}
