//! The queue as administrators see it.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::{
    events::RETRIED,
    model::{JobState, QueuedJob, RetriedJob},
};
use crate::{
    app::{Event, Tx, Wake},
    authz::{self, Permission},
    db::schema::jobs,
    filter::{Attribute, Kind, Schema},
    http::{ApiError, ApiResult, Code, ListQuery, Listing, Page, Ref, Sort, list::SortKind},
    protected,
};

/// Attempts that a retried job gets.
const MORE_ATTEMPTS: i32 = 3;

protected!(QueuedJob in jobs, name: "job", external: None, read: JobsRead, covered: |scope| scope.global());

const LISTING: Listing = Listing {
    id: "jobs.id",
    sorts: &[Sort {
        name: "created_at",
        column: "jobs.created_at",
        kind: SortKind::Instant,
    }],
};

static SCHEMA: Schema = Schema::new(&[
    Attribute::scalar("kind", Kind::Exact, "jobs.kind", "What kind of work."),
    Attribute::scalar("state", Kind::Enum(JobState::WORDS), "jobs.state", "The status."),
    Attribute::scalar(
        "request_id",
        Kind::Exact,
        "jobs.request_id",
        "The request that caused it.",
    ),
    Attribute::scalar("run_at", Kind::Instant, "jobs.run_at", "Not begun before."),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "jobs.created_at",
        "When it was queued.",
    ),
]);

/// A page of the queue.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<QueuedJob>> {
    let scope = tx.scope(Permission::JobsRead)?;
    let (page, filter) = query.page(&LISTING, &SCHEMA, &tx.filter_clock())?;
    let rows = jobs::table
        .select((QueuedJob::as_select(), page.key()))
        .filter(page.rows([scope.global(), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |job| job.id))
}

/// A job.
pub fn find(tx: &mut Tx, id: Uuid) -> ApiResult<QueuedJob> {
    authz::read(tx, &Ref::from(id))
}

/// Makes a dead job ready again.
pub fn retry(tx: &mut Tx, id: Uuid) -> ApiResult<QueuedJob> {
    let before = authz::authorize::<QueuedJob>(tx, &Ref::from(id), Permission::JobsWrite)?;
    let after = diesel::update(jobs::table.find(id))
        .filter(jobs::state.eq(JobState::Dead))
        .set((
            jobs::state.eq(JobState::Ready),
            jobs::run_at.eq(tx.now),
            jobs::max_attempts.eq(jobs::attempts + MORE_ATTEMPTS),
            jobs::finished_at.eq(None::<chrono::DateTime<chrono::Utc>>),
        ))
        .returning(QueuedJob::as_returning())
        .get_result(tx.conn)
        .optional()?
        .ok_or_else(|| ApiError::new(Code::JobNotDead, "It is waiting, running or done; leave it be."))?;
    tx.wake(Wake::Jobs);
    tx.record(Event::new(&RETRIED, id).after(&RetriedJob::from(&*before)));
    Ok(after)
}
