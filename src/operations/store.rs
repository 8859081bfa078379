//! The statements of operations.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{Operation, OperationStatus};
use crate::{
    access::Permission,
    app::Tx,
    db::{Condition, Sql, bind, schema::operations},
    filter::{Attribute, Kind, Schema},
    http::{ApiError, ApiResult, Code, ListQuery, Listing, Page, Sort, list::SortKind},
    ledger::Event,
    sql,
};

const LISTING: Listing = Listing {
    id: "operations.id",
    sorts: &[Sort {
        name: "created_at",
        column: "operations.created_at",
        kind: SortKind::Instant,
    }],
};

static SCHEMA: Schema = Schema::new(&[
    Attribute::scalar("kind", Kind::Exact, "operations.kind", "What is being done."),
    Attribute::scalar(
        "status",
        Kind::Enum(OperationStatus::WORDS),
        "operations.status",
        "How far it is.",
    ),
    Attribute::scalar("created_by", Kind::Id, "operations.created_by", "Who began it."),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "operations.created_at",
        "When it was begun.",
    ),
]);

/// Begins an operation for the caller. Queue its job in the same transaction.
pub fn begin(tx: &mut Tx, kind: &'static str, total: Option<i64>) -> ApiResult<Operation> {
    let actor = tx.caller.actor;
    let operation = diesel::insert_into(operations::table)
        .values((
            operations::id.eq(Uuid::now_v7()),
            operations::kind.eq(kind),
            operations::status.eq(OperationStatus::Pending),
            operations::total.eq(total),
            operations::created_by_kind.eq(actor.kind),
            operations::created_by.eq(actor.id),
            operations::created_at.eq(tx.now),
        ))
        .returning(Operation::as_returning())
        .get_result(tx.conn)?;
    tx.record(Event::new("operation.created", "operation", operation.id).after(&json!({ "kind": kind })));
    Ok(operation)
}

/// Takes the operation up; false if it has succeeded or was cancelled. One that failed runs again: its dead job was
/// retried. The worker does this.
pub fn start(tx: &mut Tx, id: Uuid) -> ApiResult<bool> {
    if is_cancel_requested(tx, id)? {
        cancel(tx, id, &Value::Null)?;
        return Ok(false);
    }
    let started = sql![
        "UPDATE operations SET status = 'running', started_at = COALESCE(started_at, ",
        bind(tx.now),
        "), problem = NULL, finished_at = NULL, version = version + 1 WHERE id = ",
        bind(id),
        " AND status IN ('pending', 'running', 'failed')"
    ];
    Ok(started.execute(tx.conn)? == 1)
}

