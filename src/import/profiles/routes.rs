//! `/v1/import-profiles`.

use actix_web::{delete, get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    model::{CreateImportProfile, ImportProfile, ImportProfileVersion, ProfileRow, UpdateImportProfile},
    store,
};
use crate::{
    app::Call,
    authz::{self, Permission},
    http::{ApiResult, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/import-profiles")
            .service(list_import_profiles)
            .service(create_import_profile)
            .service(get_import_profile)
            .service(update_import_profile)
            .service(archive_import_profile)
            .service(list_import_profile_versions),
    );
}

/// List import profiles.
#[utoipa::path(tag = "imports", params(ListQuery), responses((status = 200, body = Page<ImportProfile>)),
    extensions(("x-permission" = json!("imports.read"))))]
#[get("")]
async fn list_import_profiles(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Create an import profile.
///
/// It says, as data, how files of one kind are read. Everything that is wrong with it is told at once.
#[utoipa::path(tag = "imports", request_body = CreateImportProfile, responses((status = 201, body = ImportProfile)),
    extensions(("x-permission" = json!("imports.write"))))]
#[post("")]
async fn create_import_profile(call: Call, body: Valid<CreateImportProfile>) -> ApiResult<Reply> {
    call.write(move |tx| {
        tx.require_everywhere(Permission::ImportsWrite)?;
        let profile = store::insert(tx, Uuid::now_v7(), &body.0)?;
        Reply::created(&profile, format!("/v1/import-profiles/{}", profile.id))
    })
    .await
}

/// Get an import profile.
#[utoipa::path(tag = "imports", params(("import_profile_id" = String, Path)),
    responses((status = 200, body = ImportProfile)), extensions(("x-permission" = json!("imports.read"))))]
#[get("/{import_profile_id}")]
async fn get_import_profile(call: Call, id: Path<Ref<ProfileRow>>, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| {
        let row = authz::read(tx, &id)?;
        Reply::unless_known(&store::whole(tx, row)?, &known)
    })
    .await
}

/// Update an import profile.
///
/// This makes a new version. Imports that were planned keep the version that they were planned with.
#[utoipa::path(tag = "imports", params(("import_profile_id" = String, Path)), request_body = UpdateImportProfile,
    responses((status = 200, body = ImportProfile)), extensions(("x-permission" = json!("imports.write"))))]
#[patch("/{import_profile_id}")]
async fn update_import_profile(
    call: Call,
    id: Path<Ref<ProfileRow>>,
    known: IfMatch,
    body: Valid<UpdateImportProfile>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let row = authz::authorize(tx, &id, Permission::ImportsWrite)?;
        known.check(&*row)?;
        Reply::resource(&store::update(tx, &row, &body.0)?)
    })
    .await
}

/// Archive an import profile.
///
/// It cannot be used any more; its versions and its imports stay.
#[utoipa::path(tag = "imports", params(("import_profile_id" = String, Path)), responses((status = 204)),
    extensions(("x-permission" = json!("imports.write"))))]
#[delete("/{import_profile_id}")]
async fn archive_import_profile(call: Call, id: Path<Ref<ProfileRow>>, known: IfMatch) -> ApiResult<Reply> {
    call.write(move |tx| {
        let row = authz::authorize(tx, &id, Permission::ImportsWrite)?;
        known.check(&*row)?;
        store::archive(tx, &row)?;
        Ok(Reply::no_content())
    })
    .await
}

/// List the versions of an import profile.
///
/// Each as it was written.
#[utoipa::path(tag = "imports", params(("import_profile_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<ImportProfileVersion>)), extensions(("x-permission" = json!("imports.read"))))]
#[get("/{import_profile_id}/versions")]
async fn list_import_profile_versions(
    call: Call,
    id: Path<Ref<ProfileRow>>,
    query: Query<ListQuery>,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let row = authz::read(tx, &id)?;
        Reply::page(&store::versions(tx, &row, &query.0)?)
    })
    .await
}
