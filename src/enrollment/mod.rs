//! Who must learn what, who does, and who did: rules, requirements, enrollments, completions.
//!
//! *Must*, *does* and *did* are three things with three tables. What rules want of people is settled by one
//! family of statements, [`rules::reconcile`], for everybody and for one person alike.

pub mod completions;
pub mod enrollments;
mod people;
pub mod requirements;
pub mod rules;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this domain.
pub fn configure(config: &mut ServiceConfig) {
    rules::routes::configure(config);
    requirements::routes::configure(config);
    enrollments::routes::configure(config);
    completions::routes::configure(config);
}
