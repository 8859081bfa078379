//! One attempt at a job: what a handler works with.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use uuid::Uuid;

use super::{JobError, store, store::Claim};
use crate::{
    app::{Acting, App, Tx},
    http::ApiResult,
    operations,
};

/// One attempt at a job. All that it writes is fenced: once another worker has taken over, nothing goes through.
pub struct JobRun<'a> {
    app: &'a App,
    claim: &'a Claim,
    acting: Acting,
    operation_id: Option<Uuid>,
    lost: Arc<AtomicBool>,
    finished: AtomicBool,
}

impl<'a> JobRun<'a> {
    pub(super) fn new(
        app: &'a App,
        claim: &'a Claim,
        operation_id: Option<Uuid>,
        lost: Arc<AtomicBool>,
    ) -> Self {
        JobRun {
            app,
            claim,
            acting: Acting::system_on_behalf_of(claim.on_behalf_of, claim.request_id.clone()),
            operation_id,
            lost,
            finished: AtomicBool::new(false),
        }
    }

    /// The process's state.
    pub fn app(&self) -> &App {
        self.app
    }

    /// The job's id.
    pub fn id(&self) -> Uuid {
        self.claim.id
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> i32 {
        self.claim.attempts
    }

    /// Reads on a connection of its own.
    pub fn read<T>(&self, f: impl FnOnce(&mut Tx) -> ApiResult<T>) -> Result<T, JobError> {
        Ok(self.app.read_blocking(&self.acting, f)?)
    }

    /// Writes in one transaction as Provost, on behalf of the principal who caused the job, under their request's id.
    /// `f` may run more than once.
    pub fn write<T>(&self, f: impl Fn(&mut Tx) -> ApiResult<T>) -> Result<T, JobError> {
        self.write_as(&self.acting, f)
    }

    /// As [`JobRun::write`], on behalf of another principal and under the id of their request: for a job that does the
    /// work of many.
    pub fn write_on_behalf<T>(
        &self,
        principal: Option<Uuid>,
        request_id: &str,
        f: impl Fn(&mut Tx) -> ApiResult<T>,
    ) -> Result<T, JobError> {
        self.write_as(&Acting::system_on_behalf_of(principal, request_id), f)
    }

    fn write_as<T>(&self, acting: &Acting, f: impl Fn(&mut Tx) -> ApiResult<T>) -> Result<T, JobError> {
        let written = self.app.write_blocking(acting, |tx| {
            if !store::hold(tx.conn, self.claim)? {
                return Ok(None);
            }
            f(tx).map(Some)
        })?;
        written.ok_or(JobError::Fenced)
    }

    /// The job's last write, which completes it in the same transaction: its effect happens once.
    pub fn finish<T>(&self, f: impl Fn(&mut Tx) -> ApiResult<T>) -> Result<T, JobError> {
        let answer = self.write(|tx| {
            let answer = f(tx)?;
            store::complete(tx.conn, self.claim, tx.now)?;
            Ok(answer)
        })?;
        self.finished.store(true, Ordering::Relaxed);
        Ok(answer)
    }

    /// Says how far the job's operation is, on a connection of its own: who watches sees it while a transaction of the job
    /// still goes on. To be called before that transaction writes the operation itself. A report that cannot be written
    /// is left out.
    pub fn progress(&self, done: i64) {
        let Some(operation) = self.operation_id else {
            return;
        };
        if let Err(error) = self.write(|tx| operations::progress(tx, operation, done)) {
            log::warn!("job {}: its progress could not be told: {error}", self.claim.id);
        }
    }

    /// Whether a client asked to cancel the job's operation. Long work asks between its parts, and then ends with
    /// [`operations::cancel`]. An error if the attempt was fenced off.
    pub fn is_cancelled(&self) -> Result<bool, JobError> {
        if self.lost.load(Ordering::Relaxed) {
            return Err(JobError::Fenced);
        }
        match self.operation_id {
            Some(id) => self.read(|tx| operations::is_cancel_requested(tx, id)),
            None => Ok(false),
        }
    }

    pub(super) fn operation_id(&self) -> Option<Uuid> {
        self.operation_id
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }
}
