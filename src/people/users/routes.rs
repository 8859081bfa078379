//! `/v1/users`.

use actix_web::{get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    access::routes as user_access,
    credentials, history, identities,
    model::{BulkUserRow, CreateUser, UpdateUser, User},
    password, sessions,
};
use crate::{
    app::Call,
    http::{
        ApiResult, IfMatch, IfNoneMatch, Page, Query, Ref, Reply, Valid,
        bulk::{BulkAnswer, BulkBody, BulkRequest},
    },
    people::external_keys,
    resource::{
        bulk,
        list::{ReadQuery, SearchQuery},
        routes,
    },
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/users")
            .service(list_users)
            .service(create_user)
            .service(get_user)
            .service(update_user)
            .service(bulk_write_users)
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

/// List users.
///
/// Users that the caller may see.
#[utoipa::path(tag = "users", params(SearchQuery), responses((status = 200, body = Page<User>)),
    extensions(("x-permission" = json!("users.read"))))]
#[get("")]
async fn list_users(call: Call, query: Query<SearchQuery>) -> ApiResult<Reply> {
    routes::list::<User>(call, query.0).await
}

/// Create a user.
#[utoipa::path(tag = "users", request_body = CreateUser, responses((status = 201, body = User)),
    extensions(("x-permission" = json!("users.write"))))]
#[post("")]
async fn create_user(call: Call, body: Valid<CreateUser>) -> ApiResult<Reply> {
    routes::create(call, body.0).await
}

/// Create and update users in bulk.
///
/// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
/// With an `Idempotency-Key` you can safely repeat the whole request.
#[utoipa::path(tag = "users", request_body = BulkRequest<BulkUserRow>,
    responses((status = 200, body = BulkAnswer<User>)), extensions(("x-permission" = json!("users.write"))))]
#[post("/bulk")]
async fn bulk_write_users(call: Call, body: BulkBody) -> ApiResult<Reply> {
    bulk::respond::<User, BulkUserRow>(call, body).await
}

/// Get a user.
#[utoipa::path(tag = "users", params(("user_id" = String, Path), ReadQuery), responses((status = 200, body = User)),
    extensions(("x-permission" = json!("users.read"))))]
#[get("/{user_id}")]
async fn get_user(
    call: Call,
    id: Path<Ref<User>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    routes::read(call, id.into_inner(), query.0, known).await
}

/// Update a user.
#[utoipa::path(tag = "users", params(("user_id" = String, Path)), request_body = UpdateUser,
    responses((status = 200, body = User)), extensions(("x-permission" = json!("users.write"))))]
#[patch("/{user_id}")]
async fn update_user(
    call: Call,
    id: Path<Ref<User>>,
    known: IfMatch,
    body: Valid<UpdateUser>,
) -> ApiResult<Reply> {
    routes::update(call, id.into_inner(), known, body.0).await
}
