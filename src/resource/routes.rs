//! What the endpoints of every resource do. A resource's own `routes` say where they are and what their docs are.

use serde::Serialize;

use super::{
    Change, Create, Expansion, Resource, Update,
    expand::Expand,
    list::{self, ReadQuery, ResourceQuery},
    write,
};
use crate::{
    app::{Call, Tx},
    authz,
    http::{ApiResult, IfMatch, IfNoneMatch, Page, Ref, Reply, Versioned},
};

/// A page of what the caller may see.
pub async fn list<T: Resource>(call: Call, query: impl Into<ResourceQuery>) -> ApiResult<Reply> {
    list_with(call, query, T::EXPANSIONS, list::page::<T>).await
}

/// A page that `read` finds, with what `expand` asks for inside. A wrong `expand` is told with the other parameters' faults.
pub async fn list_with<T: Serialize + 'static>(
    call: Call,
    query: impl Into<ResourceQuery>,
    known: &'static [Expansion],
    read: fn(&mut Tx, &ResourceQuery) -> ApiResult<Page<T>>,
) -> ApiResult<Reply> {
    let mut query = query.into();
    let expand = Expand::read(query.expand.as_deref(), known, &mut query.faults);
    call.read(move |tx| {
        let page = read(tx, &query)?;
        expand.reply(tx, page)
    })
    .await
}

/// Something with what `expand` asks for inside, unless the client has it. With something inside it has no ETag: that changes
/// by itself.
pub fn show<T: Serialize + Versioned>(
    tx: &mut Tx,
    row: T,
    known: &IfNoneMatch,
    expand: Option<&str>,
    expansions: &'static [Expansion],
) -> ApiResult<Reply> {
    let expand = Expand::parse(expand, expansions)?;
    if expand.is_empty() {
        return Reply::unless_known(&row, known);
    }
    Reply::ok(&expand.show(tx, &[row])?.pop())
}

/// Adds one.
pub async fn create<T: Resource>(call: Call, new: Create<T>) -> ApiResult<Reply> {
    call.write(move |tx| {
        T::lock(tx)?;
        let row = write::one(tx, Change::create(new.clone()))?;
        Reply::created(&row, format!("{}/{}", T::PATH, row.id()))
    })
    .await
}

/// One, unless the client has it.
pub async fn read<T: Resource>(
    call: Call,
    id: Ref<T>,
    query: ReadQuery,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let row = authz::read(tx, &id)?;
        show(tx, row, &known, query.expand.as_deref(), T::EXPANSIONS)
    })
    .await
}

/// Changes one.
pub async fn update<T: Resource>(
    call: Call,
    id: Ref<T>,
    known: IfMatch,
    changes: Update<T>,
) -> ApiResult<Reply> {
    change(call, id, Some(known), move |row| {
        Change::Update(row, changes.clone())
    })
    .await
}

/// Archives one.
pub async fn archive<T: Resource>(call: Call, id: Ref<T>) -> ApiResult<Reply> {
    change(call, id, None, Change::Archive).await
}

/// Brings one back.
pub async fn restore<T: Resource>(call: Call, id: Ref<T>, known: IfMatch) -> ApiResult<Reply> {
    change(call, id, Some(known), Change::Restore).await
}

async fn change<T: Resource>(
    call: Call,
    id: Ref<T>,
    known: Option<IfMatch>,
    make: impl Fn(authz::Authorized<T>) -> Change<T> + Send + 'static,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        T::lock(tx)?;
        let row = authz::authorize(tx, &id, T::WRITE)?;
        if let Some(known) = &known {
            known.check(&*row)?;
        }
        let row = write::one(tx, make(row))?;
        Reply::resource(&row)
    })
    .await
}
