//! `/v1/categories`.

use actix_web::{delete, get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    model::{Category, CreateCategory, UpdateCategory},
    store,
};
use crate::{
    access::{self, Permission},
    app::{Call, Tx},
    http::{
        ApiError, ApiResult, Code, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid,
        precondition::require_archived,
    },
    ledger::Event,
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/categories")
            .service(list_categories)
            .service(create_category)
            .service(archive_category)
            .service(restore_category)
            .service(get_category)
            .service(update_category),
    );
}

/// List categories.
///
/// Those that the caller may see, archived ones too: `filter=archived_at eq null` leaves those out. Restricted ones are
/// seen within the caller's scope, and by who sees a course in them.
#[utoipa::path(tag = "categories", params(ListQuery), responses((status = 200, body = Page<Category>)),
    extensions(("x-permission" = json!("courses.read")), ("x-scope" = json!("any"))))]
#[get("")]
async fn list_categories(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Add a category.
#[utoipa::path(tag = "categories", request_body = CreateCategory, responses((status = 201, body = Category)),
    extensions(("x-permission" = json!("courses.write"))))]
#[post("")]
async fn create_category(call: Call, body: Valid<CreateCategory>) -> ApiResult<Reply> {
    call.write(move |tx| {
        tx.require_everywhere(Permission::CoursesWrite)?;
        let category = store::insert(tx, Uuid::now_v7(), &body.0)?;
        tx.record(Event::new("category.created", "category", category.id).after(&category));
        Reply::created(&category, format!("/v1/categories/{}", category.id))
    })
    .await
}

/// Read a category.
#[utoipa::path(tag = "categories", params(("category_id" = String, Path)), responses((status = 200, body = Category)),
    extensions(("x-permission" = json!("courses.read")), ("x-scope" = json!("any"))))]
#[get("/{category_id}")]
async fn get_category(call: Call, id: Path<Ref<Category>>, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| Reply::unless_known(&access::read(tx, &id)?, &known))
        .await
}

/// Change a category.
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
    call.write(move |tx| {
        let before = access::authorize(tx, &id, Permission::CoursesWrite)?;
        known.check(&*before)?;
        if body
            .0
            .visibility
            .is_some_and(|visibility| visibility != before.visibility)
        {
            tx.require_everywhere(Permission::CoursesWrite)?;
        }
        let category = store::update(tx, &before, &body.0)?;
        changed(tx, "category.updated", &before, &category);
        Reply::resource(&category)
    })
    .await
}

/// Archive a category.
///
/// It takes no courses from then on. Refused while it still has any.
#[utoipa::path(tag = "categories", params(("category_id" = String, Path)), responses((status = 200, body = Category)),
    extensions(("x-permission" = json!("courses.write"))))]
#[post("/{category_id}/archival")]
async fn archive_category(call: Call, id: Path<Ref<Category>>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = access::authorize(tx, &id, Permission::CoursesWrite)?;
        if before.archived_at.is_some() {
            return Err(ApiError::new(Code::Conflict, "It is archived already."));
        }
        if store::has_courses(tx, &before)? {
            return Err(ApiError::new(
                Code::CategoryNotEmpty,
                "Move its courses to other categories first.",
            ));
        }
        let category = store::set_archived(tx, &before, Some(tx.now))?;
        changed(tx, "category.archived", &before, &category);
        Reply::resource(&category)
    })
    .await
}

/// Bring an archived category back.
#[utoipa::path(tag = "categories", params(("category_id" = String, Path)), responses((status = 200, body = Category)),
    extensions(("x-permission" = json!("courses.write"))))]
#[delete("/{category_id}/archival")]
async fn restore_category(call: Call, id: Path<Ref<Category>>, known: IfMatch) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = access::authorize(tx, &id, Permission::CoursesWrite)?;
        known.check(&*before)?;
        require_archived(before.archived_at)?;
        let category = store::set_archived(tx, &before, None)?;
        changed(tx, "category.restored", &before, &category);
        Reply::resource(&category)
    })
    .await
}

fn changed(tx: &mut Tx, action: &'static str, before: &Category, after: &Category) {
    tx.record(
        Event::new(action, "category", after.id)
            .before(before)
            .after(after),
    );
}
