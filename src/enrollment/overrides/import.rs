//! Overrides as a target of imports.

use serde_json::json;

use super::model::{OverrideEffect, RuleOverride};
use crate::{
    authz::Permission,
    import::{
        mapping::ReferenceBy,
        resources::{MATCH_BY_ID, Named, ResourceImport, RowReference, STATUS, STILL_MISSING},
        target::{Declaration, Empty, Kind, Reference},
    },
    people::{
        absences::import::{OF_USER, THE_USER},
        events::key_added,
    },
};

/// Writes overrides.
pub const IMPORT: ResourceImport<RuleOverride> = ResourceImport::new(
    &Declaration {
        resource: "rule_overrides",
        table: "rule_overrides",
        external_kind: "rule_override",
        permissions: &[
            Permission::OverridesWrite,
            Permission::UsersRead,
            Permission::RulesRead,
        ],
        reads: &[
            Permission::OverridesRead,
            Permission::UsersRead,
            Permission::RulesRead,
        ],
        status: STATUS,
        ends_first: true,
        new_ones_lock: true,
        matches: MATCH_BY_ID,
        references: &[
            Reference {
                name: "rule",
                is_required: true,
                by: &[ReferenceBy::Code, ReferenceBy::Id],
                made: &[],
                is_path: false,
                is_tree: false,
                is_same: "t.rule_id::text IS NOT DISTINCT FROM r.refs ->> 'rule_id'",
                shown: "(SELECT n.code FROM rules n WHERE n.id = t.rule_id)",
            },
            THE_USER,
        ],
        missing: &["archived"],
        gone: &["archived"],
        still_missing: STILL_MISSING,
    },
    key_added("rule_override"),
    &[
        ("effect", || Kind::one_of(OverrideEffect::WORDS), Empty::Refused),
        ("until", || Kind::Date, Empty::Null),
        ("reason", || Kind::Lines(1_000), Empty::Refused),
    ],
    &[
        RowReference {
            name: "rule",
            id: "rule_id",
            named: &Named {
                name: "rule",
                table: "rules",
                external_kind: None,
                code: "code",
            },
            member: "rule_id",
            pointer: "/rule_id",
            value: |id| json!(id),
        },
        OF_USER,
    ],
);
