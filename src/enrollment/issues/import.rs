//! Decisions about issues as a target of imports: a list of issues is exported, decided about, and read again.

use super::model::{IssueChoice, RuleIssue};
use crate::{
    authz::Permission,
    import::{
        resources::{MATCH_BY_ID, ResourceImport},
        target::{Declaration, Empty, Kind},
    },
    people::events::key_added,
};

/// Writes decisions. Rules open issues and close them, so rows add none, and none of them is missing.
pub const IMPORT: ResourceImport<RuleIssue> = ResourceImport::new(
    &Declaration {
        resource: "rule_issues",
        table: "rule_issues",
        external_kind: "rule_issue",
        permissions: &[
            Permission::RequirementsWrite,
            Permission::UsersRead,
            Permission::RulesRead,
        ],
        reads: &[
            Permission::RequirementsRead,
            Permission::UsersRead,
            Permission::RulesRead,
        ],
        status: "CASE WHEN t.closed_at IS NULL THEN 'current' ELSE 'closed' END",
        ends_first: false,
        new_ones_lock: false,
        matches: MATCH_BY_ID,
        references: &[],
        missing: &[],
        gone: &[],
        still_missing: "false",
    },
    key_added("rule_issue"),
    &[
        ("choice", || Kind::one_of(IssueChoice::WORDS), Empty::Null),
        ("due_on", || Kind::Date, Empty::Null),
        ("note", || Kind::Lines(1_000), Empty::Null),
    ],
    &[],
)
.of_present_ones("rules open issues, and rows decide about those that there are: give the id of one, and match_by id in the profile");
