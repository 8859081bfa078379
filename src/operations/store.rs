//! The statements of operations.

use diesel::{
    ExpressionMethods, NullableExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use super::{
    events,
    model::{Operation, OperationState, OperationStatus},
};
use crate::{
    app::{Event, EventKind, Tx},
    authz::{self, Authorized, Permission, Protected},
    db::{Condition, Sql, schema::operations},
    filter::{Attribute, Kind, Schema},
    http::{ApiError, ApiResult, Code, ListQuery, Listing, Page, Ref, Sort, list::SortKind},
    protected, sql,
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

/// Begins an operation of the caller, or of the person in whose place the caller acts. Queue its job in the same
/// transaction.
pub fn begin(tx: &mut Tx, kind: &'static str, total: Option<i64>) -> ApiResult<Operation> {
    let operation = diesel::insert_into(operations::table)
        .values((
            operations::id.eq(Uuid::now_v7()),
            operations::kind.eq(kind),
            operations::status.eq(OperationStatus::Pending),
            operations::total.eq(total),
            operations::created_by_kind.eq(tx.caller.kind()),
            operations::created_by.eq(tx.caller.principal()),
            operations::created_at.eq(tx.now),
        ))
        .returning(Operation::as_returning())
        .get_result(tx.conn)?;
    record(tx, &events::CREATED, &operation);
    Ok(operation)
}

/// Takes the operation up; false if it has succeeded or is to be cancelled. One that failed runs again: its dead job was
/// retried. The worker does this.
pub fn start(tx: &mut Tx, id: Uuid) -> ApiResult<bool> {
    if is_cancel_requested(tx, id)? {
        return Ok(false);
    }
    let started = sql!(
        "UPDATE operations SET status = 'running', started_at = COALESCE(started_at, {tx.now}),
            problem = NULL, finished_at = NULL, version = version + 1
         WHERE id = {id} AND status IN ('pending', 'running', 'failed')"
    );
    Ok(started.execute(tx.conn)? == 1)
}

/// Says how many rows or steps are done. An attempt that begins again has less done than the one before; what clients see
/// never goes back.
pub fn progress(tx: &mut Tx, id: Uuid, done: i64) -> ApiResult<()> {
    sql!(
        "UPDATE operations SET progress = greatest(progress, {done}), version = version + 1
         WHERE id = {id}"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// What the operation's attempts have counted of its result so far.
pub fn counted<T: DeserializeOwned + Default>(tx: &mut Tx, id: Uuid) -> ApiResult<T> {
    let counted = operations::table
        .find(id)
        .select(operations::counted)
        .first::<Option<Value>>(tx.conn)?;
    match counted {
        Some(counted) => serde_json::from_value(counted).map_err(ApiError::internal),
        None => Ok(T::default()),
    }
}

/// Keeps what was counted of the operation's result until now, in the transaction that did it: an attempt that is cut
/// short leaves its count to the next.
pub fn count(tx: &mut Tx, id: Uuid, counted: &impl Serialize) -> ApiResult<()> {
    let counted = serde_json::to_value(counted).map_err(ApiError::internal)?;
    diesel::update(operations::table.find(id))
        .set(operations::counted.eq(counted))
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

/// Whether a client asked for the operation to end early.
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
    // What there was to look at may have been less than was thought.
    diesel::update(operations::table.find(id).filter(is_open()))
        .filter(operations::total.is_not_null())
        .set(operations::progress.eq(operations::total.assume_not_null()))
        .execute(tx.conn)?;
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
    let kind = match status {
        OperationStatus::Succeeded => events::SUCCEEDED,
        OperationStatus::Cancelled => events::CANCELLED,
        _ => events::FAILED,
    };
    record(tx, &kind, &operation);
    Ok(())
}

fn record(tx: &mut Tx, kind: &EventKind, operation: &Operation) {
    tx.record(Event::new(kind, operation.id).after(&OperationState::from(operation)));
}

fn is_open() -> Condition {
    Condition::new(sql!("operations.status IN ('pending', 'running')"))
}

// What operations do so far (imports, rules, the ledger) takes a permission for everything and tells of everybody, so that
// is their scope.
protected!(Operation in operations, name: "operation", external: None, read: OperationsRead, covered: |scope| scope.global());

/// The operations of the caller's principal.
fn own(tx: &Tx) -> Sql {
    match tx.caller.principal() {
        Some(principal) => sql!("operations.created_by = {principal}"),
        None => Sql::never(),
    }
}

/// The operations that the caller may watch: their own, and those in their scope.
fn visible(tx: &Tx) -> Sql {
    let covered = tx
        .caller
        .scope_if_any(Operation::READ, tx.now)
        .map(|scope| Operation::visible(&scope));
    Sql::any(std::iter::once(own(tx)).chain(covered))
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
    let visible = visible(tx);
    find_in(tx, id, visible)?.ok_or_else(|| ApiError::not_found(Operation::NAME))
}

fn find_in(tx: &mut Tx, id: Uuid, among: Sql) -> ApiResult<Option<Operation>> {
    Ok(operations::table
        .find(id)
        .filter(Condition::new(among))
        .select(Operation::as_select())
        .first(tx.conn)
        .optional()?)
}

/// The operation, if the caller may cancel it: their own, and those that they see and that the permission to see to jobs
/// covers.
fn cancellable(tx: &mut Tx, id: Uuid) -> ApiResult<Operation> {
    let own = own(tx);
    if let Some(own) = find_in(tx, id, own)? {
        return Ok(own);
    }
    // What they may not see is not found, whatever else they lack.
    find(tx, id)?;
    authz::authorize::<Operation>(tx, &Ref::from(id), Permission::JobsWrite).map(Authorized::into_inner)
}

/// Asks for the operation to end early: at once if no worker has it, at the job's next look otherwise.
pub fn request_cancel(tx: &mut Tx, id: Uuid) -> ApiResult<Operation> {
    cancellable(tx, id)?;
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
    record(tx, &events::CANCELLATION_REQUESTED, &asked);
    if asked.status == OperationStatus::Pending {
        cancel(tx, id, &Value::Null)?;
        return find(tx, id);
    }
    Ok(asked)
}
