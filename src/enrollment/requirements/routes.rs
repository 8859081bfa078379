//! `/v1/requirements`.

use actix_web::{delete, get, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    assign,
    model::{
        BulkRequirementRow, CreateRequirement, ListRequirements, RemoveRequirementReason, Requirement,
        RequirementWithReasons,
    },
    store,
};
use crate::{
    app::{Call, Tx},
    authz::{self, Permission},
    enrollment::{
        TARGET_EXPANSIONS, bulk,
        rules::comparison::{self, ApplyComparison},
    },
    http::{
        ApiError, ApiResult, IfMatch, IfNoneMatch, Page, Query, Ref, Reply, Valid,
        bulk::{BulkAnswer, BulkBody, BulkRequest, only},
    },
    operations::{self, Operation},
    resource::{expand::Expand, list::ReadQuery, routes::show},
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/requirements")
            .service(list_requirements)
            .service(create_requirement)
            .service(bulk_write_requirements)
            .service(compare_requirements)
            .service(apply_requirement_comparison)
            .service(get_requirement)
            .service(delete_requirement_reason),
    );
}

/// List requirements.
///
/// Requirements of one user: `filter=user_id eq "…"`. Overdue ones: `filter=status eq "overdue"`. With `as_of` and `known_at`
/// as they stood on a past day, and as that was known at an instant.
#[utoipa::path(tag = "requirements", params(ListRequirements), responses((status = 200, body = Page<Requirement>)),
    extensions(("x-permission" = json!("requirements.read"))))]
#[get("")]
async fn list_requirements(call: Call, query: Query<ListRequirements>) -> ApiResult<Reply> {
    let mut query = query.0;
    let expand = Expand::read(query.expand.as_deref(), TARGET_EXPANSIONS, &mut query.faults);
    call.read(move |tx| {
        let page = store::list(tx, &query)?;
        expand.reply(tx, page)
    })
    .await
}

/// Assign a requirement to a user.
///
/// If the user has a current requirement for the course, it gets another reason.
#[utoipa::path(tag = "requirements", request_body = CreateRequirement,
    responses((status = 201, body = RequirementWithReasons)),
    extensions(("x-permission" = json!("requirements.write"))))]
#[post("")]
async fn create_requirement(call: Call, body: Valid<CreateRequirement>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let requirement = only(assign::assign(tx, vec![body.0.clone()])?)?;
        let location = format!("/v1/requirements/{}", requirement.requirement.id);
        Reply::created(&requirement, location)
    })
    .await
}

/// Compare requirements with what the rules say.
///
/// Every change settles at once what follows from it, so nothing should differ; a worker looks once a week. The operation's result is
/// a `RequirementComparison`: what differs, what must hold of facts and does not, and a hash with which that can be put right.
#[utoipa::path(tag = "requirements", responses((status = 202, body = Operation)),
    extensions(("x-permission" = json!("rules.write"))))]
#[post("/comparisons")]
async fn compare_requirements(call: Call) -> ApiResult<Reply> {
    call.write(move |tx| {
        writes_all_rules(tx)?;
        operations::accepted(&comparison::begin(tx)?)
    })
    .await
}

/// Put right what a comparison found.
///
/// Takes the hash of a comparison, and is refused if something else differs by now, or if it would end more than
/// `allow_removals_percent` of the current requirements. The operation's result is a `RequirementRepair`.
#[utoipa::path(tag = "requirements", request_body = ApplyComparison, responses((status = 202, body = Operation)),
    extensions(("x-permission" = json!("rules.write"))))]
#[post("/applications")]
async fn apply_requirement_comparison(call: Call, body: Valid<ApplyComparison>) -> ApiResult<Reply> {
    call.write(move |tx| {
        writes_all_rules(tx)?;
        operations::accepted(&comparison::begin_application(tx, body.0.clone())?)
    })
    .await
}

fn writes_all_rules(tx: &Tx) -> ApiResult<()> {
    match tx.scope(Permission::RulesWrite)?.is_everything() {
        true => Ok(()),
        false => Err(authz::lacks(Permission::RulesWrite)),
    }
}

/// Assign requirements and remove their reasons in bulk.
///
/// Up to 1,000 rows in one transaction. A row that is wrong is answered with its problem and changes nothing; the
/// others are written: reasons are removed first, then requirements assigned. Two rows for the same user and course
/// give one requirement two reasons. With an `Idempotency-Key` you can safely repeat the whole request.
#[utoipa::path(tag = "requirements", request_body = BulkRequest<BulkRequirementRow>,
    responses((status = 200, body = BulkAnswer<RequirementWithReasons>)),
    extensions(("x-permission" = json!("requirements.write"))))]
#[post("/bulk")]
async fn bulk_write_requirements(call: Call, body: BulkBody) -> ApiResult<Reply> {
    let permission = Permission::RequirementsWrite;
    bulk::respond::<BulkRequirementRow, _, _>(call, body, permission, assign::assign, assign::remove_reasons)
        .await
}

/// Get a requirement with its reasons.
#[utoipa::path(tag = "requirements", params(("requirement_id" = String, Path), ReadQuery),
    responses((status = 200, body = RequirementWithReasons)),
    extensions(("x-permission" = json!("requirements.read"))))]
#[get("/{requirement_id}")]
async fn get_requirement(
    call: Call,
    id: Path<Ref<Requirement>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let requirement = authz::read(tx, &id)?;
        let requirement = store::with_reasons(tx, vec![requirement])?.pop();
        let requirement = requirement.ok_or_else(|| ApiError::internal("a requirement is gone"))?;
        show(
            tx,
            requirement,
            &known,
            query.0.expand.as_deref(),
            TARGET_EXPANSIONS,
        )
    })
    .await
}

/// Remove a reason that a user gave.
///
/// The requirement ends with its last reason.
#[utoipa::path(tag = "requirements", params(("requirement_id" = String, Path), ("reason_id" = Uuid, Path)),
    responses((status = 204, description = "It is taken back.")),
    extensions(("x-permission" = json!("requirements.write"))))]
#[delete("/{requirement_id}/reasons/{reason_id}")]
async fn delete_requirement_reason(
    call: Call,
    path: Path<(Ref<Requirement>, Uuid)>,
    known: IfMatch,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let requirement = authz::authorize(tx, &path.0, Permission::RequirementsWrite)?;
        known.check(&*requirement)?;
        let removal = RemoveRequirementReason { reason_id: path.1 };
        only(assign::remove_reasons(tx, vec![(requirement, removal)])?)?;
        Ok(Reply::no_content())
    })
    .await
}
