//! `/v1/set-aside-events`.

use actix_web::{get, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{Consume, SetAsideEvent, store};
use crate::{
    app::{Call, Event},
    authz::{self, Permission},
    http::{ApiResult, ListQuery, Page, Query, Ref, Reply},
    ledger::events::SET_ASIDE_EVENT_RETRIED,
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/set-aside-events")
            .service(list_set_aside_events)
            .service(get_set_aside_event)
            .service(retry_set_aside_event),
    );
}

/// List set-aside events.
///
/// Consumers react to events, for example by issuing certificates. An event that a consumer fails to react to ten times is
/// set aside, so that later events go on.
#[utoipa::path(tag = "jobs", params(ListQuery), responses((status = 200, body = Page<SetAsideEvent>)),
    extensions(("x-permission" = json!("jobs.read"))))]
#[get("")]
async fn list_set_aside_events(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Get a set-aside event.
#[utoipa::path(tag = "jobs", params(("set_aside_event_id" = Uuid, Path)),
    responses((status = 200, body = SetAsideEvent)), extensions(("x-permission" = json!("jobs.read"))))]
#[get("/{set_aside_event_id}")]
async fn get_set_aside_event(call: Call, id: Path<Uuid>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::ok(&authz::read::<SetAsideEvent>(tx, &Ref::from(*id))?))
        .await
}

/// Retry a set-aside event.
///
/// A job hands it to its consumer again. It is gone from this list once that succeeds; otherwise `attempts` grows.
#[utoipa::path(tag = "jobs", params(("set_aside_event_id" = Uuid, Path)),
    responses((status = 200, body = SetAsideEvent)), extensions(("x-permission" = json!("jobs.write"))))]
#[post("/{set_aside_event_id}/retry")]
async fn retry_set_aside_event(call: Call, id: Path<Uuid>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let event = authz::authorize::<SetAsideEvent>(tx, &Ref::from(*id), Permission::JobsWrite)?;
        tx.enqueue(&Consume {
            consumer: event.consumer.clone(),
            set_aside: Some(event.id),
        })?;
        tx.record(Event::new(&SET_ASIDE_EVENT_RETRIED, event.id).after(&*event));
        Reply::ok(&*event)
    })
    .await
}
