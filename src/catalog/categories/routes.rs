//! `/v1/categories`.

use actix_web::{delete, get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{BulkCategoryRow, Category, CreateCategory, UpdateCategory};
use crate::{
    app::Call,
    http::{
        ApiResult, IfMatch, IfNoneMatch, Page, Query, Ref, Reply, Valid,
        bulk::{BulkAnswer, BulkBody, BulkRequest},
    },
    resource::{
        bulk,
        list::{ReadQuery, SearchQuery},
        routes,
    },
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/categories")
            .service(list_categories)
            .service(create_category)
            .service(bulk_write_categories)
            .service(archive_category)
            .service(restore_category)
            .service(get_category)
            .service(update_category),
    );
}

/// List categories.
///
/// What the caller may see, with archived units: `filter=archived_at eq null` leaves those out. Restricted ones are
/// seen within the caller's scope, and by who sees a course in them.
#[utoipa::path(tag = "categories", params(SearchQuery), responses((status = 200, body = Page<Category>)),
    extensions(("x-permission" = json!("courses.read")), ("x-scope" = json!("any"))))]
#[get("")]
async fn list_categories(call: Call, query: Query<SearchQuery>) -> ApiResult<Reply> {
    routes::list::<Category>(call, query.0).await
}

/// Create a category.
#[utoipa::path(tag = "categories", request_body = CreateCategory, responses((status = 201, body = Category)),
    extensions(("x-permission" = json!("courses.write"))))]
#[post("")]
async fn create_category(call: Call, body: Valid<CreateCategory>) -> ApiResult<Reply> {
    routes::create(call, body.0).await
}

/// Create and update categories in bulk.
///
/// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are written.
/// With an `Idempotency-Key` you can safely repeat the whole request.
#[utoipa::path(tag = "categories", request_body = BulkRequest<BulkCategoryRow>,
    responses((status = 200, body = BulkAnswer<Category>)), extensions(("x-permission" = json!("courses.write"))))]
#[post("/bulk")]
async fn bulk_write_categories(call: Call, body: BulkBody) -> ApiResult<Reply> {
    bulk::respond::<Category, BulkCategoryRow>(call, body).await
}

/// Get a category.
#[utoipa::path(tag = "categories", params(("category_id" = String, Path), ReadQuery),
    responses((status = 200, body = Category)),
    extensions(("x-permission" = json!("courses.read")), ("x-scope" = json!("any"))))]
#[get("/{category_id}")]
async fn get_category(
    call: Call,
    id: Path<Ref<Category>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    routes::read(call, id.into_inner(), query.0, known).await
}

/// Update a category.
///
/// Its `visibility` takes the permission in the scope of everything, since it says who else sees the category.
#[utoipa::path(tag = "categories", params(("category_id" = String, Path)), request_body = UpdateCategory,
    responses((status = 200, body = Category)), extensions(("x-permission" = json!("courses.write"))))]
#[patch("/{category_id}")]
async fn update_category(
    call: Call,
    id: Path<Ref<Category>>,
    known: IfMatch,
    body: Valid<UpdateCategory>,
) -> ApiResult<Reply> {
    routes::update(call, id.into_inner(), known, body.0).await
}

/// Archive a category.
///
/// It takes no courses from then on. Refused while it still has any.
#[utoipa::path(tag = "categories", params(("category_id" = String, Path)), responses((status = 200, body = Category)),
    extensions(("x-permission" = json!("courses.write"))))]
#[post("/{category_id}/archival")]
async fn archive_category(call: Call, id: Path<Ref<Category>>) -> ApiResult<Reply> {
    routes::archive(call, id.into_inner()).await
}

/// Restore a category.
#[utoipa::path(tag = "categories", params(("category_id" = String, Path)), responses((status = 200, body = Category)),
    extensions(("x-permission" = json!("courses.write"))))]
#[delete("/{category_id}/archival")]
async fn restore_category(call: Call, id: Path<Ref<Category>>, known: IfMatch) -> ApiResult<Reply> {
    routes::restore(call, id.into_inner(), known).await
}
