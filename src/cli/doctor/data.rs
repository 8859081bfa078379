//! `provost doctor --data`: what must hold of facts, and which rows break it.

use diesel::PgConnection;

use super::{Finding, fault};
use crate::enrollment::rules::invariants::{BrokenInvariant, INVARIANTS};

/// What is found of each.
pub(super) fn check(conn: &mut PgConnection) -> Vec<(&'static str, Finding)> {
    let found = INVARIANTS.iter().map(|invariant| {
        let finding = match invariant.find(conn) {
            Err(error) => fault(error.to_string(), "see the message of PostgreSQL."),
            Ok(None) => Finding::Fine(invariant.holds.into()),
            Ok(Some(broken)) => fault(
                format!(
                    "it does not hold that {}: {} rows, such as {}",
                    broken.holds,
                    broken.rows,
                    broken.ids.first().map_or(String::new(), ToString::to_string)
                ),
                fix(&broken),
            ),
        };
        (invariant.name, finding)
    });
    found.collect()
}

fn fix(broken: &BrokenInvariant) -> String {
    match broken.is_repairable {
        true => format!(
            "POST /v1/requirements/comparisons tells all that is to be put right, and POST /v1/requirements/applications does it: {}.",
            broken.fix
        ),
        false => format!("{}.", broken.fix),
    }
}
