//! The queue and the worker.

mod kinds;
mod processes;
mod queue;
mod schedules;
mod workers;
