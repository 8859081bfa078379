mod completions;
mod enrollments;
mod fixture;
mod requirements;
mod rules;
