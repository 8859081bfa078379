//! Applying rules outside of a request.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::jobs::Job;

/// Settles what one rule wants of everybody, after it changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReconcileRule {
    /// Which rule.
    pub rule_id: Uuid,
}

impl Job for ReconcileRule {
    const KIND: &'static str = "reconcile_rule";

    fn unique_key(&self) -> Option<String> {
        Some(self.rule_id.to_string())
    }
}

/// Settles what all rules want of everybody: once a day, for what dates alone bring about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReconcileAll {}

impl Job for ReconcileAll {
    const KIND: &'static str = "reconcile_all";

    fn unique_key(&self) -> Option<String> {
        Some("all".into())
    }
}
