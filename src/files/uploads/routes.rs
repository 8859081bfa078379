//! `/v1/uploads`.

use actix_web::{
    HttpRequest, delete, get,
    http::header,
    middleware::from_fn,
    patch, post, put,
    web::{self, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    model::{FileBytes, PutUpload, Upload, UploadState},
    receive, store,
    tus::{self, Checksum, Creation},
};
use crate::{
    app::Call,
    authz::Permission,
    files::Store,
    http::{ApiError, ApiResult, Code, ListQuery, Page, Query, Reply, request},
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/uploads")
            .wrap(from_fn(tus::speak))
            .service(list_uploads)
            .service(create_upload)
            .service(put_upload)
            .service(get_upload)
            .service(append_to_upload)
            .service(delete_upload),
    );
}

/// List uploads.
///
/// The caller's own uploads; with `contents.read` for everything all of them. Those that expired are not shown.
#[utoipa::path(tag = "uploads", params(ListQuery), responses((status = 200, body = Page<Upload>)),
    extensions(("x-permission" = json!("contents.read")), ("x-scope" = json!("any"))))]
#[get("")]
async fn list_uploads(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Begin an upload.
///
/// As tus 1.0 has it, with its extensions creation and creation-with-upload: the answer's `Location` takes the bytes. Every client
/// of tus can do this; send the access token with each request. A file that is too large, or does not fit into the
/// academy's storage, is refused here, before its first byte.
#[utoipa::path(tag = "uploads",
    params(
        ("Upload-Length" = u64, Header, description = "How many bytes the file has."),
        ("Upload-Metadata" = Option<String>, Header, description = "The file's name, as `filename` and its Base64; at most 4,096 characters."),
        ("Upload-Checksum" = Option<String>, Header, description = "The checksum of the body: `sha1` or `sha256`, a space, and its Base64."),
        ("Tus-Resumable" = Option<String>, Header, description = "`1.0.0`, the version of tus.")),
    request_body(content = inline(FileBytes), content_type = "application/offset+octet-stream", description = "The first bytes, or nothing."),
    responses((status = 201, body = Upload)),
    extensions(("x-permission" = json!("contents.write")), ("x-scope" = json!("any")), ("x-protocol" = json!("tus"))))]
#[post("")]
async fn create_upload(call: Call, request: HttpRequest, body: web::Payload) -> ApiResult<Reply> {
    require(&call).await?;
    let creation = tus::creation(&request)?;
    let checksum = Checksum::of(&request)?;
    let has_bytes = has_body(&request);
    if has_bytes {
        tus::check_type(&request)?;
    }
    request::take_long(&request);
    let mut upload = create(&call, creation.clone()).await?;
    if has_bytes || creation.bytes == 0 {
        upload = receive::receive(call, &upload, 0, body, checksum).await?;
    }
    created(&upload)
}

/// Upload a small file at once.
///
/// The body is the file. One that breaks off leaves nothing: for large files begin an upload, which can be resumed.
#[utoipa::path(tag = "uploads", params(PutUpload),
    request_body(content = inline(FileBytes), content_type = "application/octet-stream", description = "The file. What it is called by `Content-Type` is not believed."),
    responses((status = 201, body = Upload)),
    extensions(("x-permission" = json!("contents.write")), ("x-scope" = json!("any")), ("x-protocol" = json!("tus"))))]
#[put("")]
async fn put_upload(
    call: Call,
    query: Query<PutUpload>,
    request: HttpRequest,
    body: web::Payload,
) -> ApiResult<Reply> {
    require(&call).await?;
    let file_name =
        tus::tidy_name(&query.0.file_name).map_err(|why| ApiError::parameter("file_name", why))?;
    let bytes = length(&request)
        .ok_or_else(|| ApiError::new(Code::LengthRequired, "Send the file's length as Content-Length."))?;
    request::take_long(&request);
    let creation = Creation {
        bytes,
        file_name,
        metadata: None,
    };
    let upload = create(&call, creation).await?;
    let received = receive::receive(call.clone(), &upload, 0, body, None).await;
    let received = received.and_then(|received| match received.received == received.bytes {
        true => Ok(received),
        false => Err(ApiError::new(
            Code::MalformedRequest,
            "The body broke off; send the request again.",
        )),
    });
    match received {
        Ok(upload) => created(&upload),
        Err(error) => {
            delete(&call, upload.id).await?;
            Err(error)
        }
    }
}

