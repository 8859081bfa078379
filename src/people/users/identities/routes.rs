//! `/v1/users/{user_id}/identities`.

use actix_web::{delete, get, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    model::{Identity, LinkIdentity},
    store,
};
use crate::{
    access::{inclusion, sessions},
    app::{Call, Tx},
    authz::{self, Permission},
    http::{ApiResult, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
    people::users::model::User,
};

/// The routes of this resource, below a person.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_user_identities)
        .service(link_user_identity)
        .service(get_user_identity)
        .service(unlink_user_identity);
}

/// List the identities of a user.
///
/// The user's accounts at the OpenID providers for sign-in.
#[utoipa::path(tag = "sso", params(("user_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<Identity>)), extensions(("x-permission" = json!("users.read"))))]
#[get("/{user_id}/identities")]
async fn list_user_identities(call: Call, id: Path<Ref<User>>, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let user = authz::read(tx, &id)?;
        Reply::page(&store::list(tx, user.id, &query.0)?)
    })
    .await
}

/// Link an identity to a user.
///
/// The account of that subject at that provider signs in as this user from then on. So the caller needs what setting
/// the password needs: every permission that the user was granted, in scopes that include the user's.
#[utoipa::path(tag = "sso", params(("user_id" = String, Path)), request_body = LinkIdentity,
    responses((status = 201, body = Identity)), extensions(("x-permission" = json!("users.write"))))]
#[post("/{user_id}/identities")]
async fn link_user_identity(call: Call, id: Path<Ref<User>>, body: Valid<LinkIdentity>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let user = authorize(tx, &id)?;
        let identity = store::link(tx, user, body.0.identity_provider_id, &body.0.subject)?;
        Reply::created(&identity, format!("/v1/users/{user}/identities/{}", identity.id))
    })
    .await
}

/// Get an identity of a user.
#[utoipa::path(tag = "sso", params(("user_id" = String, Path), ("identity_id" = Uuid, Path)),
    responses((status = 200, body = Identity)), extensions(("x-permission" = json!("users.read"))))]
#[get("/{user_id}/identities/{identity_id}")]
async fn get_user_identity(
    call: Call,
    path: Path<(Ref<User>, Uuid)>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let user = authz::read(tx, &path.0)?;
        Reply::unless_known(&store::find(tx, user.id, path.1)?, &known)
    })
    .await
}

/// Unlink an identity from a user.
///
/// The identity no longer signs in, and the user's sessions that began with its provider end.
#[utoipa::path(tag = "sso", params(("user_id" = String, Path), ("identity_id" = Uuid, Path)),
    responses((status = 204, description = "The identity is unlinked.")), extensions(("x-permission" = json!("users.write"))))]
#[delete("/{user_id}/identities/{identity_id}")]
async fn unlink_user_identity(call: Call, path: Path<(Ref<User>, Uuid)>, known: IfMatch) -> ApiResult<Reply> {
    call.write(move |tx| {
        let user = authorize(tx, &path.0)?;
        let identity = store::find(tx, user, path.1)?;
        known.check(&identity)?;
        store::unlink(tx, &identity)?;
        let (provider, subject) = (identity.identity_provider_id, identity.subject.as_str());
        sessions::end::at_provider(tx, provider, (Some(subject), None), tx.now)?;
        Ok(Reply::no_content())
    })
    .await
}

/// The person, if the caller might as well set their password.
fn authorize(tx: &mut Tx, id: &Ref<User>) -> ApiResult<Uuid> {
    let user = authz::authorize::<User>(tx, id, Permission::UsersWrite)?;
    inclusion::require_all_of(tx, user.id)?;
    Ok(user.id)
}
