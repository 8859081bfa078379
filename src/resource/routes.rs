//! What the endpoints of every resource do. A resource's own `routes` say where they are and what their docs are.

use actix_web::{Either, HttpResponse};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde_json::Value;

use super::{
    Change, Create, Expansion, Resource, Update,
    expand::Expand,
    list::{self, ExportQuery, ReadQuery, ResourceQuery},
    write,
};
use crate::{
    app::{Call, Tx},
    authz,
    http::{
        ApiResult, FieldError, IfMatch, IfNoneMatch, Page, Ref, Reply, Versioned,
        csv::{self, Style},
        export::{self, Accepted, ExportFormat, NDJSON},
        list::PagePlan,
    },
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

/// A page of what the caller may see, or all of it as CSV or NDJSON.
pub async fn list_or_export<T: Resource>(
    call: Call,
    query: ExportQuery,
    accepted: Accepted,
) -> ApiResult<Either<Reply, HttpResponse>> {
    let (format, style) = (
        accepted.or(query.format),
        Style {
            bom: query.bom.unwrap_or_default(),
        },
    );
    let query = ResourceQuery::from(query);
    match format {
        ExportFormat::Json => {
            let page = list::<T>(call, query).await?;
            Ok(Either::Left(page.header("Vary", "Accept")))
        }
        ExportFormat::Csv => Ok(Either::Right(as_csv::<T>(call, query, style).await?)),
        ExportFormat::Ndjson => Ok(Either::Right(as_ndjson::<T>(call, query).await?)),
    }
}

async fn as_csv<T: Resource>(call: Call, mut query: ResourceQuery, style: Style) -> ApiResult<HttpResponse> {
    if query.expand.take().is_some_and(|expand| !expand.is_empty()) {
        let detail = "is for JSON and NDJSON; CSV has columns of its own";
        query.faults.push(FieldError::new("?expand", detail));
    }
    let shown = T::CSV
        .iter()
        .filter_map(|(_, member)| Some(member.split_once('.')?.0));
    let shown: Vec<&str> = shown
        .filter(|name| T::EXPANSIONS.iter().any(|expansion| expansion.name == *name))
        .collect();
    query.expand = Some(shown.join(","));
    let cells = |row: &Value| {
        let members = T::CSV.iter().map(|(_, member)| {
            let value = member.split('.').fold(row, |value, name| &value[name]);
            match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }
        });
        members.collect()
    };
    let fetch = fetch::<T, Vec<String>>(call, query, cells);
    let header = T::CSV.iter().map(|(name, _)| *name).collect();
    csv::stream_cells(T::TABLE, style, header, fetch).await
}

async fn as_ndjson<T: Resource>(call: Call, query: ResourceQuery) -> ApiResult<HttpResponse> {
    let fetch = fetch::<T, Value>(call, query, Value::clone);
    let attachment = export::attachment(&format!("{}.ndjson", T::TABLE), NDJSON);
    export::stream(attachment, fetch, |rows, _| export::ndjson(rows)).await
}

/// Reads the pages of an export, beginning with the one after a cursor, with what `expand` asks for inside.
fn fetch<T: Resource, R: Send + 'static>(
    call: Call,
    query: ResourceQuery,
    show: fn(&Value) -> R,
) -> impl Fn(Option<String>) -> LocalBoxFuture<'static, ApiResult<Page<R>>> {
    move |cursor| {
        let mut query = query.clone();
        query.cursor = cursor.or(query.cursor);
        let expand = Expand::read(query.expand.as_deref(), T::EXPANSIONS, &mut query.faults);
        let page = call.clone().read(move |tx| {
            let page = list::page_of::<T>(tx, &query, PagePlan::batch)?;
            Ok(Page {
                data: expand.show(tx, &page.data)?.iter().map(show).collect(),
                next_cursor: page.next_cursor,
            })
        });
        Box::pin(page)
    }
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
    // What `expand` shows inside takes more statements.
    if query.expand.is_none()
        && let Some(row) = call.read_quickly(&id).await?
    {
        return Reply::unless_known(&row, &known);
    }
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
