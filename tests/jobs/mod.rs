//! The queue and the worker.

mod kinds;
mod processes;
mod queue;
mod retries;
mod schedules;
mod workers;