/// Says how many rows or steps are done.
pub fn progress(tx: &mut Tx, id: Uuid, done: i64) -> ApiResult<()> {
    diesel::update(operations::table.find(id))
        .set((
            operations::progress.eq(done),
            operations::version.eq(operations::version + 1),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Says how many rows or steps there are, once that is known.
pub fn set_total(tx: &mut Tx, id: Uuid, total: i64) -> ApiResult<()> {
    diesel::update(operations::table.find(id))
        .set((
            operations::total.eq(total),
            operations::version.eq(operations::version + 1),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Whether somebody asked for the operation to end early.
pub fn is_cancel_requested(tx: &mut Tx, id: Uuid) -> ApiResult<bool> {
    let requested = operations::table
        .find(id)
        .select(operations::cancel_requested)
        .first(tx.conn)
        .optional()?;
    Ok(requested.unwrap_or(false))
}

/// Ends the operation well. `result` is what its kind documents: counts, the first row errors, where to look.
pub fn succeed(tx: &mut Tx, id: Uuid, result: &impl Serialize) -> ApiResult<()> {
    let result = serde_json::to_value(result).map_err(ApiError::internal)?;
    end(tx, id, OperationStatus::Succeeded, Some(result), None)
}

/// Ends the operation with a problem; does nothing if it has ended already.
pub fn fail(tx: &mut Tx, id: Uuid, problem: &ApiError) -> ApiResult<()> {
    let problem = problem.to_problem(Some(tx.request_id.clone()));
    let problem = serde_json::to_value(problem).map_err(ApiError::internal)?;
    end(tx, id, OperationStatus::Failed, None, Some(problem))
}

/// Ends the operation early, as somebody asked; `result` says what was done until then.
pub fn cancel(tx: &mut Tx, id: Uuid, result: &impl Serialize) -> ApiResult<()> {
    let result = serde_json::to_value(result).map_err(ApiError::internal)?;
    end(
        tx,
        id,
        OperationStatus::Cancelled,
        Some(result).filter(|result| !result.is_null()),
        None,
    )
}

/// What has ended stays as it ended.
fn end(
    tx: &mut Tx,
    id: Uuid,
    status: OperationStatus,
    result: Option<Value>,
    problem: Option<Value>,
) -> ApiResult<()> {
    let ended = diesel::update(operations::table.find(id).filter(is_open()))
        .set((
            operations::status.eq(status),
            operations::result.eq(result),
            operations::problem.eq(problem),
            operations::finished_at.eq(tx.now),
            operations::version.eq(operations::version + 1),
        ))
        .returning(Operation::as_returning())
        .get_result(tx.conn)
        .optional()?;
    let Some(operation) = ended else { return Ok(()) };
    let action = match status {
        OperationStatus::Succeeded => "operation.succeeded",
        OperationStatus::Cancelled => "operation.cancelled",
        _ => "operation.failed",
    };
    let after = json!({ "kind": operation.kind, "problem": operation.problem });
    tx.record(Event::new(action, "operation", id).after(&after));
    Ok(())
}

fn is_open() -> Condition {
    Condition::new(sql!["operations.status IN ('pending', 'running')"])
}

/// The operations that the caller may watch: their own, and all of them with leave for everything.
fn visible(tx: &Tx) -> Sql {
    let own = tx
        .caller
        .actor
        .id
        .map(|id| sql!["operations.created_by = ", bind(id)]);
    let all = tx
        .caller
        .scope_if_any(Permission::OperationsRead, tx.now)
        .map(|scope| scope.global());
    Sql::any(own.into_iter().chain(all))
}

/// A page of the operations that the caller may watch.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Operation>> {
    let (page, filter) = query.page(&LISTING, &SCHEMA, &tx.filter_clock())?;
    let rows = operations::table
        .select((Operation::as_select(), page.key()))
        .filter(page.rows([visible(tx), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |operation| operation.id))
}

/// The operation, if the caller may watch it.
pub fn find(tx: &mut Tx, id: Uuid) -> ApiResult<Operation> {
    operations::table
        .find(id)
        .filter(Condition::new(visible(tx)))
        .select(Operation::as_select())
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| ApiError::not_found("operation"))
}

/// Asks for the operation to end early: at once if no worker has it, at the job's next look otherwise. Whoever
/// began it may; another's operation takes leave to see to jobs.
pub fn request_cancel(tx: &mut Tx, id: Uuid) -> ApiResult<Operation> {
    let operation = find(tx, id)?;
    if operation.created_by.is_none() || operation.created_by != tx.caller.actor.id {
        tx.require(Permission::JobsWrite)?;
    }
    let asked = diesel::update(operations::table.find(id).filter(is_open()))
        .set((
            operations::cancel_requested.eq(true),
            operations::version.eq(operations::version + 1),
        ))
        .returning(Operation::as_returning())
        .get_result(tx.conn)
        .optional()?
        .ok_or_else(|| {
            ApiError::new(
                Code::OperationFinished,
                "It has ended; there is nothing to cancel.",
            )
        })?;
    tx.record(
        Event::new("operation.cancellation_requested", "operation", id)
            .before(&operation)
            .after(&asked),
    );
    if asked.status == OperationStatus::Pending {
        cancel(tx, id, &Value::Null)?;
        return find(tx, id);
    }
    Ok(asked)
}
