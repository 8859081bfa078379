//! The statements of imports.

use std::io::Read;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{Import, ImportCounts, ImportRow, ImportStatus, RowAction};
use crate::{
    app::Tx,
    authz::Protected,
    db::schema::{import_files, import_profile_versions, import_rows, imports, operations},
    filter::{Attribute, Column, Kind, Schema},
    http::{ApiError, ApiResult, Code, ListQuery, Listing, Page, Sort, list::SortKind},
    import::{assess::Assessment, events, profiles::model::ProfileRow},
    ledger::{Event, EventKind},
};

const LISTING: Listing = Listing {
    id: "imports.id",
    sorts: &[Sort {
        name: "created_at",
        column: "imports.created_at",
        kind: SortKind::Instant,
    }],
};

/// Lines are unique within an import.
const ROWS: Listing = Listing {
    id: "import_rows.import_id",
    sorts: &[Sort {
        name: "line",
        column: "import_rows.line",
        kind: SortKind::Integer,
    }],
};

static SCHEMA: Schema = Schema::new(&[
    Attribute::scalar(
        "status",
        Kind::Enum(ImportStatus::WORDS),
        "imports.status",
        "How far it is.",
    ),
    Attribute::scalar("resource", Kind::String, "imports.resource", "What it writes."),
    Attribute::scalar(
        "profile_id",
        Kind::Id,
        "imports.profile_id",
        "The profile that its file is read with.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "imports.created_at",
        "When the file came.",
    ),
]);

static ROW_SCHEMA: Schema = Schema::new(&[
    Attribute::scalar(
        "action",
        Kind::Enum(RowAction::WORDS),
        "import_rows.action",
        "What is done with the row.",
    ),
    Attribute::scalar("line", Kind::Integer, "import_rows.line", "The line of the file."),
    Attribute::scalar(
        "key",
        Kind::Exact,
        "import_rows.key",
        "The row's key in the other system.",
    ),
    Attribute::scalar(
        "object_id",
        Kind::Id,
        "import_rows.object_id",
        "What the row is about.",
    ),
    Attribute {
        name: "issue",
        kind: Kind::Exact,
        column: Column::Exists {
            from: "jsonb_to_recordset(import_rows.issues) AS issue(code text)",
            on: "TRUE",
            value: "issue.code",
        },
        doc: "The codes of the row's issues.",
    },
    Attribute {
        name: "severity",
        kind: Kind::Enum(crate::import::read::Severity::WORDS),
        column: Column::Exists {
            from: "jsonb_to_recordset(import_rows.issues) AS issue(severity text)",
            on: "TRUE",
            value: "issue.severity",
        },
        doc: "How bad the row's issues are.",
    },
]);

/// Bytes of a part of a stored file.
const PART: u64 = 1 << 20;

/// Adds an import with its file. The operation is to be begun, and its job queued, by the caller.
pub fn insert(
    tx: &mut Tx,
    profile: &ProfileRow,
    file_name: Option<&str>,
    operation: Uuid,
    mut content: impl Read,
) -> ApiResult<Import> {
    let id = Uuid::now_v7();
    let import: Import = diesel::insert_into(imports::table)
        .values((
            imports::id.eq(id),
            imports::profile_id.eq(profile.id),
            imports::profile_version.eq(profile.version),
            imports::resource.eq(&profile.resource),
            imports::file_name.eq(file_name),
            imports::status.eq(ImportStatus::Planning),
            imports::operation_id.eq(operation),
            imports::created_at.eq(tx.now),
            imports::updated_at.eq(tx.now),
        ))
        .returning(Import::as_returning())
        .get_result(tx.conn)?;
    for part in 1.. {
        let mut bytes = Vec::new();
        let read = content.by_ref().take(PART).read_to_end(&mut bytes);
        if read.map_err(ApiError::internal)? == 0 {
            break;
        }
        diesel::insert_into(import_files::table)
            .values((
                import_files::import_id.eq(id),
                import_files::part.eq(part),
                import_files::content.eq(bytes),
            ))
            .execute(tx.conn)?;
    }
    tx.record(Event::new(&events::IMPORT_CREATED, id).after(&import));
    Ok(import)
}

/// The first `most` rows that `filter` finds, for people to look at.
pub fn sample(tx: &mut Tx, import: &Import, filter: &str, most: i64) -> ApiResult<Vec<ImportRow>> {
    let query = ListQuery {
        limit: Some(most),
        filter: Some(filter.to_owned()),
        ..ListQuery::default()
    };
    Ok(rows(tx, import, &query)?.data)
}

/// A page of imports.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Import>> {
    let scope = tx.scope(Import::READ)?;
    let (page, filter) = query.page(&LISTING, &SCHEMA, &tx.filter_clock())?;
    let rows = imports::table
        .select((Import::as_select(), page.key()))
        .filter(page.rows([Import::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |import: &Import| import.id))
}

