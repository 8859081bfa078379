mod agreement;
mod completions;
mod enrollments;
mod fixture;
mod model;
mod plans;
mod requirements;
mod rules;
