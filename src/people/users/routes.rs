//! `/v1/users`.

use super::{
    access::routes as user_access,
    bulk, credentials, history, identities,
    model::{CreateUser, UpdateUser, User},
    password, sessions, store, write,
};
use crate::{
    access::{self, Permission},
    app::Call,
    http::{ApiResult, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
    people::external_keys,
};
use actix_web::{get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/users")
            .service(list_users)
            .service(create_user)
            .service(get_user)
            .service(update_user)
            .service(bulk::bulk_write_users)
            .service(password::set_user_password)
            .service(credentials::invitations::create_user_invitation)
            .service(history::routes::list_user_history)
            .service(user_access::get_user_access)
            .service(user_access::explain_user_access)
            .configure(sessions::configure)
            .configure(identities::routes::configure)
            .configure(external_keys::routes::users::configure),
    );
}

/// List people.
///
/// Those whom the caller may see.
#[utoipa::path(tag = "users", params(ListQuery), responses((status = 200, body = Page<User>)),
    extensions(("x-permission" = json!("users.read"))))]
#[get("")]
async fn list_users(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Add a person.
#[utoipa::path(tag = "users", request_body = CreateUser, responses((status = 201, body = User)),
    extensions(("x-permission" = json!("users.write"))))]
#[post("")]
async fn create_user(call: Call, body: Valid<CreateUser>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let user = write::create(tx, body.0.clone())?;
        Reply::created(&user, format!("/v1/users/{}", user.id))
    })
    .await
}

/// Read a person.
#[utoipa::path(tag = "users", params(("user_id" = String, Path)), responses((status = 200, body = User)),
    extensions(("x-permission" = json!("users.read"))))]
#[get("/{user_id}")]
async fn get_user(call: Call, id: Path<Ref<User>>, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| Reply::unless_known(&access::read(tx, &id)?, &known))
        .await
}

/// Change a person.
#[utoipa::path(tag = "users", params(("user_id" = String, Path)), request_body = UpdateUser,
    responses((status = 200, body = User)), extensions(("x-permission" = json!("users.write"))))]
#[patch("/{user_id}")]
async fn update_user(
    call: Call,
    id: Path<Ref<User>>,
    known: IfMatch,
    body: Valid<UpdateUser>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = access::authorize(tx, &id, Permission::UsersWrite)?;
        known.check(&*before)?;
        let user = write::update(tx, before, body.0.clone())?;
        Reply::resource(&user)
    })
    .await
}
