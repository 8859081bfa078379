//! Kinds of jobs for these tests.

use provost::{
    app::Tx,
    http::{ApiError, ApiResult, Code},
    jobs::{Handler, Job, JobError, JobRun},
    ledger::{Event, EventKind},
    operations, sql,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const MARKED: EventKind = EventKind::new("test.marked", "mark", "Only in tests.");

pub const HANDLERS: &[Handler] = &[
    Handler::of::<Mark>(),
    Handler::of::<Fail>(),
    Handler::of::<Panic>(),
    Handler::of::<Long>(),
];

/// Leaves one mark.
#[derive(Serialize, Deserialize)]
pub struct Mark {
    pub mark: Uuid,
}

/// Fails at each attempt.
#[derive(Serialize, Deserialize)]
pub struct Fail {
    pub operation_id: Option<Uuid>,
    /// Whether it is the request's fault.
    pub is_refused: bool,
}

/// Takes as long as something else holds the advisory lock 7.
#[derive(Serialize, Deserialize)]
pub struct Long {}

/// Panics at each attempt.
#[derive(Serialize, Deserialize)]
pub struct Panic {}

impl Job for Mark {
    const KIND: &'static str = "test.mark";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.finish(|tx| {
            leave_mark(tx, self.mark);
            Ok(())
        })
    }

    fn unique_key(&self) -> Option<String> {
        Some(self.mark.to_string())
    }
}

impl Job for Fail {
    const KIND: &'static str = "test.fail";
    const MAX_ATTEMPTS: i32 = 3;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        if self.is_refused {
            return Err(ApiError::new(Code::PlanStale, "Plan again.").into());
        }
        // What an attempt wrote before it failed stays; what it was writing does not.
        let failed: ApiResult<()> = Err(ApiError::internal("the printer is on fire"));
        run.write(|tx| {
            leave_mark(tx, Uuid::nil());
            failed.clone()
        })
    }

    fn operation_id(&self) -> Option<Uuid> {
        self.operation_id
    }
}

impl Job for Long {
    const KIND: &'static str = "test.long";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.finish(|tx| {
            sql!("SELECT pg_advisory_xact_lock_shared(7)").execute(tx.conn)?;
            Ok(())
        })
    }
}

impl Job for Panic {
    const KIND: &'static str = "test.panic";
    const MAX_ATTEMPTS: i32 = 1;

    fn run(&self, _: &JobRun) -> Result<(), JobError> {
        panic!("on purpose")
    }
}

/// Counts as an effect: two of them for one mark are one too many.
pub fn leave_mark(tx: &mut Tx, mark: Uuid) {
    tx.record(Event::new(&MARKED, mark));
}

/// Begins an operation whose job fails.
pub fn begin_failing(tx: &mut Tx, is_refused: bool) -> ApiResult<Uuid> {
    let operation = operations::begin(tx, "test.fail", None)?;
    tx.enqueue(&Fail {
        operation_id: Some(operation.id),
        is_refused,
    })?;
    Ok(operation.id)
}
