//! Rules: who must hold which courses, by when, and again when.

pub mod audience;
pub mod change;
pub mod check;
pub mod due;
pub mod explain;
pub mod job;
pub mod model;
pub mod plan;
pub mod plan_job;
pub mod plan_model;
pub mod reconcile;
pub mod routes;
mod steps;
