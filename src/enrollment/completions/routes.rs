//! `/v1/completions`.

use actix_web::{get, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    correct,
    model::{BulkCompletionRow, Completion, CorrectCompletion, CreateCompletion},
    record, store,
};
use crate::{
    app::Call,
    authz::{self, Permission},
    enrollment::{EXPANSIONS, bulk},
    http::{
        ApiResult, IfNoneMatch, Page, Query, Ref, Reply, Valid,
        bulk::{BulkAnswer, BulkBody, BulkRequest, Outcome, first, only},
    },
    resource::{
        list::{ReadQuery, ResourceQuery},
        routes::{list_with, show},
    },
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/completions")
            .service(list_completions)
            .service(create_completion)
            .service(bulk_write_completions)
            .service(get_completion)
            .service(correct_completion),
    );
}

/// List completions.
///
/// Those that count: `filter=not (superseded_by_id pr)`.
#[utoipa::path(tag = "completions", params(ResourceQuery), responses((status = 200, body = Page<Completion>)),
    extensions(("x-permission" = json!("completions.read"))))]
#[get("")]
async fn list_completions(call: Call, query: Query<ResourceQuery>) -> ApiResult<Reply> {
    list_with(call, query.0, EXPANSIONS, |tx, query| {
        store::list(tx, &query.list())
    })
    .await
}

/// Record a completion.
///
/// Completes the live enrollment and satisfies the open requirement, if there are any. One that counts no more (its
/// `valid_until` is past) is kept as evidence and changes neither.
///
/// A second completion of the same person, course, `occurred_at` and `source` is the same one: the answer is 200 with the
/// one that is there, and nothing changes. If `score` or `evidence` are given and differ, the answer is 409; correct the
/// completion instead. Without `occurred_at` each request is a completion of its own; send an `Idempotency-Key`.
#[utoipa::path(tag = "completions", request_body = CreateCompletion,
    responses((status = 201, body = Completion), (status = 200, description = "It is recorded already.", body = Completion)),
    extensions(("x-permission" = json!("completions.write"))))]
#[post("")]
async fn create_completion(call: Call, body: Valid<CreateCompletion>) -> ApiResult<Reply> {
    call.write(
        move |tx| match first(record::create(tx, vec![body.0.clone()])?)? {
            Outcome::Created(completion) => {
                Reply::created(&completion, format!("/v1/completions/{}", completion.id))
            }
            present => Reply::resource(&only(vec![Ok(present)])?),
        },
    )
    .await
}

/// Record and correct completions in bulk.
///
/// Up to 1,000 rows in one transaction. A row that is wrong is answered with its problem and changes nothing; the
/// others are written: corrections first, then new completions, then what all of them satisfy. A row that repeats a
/// known completion, or an earlier row, is answered 200 with that one. With an `Idempotency-Key` you can safely repeat
/// the whole request.
#[utoipa::path(tag = "completions", request_body = BulkRequest<BulkCompletionRow>,
    responses((status = 200, body = BulkAnswer<Completion>)),
    extensions(("x-permission" = json!("completions.write"))))]
#[post("/bulk")]
async fn bulk_write_completions(call: Call, body: BulkBody) -> ApiResult<Reply> {
    let permission = Permission::CompletionsWrite;
    bulk::respond::<BulkCompletionRow, _, _>(call, body, permission, record::create, correct::correct).await
}

/// Get a completion.
#[utoipa::path(tag = "completions", params(("completion_id" = String, Path), ReadQuery),
    responses((status = 200, body = Completion)), extensions(("x-permission" = json!("completions.read"))))]
#[get("/{completion_id}")]
async fn get_completion(
    call: Call,
    id: Path<Ref<Completion>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let completion = authz::read(tx, &id)?;
        show(tx, completion, &known, query.0.expand.as_deref(), EXPANSIONS)
    })
    .await
}

/// Correct a completion.
///
/// The old one stays as it is and counts no more; requirements that it satisfied stand on the correction. With `occurred_at`,
/// the day of the completion is read in the person's present time zone; otherwise it stays.
#[utoipa::path(tag = "completions", params(("completion_id" = String, Path)), request_body = CorrectCompletion,
    responses((status = 201, body = Completion)), extensions(("x-permission" = json!("completions.write"))))]
#[post("/{completion_id}/corrections")]
async fn correct_completion(
    call: Call,
    id: Path<Ref<Completion>>,
    body: Valid<CorrectCompletion>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let old = authz::authorize(tx, &id, Permission::CompletionsWrite)?;
        let correction = only(correct::correct(tx, vec![(old, body.0.clone())])?)?;
        Reply::created(&correction, format!("/v1/completions/{}", correction.id))
    })
    .await
}
