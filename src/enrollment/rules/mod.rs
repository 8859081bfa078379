//! Rules: who must hold which courses, by when, and again when.

mod apply;
mod audience;
mod audience_check;
pub mod audience_model;
pub mod change;
mod changes;
pub mod check;
pub mod comparison;
pub mod due;
pub mod explain;
pub mod explain_model;
pub mod explain_target;
mod facts;
pub mod figures;
pub mod job;
pub mod model;
pub mod plan;
pub mod plan_changes;
pub mod plan_job;
pub mod plan_model;
mod policy;
pub mod reconcile;
pub mod repeat;
pub mod routes;
pub mod settle;
