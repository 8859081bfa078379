//! The job queue in PostgreSQL and the worker that drains it.
//!
//! A job is queued in the transaction that wants it done ([`crate::app::Tx::enqueue`]) and run by any
//! worker at least once; every state write of an attempt is fenced by its token, so its effect happens once.
//! Domains implement [`Job`]; the lists of handlers and schedules stand in `cli/worker.rs`.

pub mod events;
mod execute;
mod handler;
mod job;
mod model;
mod purge;
mod queue;
pub mod routes;
mod run;
mod schedule;
mod signal;
pub mod store;
mod walk;
mod worker;
mod worker_lock;
mod worker_queue;

pub use execute::backoff;
pub use handler::Handler;
pub use job::{Job, JobError};
pub use model::{JobState, QueuedJob};
pub use purge::Purge;
pub use run::JobRun;
pub use schedule::{Every, Schedule};
pub use signal::JobSignal;
pub use store::due;
pub use walk::Part;
pub use worker::{Sealer, Worker, WorkerHandle, long_jobs};
pub use worker_lock::WorkerLock;
