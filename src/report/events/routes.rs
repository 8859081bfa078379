//! `/v1/events`.

use actix_web::{
    Either, HttpResponse, get,
    http::header::{HeaderName, HeaderValue},
    web::Path,
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    EXPANSIONS,
    model::{Event, ListEvents},
    store,
};
use crate::{
    app::Call,
    authz::{self, Protected},
    http::{
        ApiError, ApiResult, Page, Query, Ref, Reply,
        csv::{self, Style},
        export::{self, Accepted, ExportFormat, NDJSON},
        list::PagePlan,
    },
    ledger::{self, SealedEvent},
    resource::{expand::Expand, list::ReadQuery},
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/events")
            .service(list_events)
            .service(get_event),
    );
}

/// The position that an export ends at.
pub const LEDGER_POSITION: HeaderName = HeaderName::from_static("provost-ledger-position");

/// List events.
///
/// Events come in the order of their positions, which have no gaps: a reader that keeps the last position and asks
/// for those `after` it misses none. Callers whose scope is not everything see the events about their people.
///
/// CSV for `Accept: text/csv` or `format=csv`, NDJSON for `Accept: application/x-ndjson` or `format=ndjson`: all events from
/// `cursor` on, up to the position that the header `Provost-Ledger-Position` names.
#[utoipa::path(tag = "events", params(ListEvents), responses((status = 200, description = "The events.",
    content((Page<Event> = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")),
    headers(("Provost-Ledger-Position" = i64, description = "Of CSV and NDJSON: the last position of the ledger when the export began. Events after it are left out.")))),
    extensions(("x-permission" = json!("events.read"))))]
#[get("")]
async fn list_events(
    call: Call,
    query: Query<ListEvents>,
    accepted: Accepted,
) -> ApiResult<Either<Reply, HttpResponse>> {
    let mut query = query.0;
    let format = accepted.or(query.format);
    let expand = Expand::read(query.expand.as_deref(), EXPANSIONS, &mut query.faults);
    if format == ExportFormat::Json {
        let page = call.read(move |tx| {
            let page = store::list(tx, &query, None, std::convert::identity)?;
            expand.reply(tx, page)
        });
        return Ok(Either::Left(page.await?.header("Vary", "Accept")));
    }
    if !expand.is_empty() {
        return Err(ApiError::parameter(
            "expand",
            "is for JSON; CSV and NDJSON name other objects by their ids",
        ));
    }
    let head = call.clone().read(|tx| {
        tx.require(SealedEvent::READ)?;
        Ok(ledger::head(tx.conn)?.position)
    });
    let (until, bom) = (head.await?, query.bom.unwrap_or_default());
    let fetch = move |cursor: Option<String>| {
        let mut query = query.clone();
        query.cursor = cursor.or(query.cursor);
        call.clone()
            .read(move |tx| store::list(tx, &query, Some(until), PagePlan::batch))
    };
    let mut export = match format {
        ExportFormat::Csv => csv::stream("events", Style { bom }, fetch).await?,
        _ => {
            let attachment = export::attachment("events.ndjson", NDJSON);
            export::stream(attachment, fetch, |rows, _| export::ndjson(rows)).await?
        }
    };
    export
        .headers_mut()
        .insert(LEDGER_POSITION, HeaderValue::from(until));
    Ok(Either::Right(export))
}

/// Get an event.
#[utoipa::path(tag = "events", params(("event_id" = Uuid, Path), ReadQuery), responses((status = 200, body = Event)),
    extensions(("x-permission" = json!("events.read"))))]
#[get("/{event_id}")]
async fn get_event(call: Call, id: Path<Uuid>, query: Query<ReadQuery>) -> ApiResult<Reply> {
    let expand = Expand::parse(query.0.expand.as_deref(), EXPANSIONS)?;
    call.read(move |tx| {
        let event = authz::read::<SealedEvent>(tx, &Ref::from(*id))?;
        Reply::ok(&expand.show(tx, &[Event::from(event)])?.pop())
    })
    .await
}
