//! Taking a course: what an enrollment's activities are, launches, the player and what packages say while they run.
//!
//! [`outline`] and [`runtime`] are functions of values. [`track`] is the one place that writes how far a learner is.

pub mod actions;
pub mod address;
pub mod commits;
pub mod content;
pub mod events;
pub mod launches;
pub mod live;
pub mod model;
pub mod moves;
pub mod outcome;
pub mod outline;
pub mod package;
pub mod routes;
pub mod runtime;
pub mod state;
mod store;
pub mod support;
pub mod track;
pub mod watched;

pub use moves::routes::configure as configure_of_courses;
pub use routes::configure;
