//! `/v1/users/{user_id}/sessions`: where a person is signed in, for themselves and for administrators.

use actix_web::{delete, get, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::model::User;
use crate::{
    access::sessions::{end, model::Session, store},
    app::Call,
    authz::{self, Permission},
    http::{ApiResult, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply},
};

/// The routes of this resource, below a person.
pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(list_user_sessions)
        .service(end_user_sessions)
        .service(get_user_session)
        .service(end_user_session);
}

/// List the sessions of a user.
///
/// Newest first, with the time, program and address of the sign-in. `filter=not (ended_at pr)` leaves out sessions that
/// were ended.
#[utoipa::path(tag = "users", params(("user_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<Session>)), extensions(("x-permission" = json!("sessions.read"))))]
#[get("/{user_id}/sessions")]
async fn list_user_sessions(call: Call, id: Path<Ref<User>>, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let user = authz::read_with(tx, &id, Permission::SessionsRead)?;
        Reply::page(&store::list(tx, user.id, &query.0)?)
    })
    .await
}

/// End the sessions of a user.
///
/// Ends all sessions, the caller's own included. Their tokens are refused from the next request on, on other processes
/// within a second. `If-Match` takes the user's ETag.
#[utoipa::path(tag = "users", params(("user_id" = String, Path)),
    responses((status = 204, description = "The user is signed out everywhere.")),
    extensions(("x-permission" = json!("sessions.write"))))]
#[delete("/{user_id}/sessions")]
async fn end_user_sessions(call: Call, id: Path<Ref<User>>, known: IfMatch) -> ApiResult<Reply> {
    call.write(move |tx| {
        let user = authz::authorize(tx, &id, Permission::SessionsWrite)?;
        known.check(&*user)?;
        end::all(tx, user.id, end::reason_of(tx, user.id))?;
        Ok(Reply::no_content())
    })
    .await
}

/// Get a session of a user.
#[utoipa::path(tag = "users", params(("user_id" = String, Path), ("session_id" = Uuid, Path)),
    responses((status = 200, body = Session)), extensions(("x-permission" = json!("sessions.read"))))]
#[get("/{user_id}/sessions/{session_id}")]
async fn get_user_session(call: Call, path: Path<(Ref<User>, Uuid)>, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| {
        let user = authz::read_with(tx, &path.0, Permission::SessionsRead)?;
        Reply::unless_known(&store::find(tx, user.id, path.1)?, &known)
    })
    .await
}

/// End a session of a user.
///
/// The session's tokens are refused from the next request on, on other processes within a second. The session stays on
/// record; ending it again changes nothing.
#[utoipa::path(tag = "users", params(("user_id" = String, Path), ("session_id" = Uuid, Path)),
    responses((status = 204, description = "The session has ended.")), extensions(("x-permission" = json!("sessions.write"))))]
#[delete("/{user_id}/sessions/{session_id}")]
async fn end_user_session(call: Call, path: Path<(Ref<User>, Uuid)>, known: IfMatch) -> ApiResult<Reply> {
    call.write(move |tx| {
        let user = authz::authorize(tx, &path.0, Permission::SessionsWrite)?;
        let session = store::find(tx, user.id, path.1)?;
        known.check(&session)?;
        end::one(tx, session.id, end::reason_of(tx, user.id))?;
        Ok(Reply::no_content())
    })
    .await
}