/// A page of an import's rows. Until the plan is made there are none.
pub fn rows(tx: &mut Tx, import: &Import, query: &ListQuery) -> ApiResult<Page<ImportRow>> {
    let (page, filter) = query.page(&ROWS, &ROW_SCHEMA, &tx.filter_clock())?;
    let rows = import_rows::table
        .filter(import_rows::import_id.eq(import.id))
        .select((ImportRow::as_select(), page.key()))
        .filter(page.rows([filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |_| import.id))
}

/// What an import writes, and its mapping.
pub fn mapping(tx: &mut Tx, id: Uuid) -> ApiResult<(String, Value)> {
    let (resource, profile, version): (String, Uuid, i64) = imports::table
        .find(id)
        .select((imports::resource, imports::profile_id, imports::profile_version))
        .first(tx.conn)?;
    let mapping = import_profile_versions::table
        .find((profile, version))
        .select(import_profile_versions::mapping)
        .first(tx.conn)?;
    Ok((resource, mapping))
}

/// The plan is made. The file has done its duty.
pub fn planned(tx: &mut Tx, id: Uuid, assessment: &Assessment) -> ApiResult<()> {
    diesel::update(imports::table.find(id))
        .set((
            imports::counts.eq(json!(assessment.counts)),
            imports::plan_hash.eq(&assessment.plan_hash),
        ))
        .execute(tx.conn)?;
    diesel::delete(import_files::table.filter(import_files::import_id.eq(id))).execute(tx.conn)?;
    set_status(tx, id, ImportStatus::Planned, None, &events::IMPORT_PLANNED)
}

/// The plan is about to be applied by `operation`.
pub fn applying(tx: &mut Tx, id: Uuid, operation: Uuid) -> ApiResult<()> {
    diesel::update(imports::table.find(id))
        .set(imports::operation_id.eq(operation))
        .execute(tx.conn)?;
    set_status(
        tx,
        id,
        ImportStatus::Applying,
        None,
        &events::APPLICATION_REQUESTED,
    )
}

/// The turn up to which the plan's rows are written; none before the first. Locks the import.
pub fn applied_turn(tx: &mut Tx, id: Uuid) -> ApiResult<Option<i64>> {
    Ok(imports::table
        .find(id)
        .select(imports::applied_turn)
        .for_update()
        .first(tx.conn)?)
}

/// Whether another import of `resource` has begun to be applied, and its operation goes on.
pub fn is_another_applied(tx: &mut Tx, id: Uuid, resource: &str) -> ApiResult<bool> {
    let another = imports::table
        .inner_join(operations::table)
        .filter(imports::id.ne(id))
        .filter(imports::resource.eq(resource))
        .filter(imports::status.eq(ImportStatus::Applying))
        .filter(imports::applied_turn.is_not_null())
        .filter(operations::finished_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(another)).get_result(tx.conn)?)
}

/// Rows are written up to the turn `last`, in this transaction.
pub fn written(tx: &mut Tx, id: Uuid, last: i64) -> ApiResult<()> {
    diesel::update(imports::table.find(id))
        .set(imports::applied_turn.eq(last))
        .execute(tx.conn)?;
    Ok(())
}

/// The rows after `done` are written up to the turn `last`, in this transaction and no other.
pub fn move_on(tx: &mut Tx, id: Uuid, done: i64, last: i64) -> ApiResult<()> {
    let moved = diesel::update(imports::table.find(id).filter(imports::applied_turn.eq(done)))
        .set(imports::applied_turn.eq(last))
        .execute(tx.conn)?;
    if moved == 1 {
        return Ok(());
    }
    Err(ApiError::internal("another attempt has written these rows"))
}

/// The plan is applied, with these counts.
pub fn applied(tx: &mut Tx, id: Uuid, counts: &ImportCounts) -> ApiResult<()> {
    set_counts(tx, id, counts)?;
    set_status(tx, id, ImportStatus::Applied, None, &events::IMPORT_APPLIED)
}

/// Keeps what applying the plan has come to.
pub fn set_counts(tx: &mut Tx, id: Uuid, counts: &ImportCounts) -> ApiResult<()> {
    diesel::update(imports::table.find(id))
        .set(imports::counts.eq(json!(counts)))
        .execute(tx.conn)?;
    Ok(())
}

/// The import is given up.
pub fn failed(tx: &mut Tx, id: Uuid, why: &ApiError) -> ApiResult<()> {
    let problem = json!(why.to_problem(Some(tx.request_id.clone())));
    set_status(
        tx,
        id,
        ImportStatus::Failed,
        Some(problem),
        &events::IMPORT_FAILED,
    )
}

/// Somebody ended the import early.
pub fn cancelled(tx: &mut Tx, id: Uuid, what_now: &'static str) -> ApiResult<()> {
    let why = ApiError::new(Code::Conflict, what_now);
    let problem = json!(why.to_problem(Some(tx.request_id.clone())));
    set_status(
        tx,
        id,
        ImportStatus::Cancelled,
        Some(problem),
        &events::IMPORT_CANCELLED,
    )
}

/// The plan is applied again after its dead job was retried.
pub fn resume(tx: &mut Tx, id: Uuid) -> ApiResult<()> {
    let failed = imports::table
        .find(id)
        .filter(imports::status.eq(ImportStatus::Failed));
    diesel::update(failed)
        .set((
            imports::status.eq(ImportStatus::Applying),
            imports::problem.eq(None::<Value>),
            imports::version.eq(imports::version + 1),
        ))
        .execute(tx.conn)?;
    Ok(())
}

fn set_status(
    tx: &mut Tx,
    id: Uuid,
    status: ImportStatus,
    problem: Option<Value>,
    kind: &EventKind,
) -> ApiResult<()> {
    let import: Import = diesel::update(imports::table.find(id))
        .set((
            imports::status.eq(status),
            imports::problem.eq(problem),
            imports::version.eq(imports::version + 1),
            imports::updated_at.eq(tx.now),
        ))
        .returning(Import::as_returning())
        .get_result(tx.conn)?;
    tx.record(Event::new(kind, id).after(&import));
    Ok(())
}
