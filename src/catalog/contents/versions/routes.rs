//! `/v1/contents/{content_id}/versions`.

use actix_web::{delete, get, post, web::Path};

use super::{
    add::{self, Added},
    model::{ContentVersionDetails, ContentVersionSummary, CreateContentVersion},
    prepare::prepare,
    store,
};
use crate::{
    app::{Call, Tx},
    authz::{self, Permission},
    catalog::contents::{body::ContentBody, model::Content},
    files::{Download, download},
    http::{ApiError, ApiResult, Code, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
    operations::{self, Operation},
};

/// Add a version to a content.
///
/// Of a file, video or package from an upload of the caller's own, of a page from its text, of a link from its address. It
/// becomes the content's current version; courses that use an earlier one keep that, and their drafts tell that there is a
/// newer one. A package is read first: the answer is 202 with an operation, whose result names the version; if the package
/// cannot be used, the operation fails with `package_refused`.
#[utoipa::path(tag = "contents", params(("content_id" = String, Path)), request_body = CreateContentVersion,
    responses((status = 201, body = ContentVersionDetails), (status = 202, body = Operation)),
    extensions(("x-permission" = json!("contents.write"))))]
#[post("/{content_id}/versions")]
pub async fn create_content_version(
    call: Call,
    id: Path<Ref<Content>>,
    body: Valid<CreateContentVersion>,
) -> ApiResult<Reply> {
    let new = body.0;
    let asked = new.clone();
    let prepared = call.clone().read(move |tx| prepare(tx, &asked)).await?;
    call.write(move |tx| {
        let content = authz::authorize(tx, &id, Permission::ContentsWrite)?;
        match add::add(tx, &content, &new, &prepared)? {
            Added::Ready(version) => {
                let location = format!("/v1/contents/{}/versions/{}", content.id, version.number);
                let tracks = store::tracks(tx, version.id)?;
                Reply::created(
                    &ContentVersionDetails {
                        version: *version,
                        tracks,
                    },
                    location,
                )
            }
            Added::Importing(operation) => operations::accepted(&operation),
        }
    })
    .await
}

/// List the versions of a content.
#[utoipa::path(tag = "contents", params(("content_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<ContentVersionSummary>)), extensions(("x-permission" = json!("contents.read"))))]
#[get("/{content_id}/versions")]
pub async fn list_content_versions(
    call: Call,
    id: Path<Ref<Content>>,
    query: Query<ListQuery>,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let content = authz::read(tx, &id)?;
        Reply::page(&store::list(tx, content.id, &query.0)?)
    })
    .await
}

/// Get a content version.
///
/// With what it shows and what was found wrong with it.
#[utoipa::path(tag = "contents", params(("content_id" = String, Path), ("content_version_number" = i32, Path, minimum = 1)),
    responses((status = 200, body = ContentVersionDetails)), extensions(("x-permission" = json!("contents.read"))))]
#[get("/{content_id}/versions/{content_version_number}")]
pub async fn get_content_version(
    call: Call,
    path: Path<(Ref<Content>, i32)>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    let (id, number) = path.into_inner();
    call.read(move |tx| Reply::unless_known(&details(tx, &id, number)?, &known))
        .await
}

fn details(tx: &mut Tx, id: &Ref<Content>, number: i32) -> ApiResult<ContentVersionDetails> {
    let content = authz::read(tx, id)?;
    let version = store::find(tx, content.id, number)?.ok_or_else(|| ApiError::not_found("version"))?;
    let tracks = store::tracks(tx, version.id)?;
    Ok(ContentVersionDetails { version, tracks })
}

/// Delete a content version.
///
/// Refused while a course uses it, in its working copy, a published version or an open candidate (409 `content_in_use` names the
/// courses): what learners took is kept. What it showed is gone, the bytes of its file within two days; its number and who made
/// it stay. If it was the current version, the last of the others is.
#[utoipa::path(tag = "contents", params(("content_id" = String, Path), ("content_version_number" = i32, Path, minimum = 1)),
    responses((status = 204)), extensions(("x-permission" = json!("contents.write"))))]
#[delete("/{content_id}/versions/{content_version_number}")]
pub async fn delete_content_version(
    call: Call,
    path: Path<(Ref<Content>, i32)>,
    known: IfMatch,
) -> ApiResult<Reply> {
    let (id, number) = path.into_inner();
    call.write(move |tx| {
        let content = authz::authorize(tx, &id, Permission::ContentsWrite)?;
        let version = store::find(tx, content.id, number)?.ok_or_else(|| ApiError::not_found("version"))?;
        known.check(&version)?;
        store::delete(tx, content, &version)?;
        Ok(Reply::no_content())
    })
    .await
}

/// Get an address to download the file of a content version.
///
/// Of a file, video or package: the file as it was uploaded. The address takes no token and works for an hour. It answers
/// ranges; browsers show PDF, images, audio, video and plain text, and save all else.
#[utoipa::path(tag = "contents", params(("content_id" = String, Path), ("content_version_number" = i32, Path, minimum = 1)),
    responses((status = 201, body = Download)), extensions(("x-permission" = json!("contents.read"))))]
#[post("/{content_id}/versions/{content_version_number}/downloads")]
pub async fn create_content_download(call: Call, path: Path<(Ref<Content>, i32)>) -> ApiResult<Reply> {
    let (id, number) = path.into_inner();
    call.write(move |tx| {
        let version = details(tx, &id, number)?.version;
        let (Some(sha256), Some(file_name)) = (version.sha256, &version.file_name) else {
            return Err(ApiError::new(
                Code::Conflict,
                "This version has no file: pages and links stand in its `body`.",
            ));
        };
        let media_type = match &version.body {
            Some(ContentBody::File { media_type, .. } | ContentBody::Video { media_type, .. }) => {
                media_type.as_str()
            }
            _ => "application/zip",
        };
        Reply::created_part(&download(tx, version.id, &sha256, file_name, media_type, true)?)
    })
    .await
}