/// Get an upload.
///
/// HEAD answers the same headers, as tus has it: `Upload-Offset` is where to go on, and `Upload-Metadata` is what was sent with it.
#[utoipa::path(tag = "uploads", params(("upload_id" = Uuid, Path)), responses((status = 200, body = Upload)),
    extensions(("x-permission" = json!("contents.read")), ("x-scope" = json!("any"))))]
#[get("/{upload_id}")]
async fn get_upload(call: Call, id: Path<Uuid>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let upload = store::find(tx, *id, Permission::ContentsRead)?;
        let reply = tus::with_headers(Reply::ok(&upload)?, &upload);
        Ok(tus::with_metadata(reply, store::metadata(tx, upload.id)?))
    })
    .await
}

/// Append bytes to an upload.
///
/// As tus 1.0 has it. What arrived counts, even if the request breaks off; with a checksum all of the body counts, or nothing (460).
/// The answer to the last bytes comes when the upload can be used.
#[utoipa::path(tag = "uploads",
    params(("upload_id" = Uuid, Path),
        ("Upload-Offset" = u64, Header, description = "Where the bytes begin: where the upload ends by now."),
        ("Upload-Checksum" = Option<String>, Header, description = "The checksum of the body: `sha1` or `sha256`, a space, and its Base64."),
        ("Tus-Resumable" = Option<String>, Header, description = "`1.0.0`, the version of tus.")),
    request_body(content = inline(FileBytes), content_type = "application/offset+octet-stream", description = "The next bytes, as many as the client likes."),
    responses((status = 204)),
    extensions(("x-permission" = json!("contents.write")), ("x-scope" = json!("any")), ("x-protocol" = json!("tus"))))]
#[patch("/{upload_id}")]
async fn append_to_upload(
    call: Call,
    id: Path<Uuid>,
    request: HttpRequest,
    body: web::Payload,
) -> ApiResult<Reply> {
    let upload = receive::find(call.clone(), *id).await?;
    tus::check_type(&request)?;
    let offset = tus::offset(&request)?;
    let checksum = Checksum::of(&request)?;
    if upload.state != UploadState::Receiving || i64::try_from(offset) != Ok(upload.received) {
        return Err(store::wrong_offset(&upload));
    }
    request::take_long(&request);
    let upload = receive::receive(call, &upload, offset, body, checksum).await?;
    Ok(tus::with_headers(Reply::no_content(), &upload))
}

/// Delete an upload.
///
/// Its bytes are gone, unless something was made of them. Content that was made of it stays.
#[utoipa::path(tag = "uploads", params(("upload_id" = Uuid, Path)), responses((status = 204)),
    extensions(("x-permission" = json!("contents.write")), ("x-scope" = json!("any")), ("x-protocol" = json!("tus"))))]
#[delete("/{upload_id}")]
async fn delete_upload(call: Call, id: Path<Uuid>) -> ApiResult<Reply> {
    delete(&call, *id).await?;
    Ok(Reply::no_content())
}

fn created(upload: &Upload) -> ApiResult<Reply> {
    let reply = Reply::created_part(upload)?.header("Location", format!("/v1/uploads/{}", upload.id));
    Ok(tus::with_headers(reply, upload))
}

async fn require(call: &Call) -> ApiResult<()> {
    let asked = call.clone().read(|tx| tx.require(Permission::ContentsWrite));
    asked.await
}

async fn create(call: &Call, new: Creation) -> ApiResult<Upload> {
    call.write_lasting(move |tx| store::create(tx, &new)).await
}

async fn delete(call: &Call, id: Uuid) -> ApiResult<()> {
    call.write_lasting(move |tx| store::delete(tx, id)).await?;
    let app = call.app.clone();
    // What this leaves behind the collector finds.
    web::block(move || app.part::<Store>().delete_pieces(id))
        .await
        .map_err(ApiError::internal)??;
    Ok(())
}

/// The length of the body, if the client says it.
fn length(request: &HttpRequest) -> Option<u64> {
    let value = request.headers().get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

fn has_body(request: &HttpRequest) -> bool {
    length(request).is_some_and(|bytes| bytes > 0)
        || request.headers().contains_key(header::TRANSFER_ENCODING)
}
