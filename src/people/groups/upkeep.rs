//! The daily look at dynamic groups: filters that speak of today, such as `hired_on lt "-P90D"`, find others every day
//! though nobody changed.

use serde::{Deserialize, Serialize};

use super::dynamic;
use crate::jobs::{Job, JobError, JobRun};

/// Brings the membership of everybody in every dynamic group up to date.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefreshGroups {}

impl Job for RefreshGroups {
    const KIND: &'static str = "groups.upkeep";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.finish(|tx| {
            let groups = dynamic::all(tx)?;
            dynamic::refresh_members(tx, groups, None)
        })
    }

    fn unique_key(&self) -> Option<String> {
        Some("all".into())
    }
}
