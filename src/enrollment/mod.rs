//! Who must learn what, who does, and who did: rules, requirements, enrollments, completions.
//!
//! *Must*, *does* and *did* are three things with three tables. What rules want of people is settled by one
//! family of statements, [`rules::reconcile`], for everybody and for one person alike.

mod bulk;
pub mod candidates;
pub mod completions;
pub mod enrollments;
pub mod equivalences;
pub mod events;
mod exceptions;
pub mod extensions;
pub mod issues;
pub mod new_days;
pub mod overrides;
pub mod people;
pub mod requirements;
pub mod rules;
pub mod target;
pub mod waivers;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::{catalog::courses::model::Course, people::users::model::User, resource::Expansion};

/// What facts about a person and a course show inside themselves.
pub const EXPANSIONS: &[Expansion] = &[
    Expansion::of::<User>("user", "user_id"),
    Expansion::of::<Course>("course", "course_id"),
];

/// What facts about a person and a target show inside themselves.
pub const TARGET_EXPANSIONS: &[Expansion] = &[
    Expansion::of::<User>("user", "user_id"),
    Expansion::of::<Course>("course", "target.id"),
];

/// The routes of this domain below those of users, courses and enrollments, which must be known before these.
pub fn configure_of_users(config: &mut ServiceConfig) {
    rules::routes::configure_of_users(config);
    candidates::routes::configure(config);
}

/// The routes of this domain.
pub fn configure(config: &mut ServiceConfig) {
    rules::routes::configure(config);
    issues::routes::configure(config);
    requirements::routes::configure(config);
    overrides::routes::configure(config);
    extensions::routes::configure(config);
    waivers::routes::configure(config);
    equivalences::routes::configure(config);
    enrollments::routes::configure(config);
    completions::routes::configure(config);
}
