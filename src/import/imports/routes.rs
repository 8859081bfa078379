//! `/v1/imports`.

use actix_web::{get, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    jobs::{ApplyPlan, PlanImport},
    model::{ApplyImport, CreateImport, Import, ImportCounts, ImportRow, ImportStatus},
    store,
};
use crate::{
    app::{Call, Tx},
    authz::{self, Permission},
    http::{ApiError, ApiResult, Code, CsvUpload, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
    import::{self, apply, plan::Prepared, profiles, require_all, stale},
    operations::{self, Operation},
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/imports")
            .service(list_imports)
            .service(create_import)
            .service(get_import)
            .service(list_import_rows)
            .service(apply_import),
    );
}

/// List imports.
#[utoipa::path(tag = "imports", params(ListQuery), responses((status = 200, body = Page<Import>)),
    extensions(("x-permission" = json!("imports.read"))))]
#[get("")]
async fn list_imports(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Upload a file and plan its import.
///
/// The body is the CSV. The operation reads it with the profile's present version and makes a plan, which writes
/// nothing: look at it, then apply it. A file that cannot be read fails the operation, with the line and the reason.
/// A plan tells who is there already, so the caller must also hold what applying it takes, in the scope of everything:
/// `users.write` and `org_units.write` for people, `courses.write` and `courses.publish` for courses; of absences and exceptions from
/// rules their write permission, and the read permissions of what rows name.
#[utoipa::path(tag = "imports", params(CreateImport),
    request_body(content = inline(CsvUpload), content_type = "text/csv", description = "The file.", example = "EmpID;Name\n7;Ana\n"),
    responses((status = 202, description = "The import; its operation is at the Location.", body = Import)),
    extensions(("x-permission" = json!("imports.write"))))]
#[post("")]
async fn create_import(call: Call, query: Query<CreateImport>, file: CsvUpload) -> ApiResult<Reply> {
    let query = query.0;
    call.write(move |tx| {
        tx.require_everywhere(Permission::ImportsWrite)?;
        let profile = profile(tx, &query.profile)?;
        let target = import::stored_target(tx.app, &profile.resource)?;
        require_all(tx, target.declaration().permissions)?;
        profiles::store::refuse_archived(&profile)?;
        let operation = operations::begin(tx, PLAN, None)?;
        let import = store::insert(
            tx,
            &profile,
            query.file_name.as_deref(),
            operation.id,
            file.content()?,
        )?;
        tx.enqueue(&PlanImport {
            import_id: import.id,
            operation_id: operation.id,
        })?;
        Reply::accepted(&import, format!("/v1/operations/{}", operation.id))
    })
    .await
}

/// What the operations are called.
const PLAN: &str = "import.plan";
const APPLY: &str = "import.apply";

/// The profile that a code or an id names.
fn profile(tx: &mut Tx, name: &str) -> ApiResult<profiles::model::ProfileRow> {
    match Uuid::parse_str(name) {
        Ok(id) => authz::read(tx, &Ref::from(id)),
        Err(_) => profiles::store::with_code(tx, name)?.ok_or_else(|| {
            ApiError::parameter("profile", "is neither the code nor the id of an import profile")
        }),
    }
}

/// Get an import.
///
/// With the plan's counts and hash, once it is made.
#[utoipa::path(tag = "imports", params(("import_id" = String, Path)), responses((status = 200, body = Import)),
    extensions(("x-permission" = json!("imports.read"))))]
#[get("/{import_id}")]
async fn get_import(call: Call, id: Path<Ref<Import>>, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| Reply::unless_known(&authz::read(tx, &id)?, &known))
        .await
}

/// List the rows of an import.
///
/// What the plan does with each line, field by field, and what is wrong with it. `filter=action eq "refuse"`
/// finds the rows with errors, `filter=issue eq "manager_unknown"` those with one kind of issue.
/// Rows show what is there, so the caller must also hold, in the scope of everything, `users.read` and `org_units.read`
/// for people, `courses.read` for courses; of absences and exceptions from rules their read permission, and those of what rows name.
#[utoipa::path(tag = "imports", params(("import_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<ImportRow>)), extensions(("x-permission" = json!("imports.read"))))]
#[get("/{import_id}/rows")]
async fn list_import_rows(call: Call, id: Path<Ref<Import>>, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| {
        let import = authz::read(tx, &id)?;
        let target = import::stored_target(tx.app, &import.resource)?;
        require_all(tx, target.declaration().reads)?;
        Reply::page(&store::rows(tx, &import, &query.0)?)
    })
    .await
}

/// Apply an import.
///
/// Takes the hash of the plan that was looked at, and refuses one that is stale or removes more than is allowed.
/// The caller must also hold what planning it takes, in the scope of everything. Who gives people other e-mail addresses needs all that those people were
/// granted, as for their passwords.
/// Rows are written in batches that each commit by themselves, so that nobody waits long for one of them; with
/// `all_or_nothing` in one transaction. A row is refused by itself, with the issue `changed_since_planned`, if what it says of its
/// object has changed since the plan was made, and the others go in. The whole plan is stale (`plan_stale`) if more than five rows
/// and a tenth of what it would write have changed, or all of it, or anything with `all_or_nothing`; what it leaves as it is does
/// not matter. Imports of one resource are applied one after the other.
#[utoipa::path(tag = "imports", params(("import_id" = String, Path)), request_body = ApplyImport,
    responses((status = 202, body = Operation)), extensions(("x-permission" = json!("imports.write"))))]
#[post("/{import_id}/application")]
async fn apply_import(call: Call, id: Path<Ref<Import>>, body: Valid<ApplyImport>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let import = authz::authorize(tx, &id, Permission::ImportsWrite)?;
        let target = import::stored_target(tx.app, &import.resource)?;
        require_all(tx, target.declaration().permissions)?;
        target.refuse_application(tx, import.id)?;
        let counts = planned(&import)?;
        if import.plan_hash.as_deref() != Some(body.0.plan_hash.as_str()) {
            return Err(stale::stale());
        }
        let prepared = Prepared::of(tx, import.id)?;
        stale::refuse_stale(tx, &prepared.plan(), prepared.target)?;
        apply::check_removals(tx, import.id, &counts, body.0.allow_removals_percent)?;
        let operation = operations::begin(
            tx,
            APPLY,
            Some(counts.create + counts.update + counts.restore + counts.end),
        )?;
        store::applying(tx, import.id, operation.id)?;
        tx.enqueue(&ApplyPlan {
            import_id: import.id,
            operation_id: operation.id,
            all_or_nothing: body.0.all_or_nothing,
        })?;
        operations::accepted(&operation)
    })
    .await
}

/// The counts of a plan that can be applied.
fn planned(import: &Import) -> ApiResult<ImportCounts> {
    match (&import.counts, import.status) {
        (Some(counts), ImportStatus::Planned) => {
            serde_json::from_value(counts.clone()).map_err(ApiError::internal)
        }
        _ => Err(ApiError::new(
            Code::ImportNotPlanned,
            format!(
                "The import is {}; only one that is planned can be applied. Send the file again for a new plan.",
                import.status.as_str()
            ),
        )),
    }
}
