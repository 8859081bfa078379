//! The job queue in PostgreSQL and the worker that drains it.
//!
//! A job is queued in the transaction that wants it done ([`crate::app::Tx::enqueue`]) and run by any
//! worker at least once; every state write of an attempt is fenced by its token, so its effect happens once.

pub mod job;
pub mod store;

pub use job::{Job, JobError, NewJob};
